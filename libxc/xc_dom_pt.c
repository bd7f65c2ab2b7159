/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Where a new domain's things lie, and its first page tables.  Pure.
 *
 * The first mapping starts at the kernel's VIRT_BASE with pfn 0 and is linear.
 * In it, one after the other (the order of <xen/xen.h>, "startofday"): kernel,
 * ramdisk unless it goes by pfn, p2m list unless it has a place of its own,
 * start_info, store page, console page, page tables, boot stack, 512 KiB or
 * more of padding to a multiple of 4 MiB.  The tables are mapped read-only.
 */
#include "xc_dom.h"

#define PADDING_PAGES   128u
#define REGION_ALIGN    1024u           /* 4 MiB in pages */
#define ENTRIES         512u

#define PTE_P   0x01u
#define PTE_RW  0x02u
#define PTE_US  0x04u
#define PTE_A   0x20u
#define PTE_D   0x40u
#define PTE_RO_LEAF (PTE_P | PTE_US | PTE_A)
#define PTE_LEAF    (PTE_RO_LEAF | PTE_RW)
#define PTE_TABLE   (PTE_LEAF | PTE_D)

/* The hypervisor's part of the address space, and canonical addresses. */
#define HV_START    0xffff800000000000ULL
#define HV_END      0xffff880000000000ULL
#define LOWER_END   0x0000800000000000ULL

/* Address bits below an entry of a table of this level. */
static unsigned int shift_of(unsigned int level)
{
    return 12 + 9 * (level - 1);
}

/* Tables of this level that map the pages from va on. */
static uint64_t tables_for(uint64_t va, uint64_t pages, unsigned int level)
{
    unsigned int shift = shift_of(level) + 9;
    uint64_t last = va + (pages << 12) - 1;

    if (level == 4)
        return 1;
    return (last >> shift) - (va >> shift) + 1;
}

static uint64_t all_tables(uint64_t va, uint64_t pages)
{
    return tables_for(va, pages, 1) + tables_for(va, pages, 2) +
           tables_for(va, pages, 3) + 1;
}

/* May a guest have these pages in its address space? */
static bool range_ok(uint64_t va, uint64_t pages)
{
    uint64_t size = pages << 12, end = va + size;

    if (va & (XC_PAGE_SIZE - 1) || pages >> 40 || !pages)
        return false;
    if (va < LOWER_END)
        return end <= LOWER_END;
    return va >= HV_END && (end > va || end == 0);
}

/* How many tables map the region depends on its end, and that on them. */
static uint64_t place_tables(uint64_t va, uint64_t pfn, uint64_t *ret_pages)
{
    uint64_t tables = 0, pages;

    for (;;) {
        uint64_t need;

        pages = pfn + tables + 1 + PADDING_PAGES + REGION_ALIGN - 1;
        pages -= pages % REGION_ALIGN;
        if (!range_ok(va, pages))
            break;
        need = all_tables(va, pages);
        if (need == tables)
            break;
        tables = need;
    }
    *ret_pages = pages;
    return tables;
}

static uint64_t take(uint64_t *pfn, uint64_t pages)
{
    uint64_t at = *pfn;

    *pfn += pages;
    return at;
}

static int layout_once(const struct xc_dom_elf *elf, uint64_t ramdisk_pages,
                       uint64_t nr_pages, struct xc_dom_layout *at)
{
    const struct xc_dom_notes *n = &elf->notes;
    bool own_p2m = n->init_p2m != XC_DOM_UNSET;
    uint64_t pfn = elf->end_pfn;

    memset(at, 0, sizeof(*at));
    at->ramdisk_pages = ramdisk_pages;
    at->p2m_pages = xc_pages(nr_pages * sizeof(uint64_t));
    if (!n->mod_start_pfn)
        at->ramdisk_pfn = take(&pfn, ramdisk_pages);
    if (!own_p2m)
        at->p2m_pfn = take(&pfn, at->p2m_pages);
    at->start_info_pfn = take(&pfn, 1);
    at->store_pfn = take(&pfn, 1);
    at->console_pfn = take(&pfn, 1);
    at->pt_pages = place_tables(n->virt_base, pfn, &at->region_pages);
    at->pt_pfn = take(&pfn, at->pt_pages);
    at->stack_pfn = take(&pfn, 1);
    pfn = at->region_pages;
    if (!range_ok(n->virt_base, pfn))
        return -EINVAL;
    if (n->mod_start_pfn)
        at->ramdisk_pfn = take(&pfn, ramdisk_pages);
    if (own_p2m) {
        at->p2m_tables = all_tables(n->init_p2m, at->p2m_pages) - 1;
        at->p2m_pfn = take(&pfn, at->p2m_pages + at->p2m_tables);
        /* It hangs below the top table, beside the first mapping. */
        if (!range_ok(n->init_p2m, at->p2m_pages) ||
            tables_for(n->init_p2m, at->p2m_pages, 3) != 1 ||
            n->init_p2m & ((1ULL << shift_of(4)) - 1) ||
            n->init_p2m >> shift_of(4) == n->virt_base >> shift_of(4) ||
            n->init_p2m >> shift_of(4) ==
            (n->virt_base + (at->region_pages << 12) - 1) >> shift_of(4))
            return -EINVAL;
    }
    at->end_pfn = pfn;
    return pfn <= nr_pages ? 0 : -E2BIG;
}

int xc_dom_layout(const struct xc_dom_elf *elf, uint64_t ramdisk_size,
                  uint64_t nr_pages, struct xc_dom_layout *at)
{
    uint64_t ramdisk_pages = xc_pages(ramdisk_size);
    int rc = layout_once(elf, ramdisk_pages, nr_pages, at);

    if (rc != -E2BIG)
        return rc;
    /* With more pages the list is longer: ask until the answer stands. */
    do
        rc = layout_once(elf, ramdisk_pages, at->end_pfn, at);
    while (rc == -E2BIG);
    return rc ? rc : -E2BIG;
}

/* Entry of a page of the first mapping. */
static uint64_t leaf(const struct xc_dom_layout *at, const uint64_t *p2m,
                     uint64_t pfn)
{
    bool table = pfn >= at->pt_pfn && pfn < at->pt_pfn + at->pt_pages;

    if (pfn >= at->region_pages)
        return 0;
    return p2m[pfn] << 12 | (table ? PTE_RO_LEAF : PTE_LEAF);
}

/*
 * Fill the tables of one level above the leaves: those from table lower on, of
 * which there are nr_lower, are entered; the first one maps va.
 */
static void fill_level(const uint64_t *p2m, uint64_t *table, unsigned int level,
                       uint64_t va, uint64_t nr, uint64_t lower_pfn,
                       uint64_t nr_lower)
{
    uint64_t first = va >> shift_of(level) & (ENTRIES - 1);

    memset(table, 0, nr * XC_PAGE_SIZE);
    for (uint64_t i = 0; i < nr_lower; i++)
        table[first + i] = p2m[lower_pfn + i] << 12 | PTE_TABLE;
}

void xc_dom_pt_build(const struct xc_dom_layout *at, uint64_t virt_base,
                     const uint64_t *p2m, uint64_t *pt)
{
    uint64_t n3 = tables_for(virt_base, at->region_pages, 3);
    uint64_t n2 = tables_for(virt_base, at->region_pages, 2);
    uint64_t n1 = tables_for(virt_base, at->region_pages, 1);
    uint64_t l3 = 1, l2 = l3 + n3, l1 = l2 + n2;
    uint64_t first = virt_base >> 12 & (ENTRIES - 1);
    uint64_t *e = pt + l1 * ENTRIES;

    fill_level(p2m, pt, 4, virt_base, 1, at->pt_pfn + l3, n3);
    fill_level(p2m, pt + l3 * ENTRIES, 3, virt_base, n3, at->pt_pfn + l2, n2);
    fill_level(p2m, pt + l2 * ENTRIES, 2, virt_base, n2, at->pt_pfn + l1, n1);
    memset(e, 0, first * sizeof(*e));
    for (uint64_t i = first; i < n1 * ENTRIES; i++)
        e[i] = leaf(at, p2m, i - first);
}

/* The order is L3, L2, L1, which is how the frames lie behind the list. */
void xc_dom_pt_p2m(const struct xc_dom_layout *at, const uint64_t *p2m,
                   uint64_t *pt, uint64_t *ret_l4e)
{
    uint64_t tables = at->p2m_pfn + at->p2m_pages;
    uint64_t n1 = (at->p2m_pages + ENTRIES - 1) / ENTRIES;
    uint64_t n2 = (n1 + ENTRIES - 1) / ENTRIES;
    uint64_t l2 = 1, l1 = l2 + n2;
    uint64_t *e = pt + l1 * ENTRIES;

    fill_level(p2m, pt, 3, 0, 1, tables + l2, n2);
    fill_level(p2m, pt + l2 * ENTRIES, 2, 0, n2, tables + l1, n1);
    for (uint64_t i = 0; i < n1 * ENTRIES; i++)
        e[i] = i < at->p2m_pages ?
               p2m[at->p2m_pfn + i] << 12 | PTE_LEAF : 0;
    *ret_l4e = p2m[tables] << 12 | PTE_TABLE;
}
