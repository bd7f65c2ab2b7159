/*
 * I/O ports: the hardware domain has the machine's, but for what we use
 * ourselves; any other guest finds nothing there.
 */
#include "drivers/acpi.h"
#include "drivers/console.h"
#include "x86/pci.h"
#include "pv/pv.h"
#include "x86/io.h"

#define PIT_CH0        0x40
#define PIT_CH2        0x42
#define PIT_MODE       0x43
#define PCI_ADDRESS    0xcf8
#define PCI_DATA       0xcfc
#define PCI_ENABLE     0x80000000U
#define SLP_EN         0x2000U       /* of the PM1 control register */

static bool is_pm1_control(unsigned int port)
{
    return port && (port == acpi.pm1a_cnt || port == acpi.pm1b_cnt);
}

/* Ports of the interrupt controllers, the timer's channels 0 and 1, the
 * DMA-free console: ours alone. */
static bool port_is_ours(unsigned int port)
{
    return (port & ~1U) == 0x20 || (port & ~1U) == 0xa0 ||
           (port & ~1U) == PIT_CH0 || (port & ~1U) == 0x4d0 ||
           ns16550_owns_port(port);
}

enum port_kind {
    NOTHING,                         /* is there, for this guest */
    PCI_LATCH,                       /* the vcpu's own */
    PCI_REGISTER,                    /* that the latch selects */
    MACHINE,
};

static enum port_kind kind_of(struct vcpu *v, unsigned int port,
                              unsigned int bytes)
{
    if (port == PCI_ADDRESS && bytes == 4)
        return PCI_LATCH;
    if (!v->domain->hardware || port + bytes > 0x10000)
        return NOTHING;
    for (unsigned int n = 0; n < bytes; n++)
        if (port_is_ours(port + n))
            return NOTHING;
    if ((port & ~3U) != PCI_DATA)
        return MACHINE;
    return (v->pv.pci_address & PCI_ENABLE) && !(port & (bytes - 1))
           ? PCI_REGISTER : NOTHING;
}

/* A guest without devices reads ones; the timer's channel 2 reads zeros, or
 * a kernel that measures its TSC against it would wait for long. */
uint32_t pv_port_read(struct vcpu *v, unsigned int port, unsigned int bytes)
{
    uint32_t addr = v->pv.pci_address, dev = (addr >> 8) & 0xffff;
    unsigned int reg = (addr & 0xfc) | (port & 3);

    switch (kind_of(v, port, bytes)) {
    case PCI_LATCH:    return addr;
    case PCI_REGISTER: return pci_read(dev, reg, bytes);
    case MACHINE:      return bytes == 1 ? inb(port) :
                              bytes == 2 ? inw(port) : inl(port);
    default:           return !v->domain->hardware && port == PIT_CH2
                              ? 0 : ~0U >> (32 - 8 * bytes);
    }
}

static void machine_write(unsigned int port, unsigned int bytes, uint32_t val)
{
    if (port == PIT_MODE && (val & 0xc0) != 0x80)
        return;                      /* commands for channel 2 only */
    if (is_pm1_control(port))
        val &= ~SLP_EN;              /* sleeping is XENPF_enter_acpi_sleep */
    switch (bytes) {
    case 1:  outb(port, val); break;
    case 2:  outw(port, val); break;
    default: outl(port, val);
    }
}

void pv_port_write(struct vcpu *v, unsigned int port, unsigned int bytes,
                   uint32_t val)
{
    uint32_t addr = v->pv.pci_address, dev = (addr >> 8) & 0xffff;
    unsigned int reg = (addr & 0xfc) | (port & 3);

    switch (kind_of(v, port, bytes)) {
    case NOTHING:      break;
    case PCI_LATCH:    v->pv.pci_address = val; break;
    case PCI_REGISTER: pci_write(dev, reg, bytes, val); break;
    case MACHINE:      machine_write(port, bytes, val);
    }
}
