#include "x86/pci.h"
#include "x86/io.h"
#include "x86/spinlock.h"

#define PORT_ADDRESS     0xcf8
#define PORT_DATA        0xcfc
#define ADDRESS_ENABLE   0x80000000U

#define PCI_STATUS       0x06
#define STATUS_CAPS      0x10
#define PCI_CAPS         0x34

static struct spinlock lock = SPINLOCK_INIT(LOCK_CHIP);

static void select_locked(uint32_t dev, unsigned int reg)
{
    outl(PORT_ADDRESS, ADDRESS_ENABLE | dev << 8 | (reg & 0xfc));
}

uint32_t pci_read(uint32_t dev, unsigned int reg, unsigned int bytes)
{
    unsigned long flags = spin_lock_irqsave(&lock);
    uint16_t port = PORT_DATA + (reg & 3);
    uint32_t v;

    select_locked(dev, reg);
    v = bytes == 1 ? inb(port) : bytes == 2 ? inw(port) : inl(port);
    spin_unlock_irqrestore(&lock, flags);
    return v;
}

void pci_write(uint32_t dev, unsigned int reg, unsigned int bytes,
               uint32_t val)
{
    unsigned long flags = spin_lock_irqsave(&lock);
    uint16_t port = PORT_DATA + (reg & 3);

    select_locked(dev, reg);
    if (bytes == 1)
        outb(port, val);
    else if (bytes == 2)
        outw(port, val);
    else
        outl(port, val);
    spin_unlock_irqrestore(&lock, flags);
}

unsigned int pci_find_cap(uint32_t dev, unsigned int id)
{
    unsigned int pos = pci_read(dev, PCI_CAPS, 1) & ~3U;

    if (!(pci_read(dev, PCI_STATUS, 2) & STATUS_CAPS))
        return 0;
    /* A list of a broken device may be a ring: there is room for 48. */
    for (unsigned int i = 0; pos >= 0x40 && i < 48; i++) {
        if (pci_read(dev, pos, 1) == id)
            return pos;
        pos = pci_read(dev, pos + 1, 1) & ~3U;
    }
    return 0;
}
