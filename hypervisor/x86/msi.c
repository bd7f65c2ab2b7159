/*
 * MSI and MSI-X (PCI Local Bus 3.0, 6.8).  dom0 turns a device's MSI or MSI-X
 * on and off as a whole; messages and masks of entries are ours.
 */
#include "x86/msi.h"
#include "lib/abi.h"
#include "x86/atomic.h"
#include "x86/io.h"
#include "x86/pci.h"

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

/* Pages of MSI-X tables; mapped once, for good.  Filled without a lock: two
 * who map the same page at once take two slots. */
#define MAX_TABLE_PAGES  64

static struct table_page {
    paddr_t maddr;                   /* (a) 0: free */
    char *va;                        /* (a) NULL: not yet */
} table_pages[MAX_TABLE_PAGES];

void *(*msi_ioremap)(paddr_t maddr, unsigned long size);

static uint32_t device(const struct msi_desc *m)
{
    return PCI_DEV(m->bus, m->devfn);
}

static char *find_mapped(paddr_t maddr)
{
    for (unsigned int i = 0; i < MAX_TABLE_PAGES; i++)
        if (READ_ONCE(table_pages[i].maddr) == (maddr & PAGE_MASK) &&
            READ_ONCE(table_pages[i].va))
            return table_pages[i].va + (maddr & ~PAGE_MASK);
    return NULL;
}

static void map_table(paddr_t page)
{
    char *va = msi_ioremap(page, PAGE_SIZE);

    for (unsigned int i = 0; va && i < MAX_TABLE_PAGES; i++) {
        if (!cmpxchg(&table_pages[i].maddr, 0, page)) {
            WRITE_ONCE(table_pages[i].va, va);
            return;
        }
    }
}

static paddr_t entry_maddr(const struct msi_desc *m)
{
    unsigned int cap = pci_find_cap(device(m), CAP_MSIX);
    uint32_t offset = pci_read(device(m), cap + MSIX_TABLE, 4) & ~7U;

    return m->table + offset + m->entry * MSIX_ENTRY_SIZE;
}

int msi_check(const struct msi_desc *m)
{
    unsigned int cap = pci_find_cap(device(m), m->msix ? CAP_MSIX : CAP_MSI);

    if (m->segment || !cap)
        return -ENODEV;
    if (!m->msix)
        return 0;
    if (m->entry > (pci_read(device(m), cap + MSI_CONTROL, 2) & 0x7ff))
        return -EINVAL;
    if (!find_mapped(entry_maddr(m)))
        map_table(entry_maddr(m) & PAGE_MASK);
    return find_mapped(entry_maddr(m)) ? 0 : -EFAULT;
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

int msi_route(const struct msi_desc *m, unsigned int vector,
              unsigned int apic_id)
{
    uint32_t addr = MESSAGE_BASE | apic_id << 12;
    char *entry;

    if (!m->msix) {
        route_msi(device(m), addr, vector);
        return 0;
    }
    entry = find_mapped(entry_maddr(m));
    if (!entry)
        return -EFAULT;
    writel(entry + ENTRY_CONTROL, 1);
    writel(entry + ENTRY_ADDR_LOW, addr);
    writel(entry + ENTRY_ADDR_HIGH, 0);
    writel(entry + ENTRY_DATA, vector);
    writel(entry + ENTRY_CONTROL, 0);
    return 0;
}

void msi_stop(const struct msi_desc *m)
{
    char *entry = m->msix ? find_mapped(entry_maddr(m)) : NULL;
    unsigned int cap, control;

    if (entry)
        writel(entry + ENTRY_CONTROL, 1);
    if (m->msix)
        return;
    cap = pci_find_cap(device(m), CAP_MSI);
    control = pci_read(device(m), cap + MSI_CONTROL, 2);
    pci_write(device(m), cap + MSI_CONTROL, 2, control & ~MSI_ENABLE);
}
