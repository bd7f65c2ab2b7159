/*
 * dom0's first address space.
 */
#include "boot/dom0_pt.h"
#include "lib/abi.h"
#include "mm/frame_table.h"

#define TABLE_BITS (PTE_PRESENT | PTE_RW | PTE_USER | PTE_ACCESSED | PTE_DIRTY)
#define LEAF_BITS  (PTE_PRESENT | PTE_ACCESSED | PTE_DIRTY)
#define SPARE      (0x80000UL >> PAGE_SHIFT)

static unsigned long units(unsigned long va, unsigned long nr, int lvl)
{
    unsigned long last = va + (nr << PAGE_SHIFT) - 1;

    return (last >> PT_SHIFT(lvl)) - (va >> PT_SHIFT(lvl)) + 1;
}

/* Tables of levels 1 to 3 that map nr frames at va. */
static unsigned long tables_for(unsigned long va, unsigned long nr)
{
    return units(va, nr, 2) + units(va, nr, 3) + units(va, nr, 4);
}

static bool base_ok(unsigned long va, unsigned long nr)
{
    return va_canonical(va) && !(va & ((1UL << PT_SHIFT(2)) - 1)) &&
           nr < (1UL << 35) && guest_range_ok(va, nr << PAGE_SHIFT);
}

int dom0_layout(struct dom0_layout *l, unsigned long kernel_end)
{
    unsigned long list = PFN_UP(l->nr_pages * 8), at = kernel_end, before;

    if (!base_ok(l->virt_base, kernel_end) ||
        (!l->p2m_mapped && !base_ok(l->p2m_base, list)))
        return -EINVAL;
    if (l->initrd_mapped) {
        l->initrd = at;
        at += l->nr_initrd;
    }
    if (l->p2m_mapped) {
        l->p2m = at;
        l->nr_p2m = list;
        l->p2m_base = l->virt_base + (at << PAGE_SHIFT);
        at += list;
    }
    l->start_info = at++;
    l->pt = at;
    l->nr_pt = 0;
    do {                             /* the tables map themselves, too */
        before = l->nr_pt;
        l->stack = l->pt + before;
        l->mapped_end = (l->stack + 1 + SPARE + 511) & ~511UL;
        if (!base_ok(l->virt_base, l->mapped_end))
            return -EINVAL;
        l->nr_pt = 1 + tables_for(l->virt_base, l->mapped_end);
    } while (l->nr_pt != before);
    at = l->mapped_end;
    if (!l->initrd_mapped) {
        l->initrd = at;
        at += l->nr_initrd;
    }
    if (!l->p2m_mapped) {
        l->p2m = at;
        l->nr_p2m = list + tables_for(l->p2m_base, list);
        at += l->nr_p2m;
    }
    l->end = at;
    return kernel_end < l->nr_pages && l->end <= l->nr_pages ? 0 : -ENOMEM;
}

/* The entry for va in a level 1 table, making the tables above from *pool. */
static pte_t *entry_at(pte_t *table, pfn_to_mfn_fn *pfn_to_mfn,
                       unsigned long va, unsigned long *pool)
{
    for (int lvl = 4; lvl > 1; lvl--) {
        pte_t *e = &table[PT_INDEX(va, lvl)];

        if (!(*e & PTE_PRESENT))
            *e = pte_make(pfn_to_mfn((*pool)++), TABLE_BITS);
        table = mfn_to_virt(pte_mfn(*e));
    }
    return &table[PT_INDEX(va, 1)];
}

void dom0_pt_fill(const struct dom0_layout *l, pfn_to_mfn_fn *pfn_to_mfn)
{
    pte_t *root = mfn_to_virt(pfn_to_mfn(l->pt));
    unsigned long pool = l->pt + 1, list = PFN_UP(l->nr_pages * 8);

    for (unsigned long pfn = 0; pfn < l->mapped_end; pfn++) {
        bool is_table = pfn >= l->pt && pfn < l->pt + l->nr_pt;
        unsigned long va = l->virt_base + (pfn << PAGE_SHIFT);

        *entry_at(root, pfn_to_mfn, va, &pool) =
            pte_make(pfn_to_mfn(pfn), LEAF_BITS | (is_table ? 0 : PTE_RW));
    }
    if (l->p2m_mapped)
        return;
    pool = l->p2m + list;
    for (unsigned long i = 0; i < list; i++)
        *entry_at(root, pfn_to_mfn, l->p2m_base + (i << PAGE_SHIFT), &pool) =
            pte_make(pfn_to_mfn(l->p2m + i), LEAF_BITS | PTE_RW);
}
