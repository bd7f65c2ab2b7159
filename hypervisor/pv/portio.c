/*
 * I/O ports: the hardware domain has the machine's, but for what we use
 * ourselves; any other guest finds nothing there.
 */
#include "domain/domain.h"
#include "drivers/acpi.h"
#include "drivers/console.h"
#include "x86/pci.h"
#include "pv/pv.h"
#include "x86/io.h"
#include "x86/percpu.h"

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

static bool port_allowed(struct vcpu *v, unsigned int port,
                         unsigned int bytes)
{
    unsigned int n;

    if (!v->domain->hardware || port + bytes > 0x10000)
        return false;
    for (n = 0; n < bytes; n++)
        if (port_is_ours(port + n))
            return false;
    return true;
}

static uint32_t ones(unsigned int bytes)
{
    return bytes == 4 ? ~0U : (1U << (8 * bytes)) - 1;
}

/* Of the register that the vcpu's own address latch selects. */
static uint32_t latch_read(struct vcpu *v, unsigned int port,
                           unsigned int bytes)
{
    uint32_t addr = v->pv.pci_address;

    if (!(addr & PCI_ENABLE) || (port & (bytes - 1)))
        return ones(bytes);
    return pci_read((addr >> 8) & 0xffff, (addr & 0xfc) | (port & 3), bytes);
}

static void latch_write(struct vcpu *v, unsigned int port, unsigned int bytes,
                        uint32_t val)
{
    uint32_t addr = v->pv.pci_address;

    if ((addr & PCI_ENABLE) && !(port & (bytes - 1)))
        pci_write((addr >> 8) & 0xffff, (addr & 0xfc) | (port & 3), bytes,
                  val);
}

static uint32_t hardware_read(struct vcpu *v, unsigned int port,
                              unsigned int bytes)
{
    if (port == PCI_ADDRESS && bytes == 4)
        return v->pv.pci_address;
    if ((port & ~3U) == PCI_DATA)
        return latch_read(v, port, bytes);
    switch (bytes) {
    case 1: return inb(port);
    case 2: return inw(port);
    }
    return inl(port);
}

/* A guest without devices reads ones; the timer's channel 2 reads zeros, or
 * a kernel that measures its TSC against it would wait for long. */
uint32_t pv_port_read(struct vcpu *v, unsigned int port, unsigned int bytes)
{
    if (port_allowed(v, port, bytes))
        return hardware_read(v, port, bytes);
    if (!v->domain->hardware && port == PCI_ADDRESS && bytes == 4)
        return v->pv.pci_address;
    return !v->domain->hardware && port == PIT_CH2 ? 0 : ones(bytes);
}

static void hardware_write(struct vcpu *v, unsigned int port,
                           unsigned int bytes, uint32_t val)
{
    if ((port & ~3U) == PCI_DATA) {
        latch_write(v, port, bytes, val);
        return;
    }
    if (port == PIT_MODE && (val & 0xc0) != 0x80)
        return;                      /* commands for channel 2 only */
    if (is_pm1_control(port))
        val &= ~SLP_EN;              /* sleeping is XENPF_enter_acpi_sleep */
    switch (bytes) {
    case 1: outb(port, val); return;
    case 2: outw(port, val); return;
    }
    outl(port, val);
}

void pv_port_write(struct vcpu *v, unsigned int port, unsigned int bytes,
                   uint32_t val)
{
    if (port == PCI_ADDRESS && bytes == 4)
        v->pv.pci_address = val;
    else if (port_allowed(v, port, bytes))
        hardware_write(v, port, bytes, val);
}
