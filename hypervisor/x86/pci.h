/*
 * PCI: configuration space of segment 0, through the ports 0xcf8 and 0xcfc,
 * and message-signalled interrupts (msi.c).
 */
#ifndef X86_PCI_H
#define X86_PCI_H

#include "lib/types.h"

#define PCI_DEV(bus, devfn) ((uint32_t)(bus) << 8 | (devfn))

/* bytes: 1, 2 or 4, and reg aligned to it; dev: PCI_DEV().  Also for dom0's
 * own accesses (pv/portio.c), so that they do not mix with ours. */
uint32_t pci_read(uint32_t dev, unsigned int reg, unsigned int bytes);
void pci_write(uint32_t dev, unsigned int reg, unsigned int bytes,
               uint32_t val);
/* Offset of a capability; 0: the device has none of that kind. */
unsigned int pci_find_cap(uint32_t dev, unsigned int id);

struct msi_desc {
    uint16_t segment;
    uint8_t bus, devfn;
    bool msix;
    uint16_t entry;                  /* MSI-X table entry */
    paddr_t table;                   /* MSI-X: BAR the table lies in */
    char *va;                        /* MSI-X: the entry; set by msi_check */
};

/* How to reach a device's memory, set at boot: NULL on failure. */
extern void *(*msi_ioremap)(paddr_t maddr, unsigned long size);

/* Is there such a capability, and such an entry?  -ENODEV, -EINVAL, -EFAULT.
 * One caller at a time: d->lock of the hardware domain. */
int msi_check(struct msi_desc *m);
/* Let the device send vector to a CPU; masked meanwhile, then not. */
void msi_route(const struct msi_desc *m, unsigned int vector,
               unsigned int apic_id);
/* Mask, where the device can; one that cannot is switched off. */
void msi_stop(const struct msi_desc *m);

#endif
