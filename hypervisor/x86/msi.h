/*
 * Message-signalled interrupts: what a device writes, and its masks.
 */
#ifndef X86_MSI_H
#define X86_MSI_H

#include "x86/irq.h"

/* How to reach a device's memory, set at boot: NULL on failure. */
extern void *(*msi_ioremap)(paddr_t maddr, unsigned long size);

/* Is there such a capability, and such an entry? -ENODEV, -EINVAL, -EFAULT. */
int msi_check(const struct msi_desc *m);
/* Let the device send vector to a CPU; masked meanwhile, then not. */
int msi_route(const struct msi_desc *m, unsigned int vector,
              unsigned int apic_id);
/* Mask, where the device can; one that cannot is switched off. */
void msi_stop(const struct msi_desc *m);

#endif
