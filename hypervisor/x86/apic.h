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
unsigned int apic_read_id(void);
void apic_eoi(void);
/* Does this CPU wait for the end of such an interrupt? */
bool apic_in_service(unsigned int vector);
void apic_send_ipi(unsigned int apic_id, unsigned int vector);
void apic_send_nmi(unsigned int apic_id);
/* INIT, then start-up at the page of real-mode code (twice). */
void apic_send_init(unsigned int apic_id);
void apic_send_startup(unsigned int apic_id, unsigned int page);

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
