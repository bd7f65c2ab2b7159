/*
 * System time: nanoseconds since boot, from the TSC.
 *
 * With a stable TSC every CPU uses the same scale; otherwise each has its own
 * (tsc.c corrects it against the platform timer).
 */
#ifndef X86_TSC_H
#define X86_TSC_H

#include "lib/types.h"

/* time = base_ns + (((tsc - base_tsc) << shift) * mul) >> 32 (pvclock). */
struct time_scale {
    uint64_t base_tsc;
    s_time_t base_ns;
    uint32_t mul;
    int8_t shift;
};

extern bool tsc_stable;              /* (c) after all CPUs started */
extern int opt_tsc;                  /* boot option: 0 unstable, 1 stable */

s_time_t system_time(void);
const struct time_scale *time_scale_of(unsigned int cpu);

/* What a clock reads, and another one at that moment: of some readings the one
 * that took least by the other clock.  An interrupt, or what we run on, may
 * have come between the rest. */
s_time_t clocks_at_once(s_time_t (*clock)(void), s_time_t (*beside)(void),
                        s_time_t *ret_beside);

/* Boot CPU: calibrate against the platform timer. */
void tsc_init_boot(void);
/* A starting CPU and the boot CPU, both at once: do their TSCs agree? */
void tsc_check_warp(void);
/* All CPUs run: decide tsc_stable. */
void tsc_init_done(void);
/* Each CPU, about once a second: follow the platform timer. */
void tsc_correct(void);

/*
 * A clock outside of the CPUs, to measure them against: HPET, or the ACPI PM
 * timer (platform_timer.c).  hpet: its registers, mapped, or NULL; pm_port 0:
 * none.  Panics if there is neither.
 */
void platform_timer_init(char *hpet, uint16_t pm_port, bool pm_32bit);
/* Nanoseconds since the init.  Must be called at least once a second, or the
 * counter's wrap is missed. */
s_time_t platform_time(void);

#endif
