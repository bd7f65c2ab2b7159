/*
 * The hypervisor's own page tables, the windows of domains, and the slots
 * that every guest root shares.
 *
 * Every slot of the hypervisor in idle_root has its table after mm_init, so a
 * guest's root copies them once; what is mapped later shows in all of them.
 */
#include "mm/pagetable.h"
#include "domain/domain.h"
#include "lib/env.h"
#include "lib/string.h"
#include "mm/buddy.h"
#include "mm/frame_table.h"
#include "mm/private.h"
#include "x86/cpu.h"
#include "x86/spinlock.h"
#include "x86/tlb.h"

mfn_t idle_root;

static struct spinlock map_lock = SPINLOCK_INIT(LOCK_PAGES);
static unsigned long ioremap_next = IOREMAP_START;       /* map_lock */

static pte_t *table_of(pte_t e)
{
    return mfn_to_virt(pte_mfn(e));
}

/* A large page becomes a table of the next smaller size. */
static bool split(pte_t *e, unsigned int lvl)
{
    pte_t *t = hv_table_alloc(), first = *e;
    unsigned int i;

    if (!t)
        return false;
    if (lvl == 2)
        first &= ~PTE_PSE;
    for (i = 0; i < PTES_PER_TABLE; i++)
        t[i] = first + ((pte_t)i << PT_SHIFT(lvl - 1));
    *e = pte_make(virt_to_mfn(t), TABLE_FLAGS);
    return true;
}

pte_t *hv_entry_at(pte_t *t, unsigned int from, unsigned long va,
                   unsigned int lvl, uint64_t table_flags)
{
    for (; from > lvl; from--) {
        pte_t *e = &t[PT_INDEX(va, from)];

        if (!(*e & PTE_PRESENT)) {
            pte_t *below = table_flags ? hv_table_alloc() : NULL;

            if (!below)
                return NULL;
            *e = pte_make(virt_to_mfn(below), table_flags);
        } else if ((*e & PTE_PSE) && !split(e, from)) {
            return NULL;
        }
        t = table_of(*e);
    }
    return &t[PT_INDEX(va, lvl)];
}

int hv_set_entry(unsigned long va, unsigned int lvl, pte_t val)
{
    pte_t *e = hv_entry_at(mfn_to_virt(idle_root), 4, va, lvl,
                           TABLE_FLAGS | (val & PTE_USER));

    if (!e)
        return -ENOMEM;
    *e = cpu_features.nx ? val : val & ~PTE_NX;
    return 0;
}

static pte_t leaf(mfn_t mfn, uint64_t flags)
{
    if (!cpu_features.nx)
        flags &= ~PTE_NX;
    return pte_make(mfn, flags | PTE_ACCESSED |
                         (flags & PTE_RW ? PTE_DIRTY : 0));
}

int hv_map(unsigned long va, mfn_t mfn, uint64_t flags)
{
    int rc;

    spin_lock(&map_lock);
    rc = hv_set_entry(va, 1, leaf(mfn, flags));
    spin_unlock(&map_lock);
    return rc;
}

void hv_unmap(unsigned long va)
{
    hv_map(va, 0, 0);
    tlb_flush_local(FLUSH_ALL);
}

void *ioremap(paddr_t maddr, unsigned long size)
{
    mfn_t mfn = PFN_DOWN(maddr), last = PFN_DOWN(maddr + size - 1);
    unsigned long va, at;
    int rc = 0;

    spin_lock(&map_lock);
    va = at = ioremap_next;
    if (size > IOREMAP_END - va - PAGE_SIZE)
        rc = -ENOMEM;
    for (; !rc && mfn <= last; mfn++, at += PAGE_SIZE)
        rc = hv_set_entry(at, 1, pte_make(mfn, TABLE_FLAGS | PTE_NX | PTE_PCD |
                                               PTE_PWT));
    if (!rc)
        ioremap_next = at;
    spin_unlock(&map_lock);
    return rc ? NULL : (void *)(va + (maddr & ~PAGE_MASK));
}

int window_map(struct domain *d, unsigned long va, mfn_t mfn, uint64_t flags)
{
    pte_t *l3 = mfn_to_virt(d->mm.window_l3), *e = hv_entry_at(l3, 3, va, 1, 0);

    if (!e && mfn != INVALID_MFN) {
        spin_lock(&d->mm.page_lock);
        e = hv_entry_at(l3, 3, va, 1, TABLE_FLAGS);
        spin_unlock(&d->mm.page_lock);
        if (!e)
            return -ENOMEM;
    }
    if (e)
        *e = mfn == INVALID_MFN ? 0 : leaf(mfn, flags);
    return 0;
}

mfn_t window_mfn(const struct domain *d, unsigned long va)
{
    pte_t *e = hv_entry_at(mfn_to_virt(d->mm.window_l3), 3, va, 1, 0);

    return e && (*e & PTE_PRESENT) ? pte_mfn(*e) : INVALID_MFN;
}

void domain_mm_destroy(struct domain *d)
{
    pte_t *l3 = mfn_to_virt(d->mm.window_l3);
    unsigned int i, j;

    for (i = 0; i < PTES_PER_TABLE; i++) {
        if (!l3[i])
            continue;
        for (j = 0; j < PTES_PER_TABLE; j++)
            if (table_of(l3[i])[j])
                hv_page_free(table_of(table_of(l3[i])[j]));
        hv_page_free(table_of(l3[i]));
    }
    hv_page_free(l3);
}

void root_init_slots(pte_t *l4, struct domain *d)
{
    const pte_t *own = mfn_to_virt(idle_root);

    memcpy(l4 + HV_FIRST_SLOT, own + HV_FIRST_SLOT,
           (HV_LAST_SLOT - HV_FIRST_SLOT + 1) * sizeof(*l4));
    l4[WINDOW_SLOT] = pte_make(d->mm.window_l3, TABLE_FLAGS);
}
