/*
 * I/O APICs: the pins where interrupts of devices (GSIs) arrive.
 */
#ifndef X86_IOAPIC_H
#define X86_IOAPIC_H

#include "lib/types.h"

/* Take an I/O APIC at maddr, mapped at regs, into use: all pins masked. */
void ioapic_add(void *regs, paddr_t maddr, unsigned int gsi_base);
bool ioapic_has_gsi(unsigned int gsi);
/* Trigger and polarity, masked; then where the interrupt goes. */
void ioapic_setup(unsigned int gsi, bool level, bool active_low);
void ioapic_route(unsigned int gsi, unsigned int vector, unsigned int apic_id);
void ioapic_mask(unsigned int gsi, bool masked);
/* PHYSDEVOP_apic_read: a register of the I/O APIC at a machine address. */
bool ioapic_read(paddr_t maddr, unsigned int reg, uint32_t *ret_val);

#endif
