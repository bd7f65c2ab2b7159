/*
 * PCI configuration space of segment 0, through the ports 0xcf8 and 0xcfc.
 */
#ifndef X86_PCI_H
#define X86_PCI_H

#include "lib/types.h"

#define PCI_DEV(bus, devfn) ((uint32_t)(bus) << 8 | (devfn))

/* bytes: 1, 2 or 4, and reg aligned to it; dev: PCI_DEV().  Also for dom0's
 * own accesses (pv/emulate.c), so that they do not mix with ours. */
uint32_t pci_read(uint32_t dev, unsigned int reg, unsigned int bytes);
void pci_write(uint32_t dev, unsigned int reg, unsigned int bytes,
               uint32_t val);
/* Offset of a capability; 0: the device has none of that kind. */
unsigned int pci_find_cap(uint32_t dev, unsigned int id);

#endif
