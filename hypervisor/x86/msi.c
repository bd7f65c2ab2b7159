/*
 * MSI and MSI-X (PCI Local Bus 3.0, 6.8).  dom0 turns a device's MSI or MSI-X
 * on and off as a whole; messages and masks of entries are ours.
 */
#include "x86/pci.h"
#include "lib/abi.h"
#include "x86/io.h"

#define CAP_MSI          0x05
#define CAP_MSIX         0x11

#define MSI_CONTROL      2
#define MSI_ENABLE       0x0001
#define MSI_64BIT        0x0080
#define MSI_MASKABLE     0x0100

#define MSIX_TABLE       4
#define MSIX_ENTRY_SIZE  16
#define ENTRY_ADDR_LOW   0
#define ENTRY_ADDR_HIGH  4
#define ENTRY_DATA       8
#define ENTRY_CONTROL    12

#define MESSAGE_BASE     0xfee00000U

#define MAX_TABLE_PAGES  64

/* Pages of MSI-X tables, mapped once and for good: drivers come back. */
static struct {
    paddr_t maddr;
    char *va;                        /* NULL: free, and so are the others */
} table_pages[MAX_TABLE_PAGES];

void *(*msi_ioremap)(paddr_t maddr, unsigned long size);

static uint32_t device(const struct msi_desc *m)
{
    return PCI_DEV(m->bus, m->devfn);
}

static char *map_entry(paddr_t maddr)
{
    paddr_t page = maddr & PAGE_MASK;

    for (unsigned int i = 0; i < MAX_TABLE_PAGES; i++) {
        if (!table_pages[i].va) {
            table_pages[i].maddr = page;
            table_pages[i].va = msi_ioremap(page, PAGE_SIZE);
            if (!table_pages[i].va)
                return NULL;
        }
        if (table_pages[i].maddr == page)
            return table_pages[i].va + (maddr & ~PAGE_MASK);
    }
    return NULL;
}

int msi_check(struct msi_desc *m)
{
    unsigned int cap = pci_find_cap(device(m), m->msix ? CAP_MSIX : CAP_MSI);

    if (m->segment || !cap)
        return -ENODEV;
    if (!m->msix)
        return 0;
    if (m->entry > (pci_read(device(m), cap + MSI_CONTROL, 2) & 0x7ff))
        return -EINVAL;
    m->va = map_entry(m->table + m->entry * MSIX_ENTRY_SIZE +
                      (pci_read(device(m), cap + MSIX_TABLE, 4) & ~7U));
    return m->va ? 0 : -EFAULT;
}

static void route_msi(uint32_t dev, uint32_t addr, uint32_t data)
{
    unsigned int cap = pci_find_cap(dev, CAP_MSI);
    unsigned int control = pci_read(dev, cap + MSI_CONTROL, 2);
    bool wide = control & MSI_64BIT;

    pci_write(dev, cap + 4, 4, addr);
    if (wide)
        pci_write(dev, cap + 8, 4, 0);
    pci_write(dev, cap + (wide ? 12 : 8), 2, data);
    if (control & MSI_MASKABLE)
        pci_write(dev, cap + (wide ? 16 : 12), 4, 0);
}

void msi_route(const struct msi_desc *m, unsigned int vector,
               unsigned int apic_id)
{
    uint32_t addr = MESSAGE_BASE | apic_id << 12;

    if (!m->msix) {
        route_msi(device(m), addr, vector);
        return;
    }
    writel(m->va + ENTRY_CONTROL, 1);
    writel(m->va + ENTRY_ADDR_LOW, addr);
    writel(m->va + ENTRY_ADDR_HIGH, 0);
    writel(m->va + ENTRY_DATA, vector);
    writel(m->va + ENTRY_CONTROL, 0);
}

void msi_stop(const struct msi_desc *m)
{
    unsigned int reg = pci_find_cap(device(m), CAP_MSI) + MSI_CONTROL;

    if (m->msix)
        writel(m->va + ENTRY_CONTROL, 1);
    else
        pci_write(device(m), reg, 2, pci_read(device(m), reg, 2) & ~MSI_ENABLE);
}
