/*
 * The interrupt controllers.  Local APIC: interrupts between CPUs, end of
 * interrupt, one-shot timer.  I/O APICs: the pins where interrupts of devices
 * (GSIs) arrive.  i8259: moved out of the way, and masked.
 */
#ifndef X86_APIC_H
#define X86_APIC_H

#include "lib/types.h"

/* Boot CPU: regs is where main.c mapped the registers.  Every CPU: enable. */
void apic_init_boot(void *regs);
void apic_init_this(void);

/* VEC_APIC_ERROR arrived. */
void apic_error(void);
void apic_eoi(void);
/* Does this CPU wait for the end of such an interrupt? */
bool apic_in_service(unsigned int vector);

/* Send another CPU a command: its mode, and "assert" in all but one. */
void apic_send(unsigned int cpu, uint32_t command);
#define ICR_FIXED        0x4000      /* + vector */
#define ICR_NMI          0x4400
#define ICR_INIT         0xc500
#define ICR_INIT_END     0x8500
#define ICR_STARTUP      0x4600      /* + page of real-mode code */

/*
 * This CPU's one-shot timer.  It fires VEC_APIC_TIMER at system time
 * `deadline` or a little later, or earlier if that is far away; in the past:
 * at once.  S_TIME_MAX stops it.  Interrupts off.  Who wants the interrupt
 * registers with irq_set_vector(VEC_APIC_TIMER, fn).
 */
void apic_timer_set(s_time_t deadline);
/* Boot CPU, after tsc_init_boot: find the timer's rate. */
void apic_timer_calibrate(void);

/* Take an I/O APIC, mapped at regs, into use: all pins masked. */
void ioapic_add(char *regs, unsigned int gsi_base);
bool ioapic_has_gsi(unsigned int gsi);
/* Trigger and polarity, masked; then where the interrupt goes. */
void ioapic_setup(unsigned int gsi, bool level, bool active_low);
void ioapic_route(unsigned int gsi, unsigned int vector, unsigned int apic_id);
void ioapic_mask(unsigned int gsi, bool masked);

void i8259_disable(void);

#endif
