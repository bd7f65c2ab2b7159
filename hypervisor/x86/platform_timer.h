/*
 * A clock outside of the CPUs, to measure them against: HPET, the ACPI PM
 * timer, or the PIT.
 */
#ifndef X86_PLATFORM_TIMER_H
#define X86_PLATFORM_TIMER_H

#include "lib/types.h"

/* Where they are: hpet mapped or NULL; pm_port 0: none. */
void platform_timer_init(void *hpet, uint16_t pm_port, bool pm_32bit);
/* Nanoseconds since the init.  Must be called at least once a second, or the
 * counter's wrap is missed. */
s_time_t platform_time(void);

#endif
