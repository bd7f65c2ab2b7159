/*
 * Stores to guests' page tables.
 *
 * An entry changes under the lock of its table: what the new value refers to
 * is taken, the value stored, and then, without the lock, given back what the
 * old one referred to.
 */
#include "mm/pt_update.h"
#include "domain/domain.h"
#include "mm/frame_table.h"
#include "mm/page_type.h"
#include "mm/pagetable.h"
#include "mm/pt_check.h"
#include "mm/pt_entry.h"
#include "x86/atomic.h"
#include "x86/cpu.h"
#include "x86/percpu.h"

#define AD_BITS    (PTE_ACCESSED | PTE_DIRTY)
/* What decides which references an entry holds, and may be checked. */
#define LEAF_REFS  (PTE_PRESENT | PTE_ADDR_MASK | PTE_RW | PTE_PWT | PTE_PCD | \
                    PTE_PAT)
#define TABLE_REFS (PTE_PRESENT | PTE_ADDR_MASK)

static pte_t *entry_of(struct page_info *pg, unsigned int index)
{
    return (pte_t *)page_to_virt(pg) + index;
}

/* Check val, and take what it refers to unless `old` holds just that. */
static int take_new(pte_t *val, pte_t old, unsigned int lvl,
                    struct domain *pt_owner, struct domain *pg_owner,
                    bool *ret_taken)
{
    bool same = !((*val ^ old) & (lvl > 1 ? TABLE_REFS : LEAF_REFS));

    *ret_taken = !same;
    if (!same)
        return pt_entry_get(val, lvl, pt_owner, pg_owner);
    if (!(*val & PTE_PRESENT))
        return 0;
    return lvl > 1 ? pt_check_table(val) : pt_check_leaf(val, false);
}

int pt_update(struct page_info *pg, unsigned int index, pte_t val,
              bool preserve_ad, struct domain *pt_owner,
              struct domain *pg_owner)
{
    unsigned int lvl = page_table_lock(pg);
    pte_t *e = entry_of(pg, index), old, seen;
    bool taken = false;
    int rc = -EINVAL;

    if (!lvl)
        return -ENOENT;
    old = READ_ONCE(*e);
    if (lvl < 4 || slot_is_guest(index))
        rc = take_new(&val, old, lvl, pt_owner, pg_owner, &taken);
    if (!rc) {
        stat_inc(STAT_PT_UPDATE);
        if (!preserve_ad)
            WRITE_ONCE(*e, val);
        else                         /* the CPU may set them at any time */
            while ((seen = cmpxchg(e, old, val | (old & AD_BITS))) != old)
                old = seen;
        if (lvl == 4 && cpu_features.isolate)
            isolate_write_through(pt_owner, page_to_mfn(pg), index, val);
    }
    page_table_unlock(pg);
    if (!rc && taken)
        pt_entry_put(old, lvl, pg->owner);
    return rc;
}

int pt_update_cmpxchg(struct page_info *pg, unsigned int index, pte_t expected,
                      pte_t val, struct domain *d)
{
    unsigned int lvl = page_table_lock(pg);
    pte_t *e = entry_of(pg, index);
    bool taken = false;
    int rc = -ENOENT;

    if (!lvl)
        return rc;
    if (lvl == 1)
        rc = READ_ONCE(*e) == expected
             ? take_new(&val, expected, 1, d, d, &taken) : -EAGAIN;
    if (!rc && cmpxchg(e, expected, val) != expected) {
        if (taken)
            pt_entry_put(val, 1, pg->owner);
        rc = -EAGAIN;
    }
    page_table_unlock(pg);
    if (!rc && taken)
        pt_entry_put(expected, 1, pg->owner);
    return rc;
}

/*
 * Walk down to the entry of level lvl.  Nothing is held: another vcpu may take
 * the tables apart meanwhile, so a frame found on the way may be anything.  It
 * is only read, and what is read is checked again by whoever acts on it.
 */
static pte_t *walk(struct vcpu *v, unsigned long va, unsigned int lvl)
{
    mfn_t mfn = v->guest_root[!v->pv.kernel_mode];
    unsigned int l;
    pte_t e;

    if (!va_canonical(va) || va_is_hypervisor(va) || !mfn)
        return NULL;
    for (l = 4; l > lvl; l--) {
        e = READ_ONCE(((pte_t *)mfn_to_virt(mfn))[PT_INDEX(va, l)]);
        mfn = pte_mfn(e);
        if (!(e & PTE_PRESENT) || !mfn_valid(mfn))
            return NULL;
    }
    return (pte_t *)mfn_to_virt(mfn) + PT_INDEX(va, lvl);
}

pte_t pt_walk(struct vcpu *v, unsigned long va)
{
    pte_t *e = walk(v, va, 1);

    return e ? READ_ONCE(*e) : 0;
}

int pt_walk_l1(struct vcpu *v, unsigned long va, struct page_info **ret_pg,
               unsigned int *ret_index)
{
    pte_t *e = walk(v, va, 1);
    struct page_info *pg;

    pg = e ? page_get_mfn(virt_to_mfn(e), v->domain) : NULL;
    if (!pg)
        return -EFAULT;
    *ret_pg = pg;
    *ret_index = PT_INDEX(va, 1);
    return 0;
}

/* Part of an entry changes: as one compare and exchange of all of it. */
static int write_part(struct page_info *pg, unsigned long va, uint64_t val,
                      unsigned int bytes, const uint64_t *expected,
                      struct domain *d)
{
    unsigned int index = (va & ~PAGE_MASK) / 8, shift = va % 8 * 8, tries = 8;
    uint64_t mask = (bytes == 8 ? ~0UL : BIT(bytes * 8) - 1) << shift;
    pte_t seen;
    int rc;

    do {
        seen = READ_ONCE(*entry_of(pg, index));
        if (expected && ((seen ^ (*expected << shift)) & mask))
            return -EAGAIN;
        rc = pt_update_cmpxchg(pg, index, seen,
                               (seen & ~mask) | ((val << shift) & mask), d);
    } while (rc == -EAGAIN && --tries);
    return rc;
}

int pt_emulate_write(struct vcpu *v, unsigned long va, uint64_t val,
                     unsigned int bytes, bool cmpxchg, uint64_t old)
{
    pte_t e = pt_walk(v, va);
    struct page_info *pg;
    int rc = -ENOENT;

    if (!(e & PTE_PRESENT) || !bytes || va % 8 + bytes > 8)
        return rc;
    pg = page_get_mfn(pte_mfn(e), v->domain);
    if (!pg)
        return rc;
    if (pgt_of(READ_ONCE(pg->type)) != PGT_L1)
        rc = -ENOENT;
    else if (bytes == 8 && !cmpxchg)
        rc = pt_update(pg, (va & ~PAGE_MASK) / 8, val, false, v->domain,
                       v->domain);
    else
        rc = write_part(pg, va, val, bytes, cmpxchg ? &old : NULL, v->domain);
    page_put(pg);
    return rc;
}

/* The level 1 entry that a grant operation names, its table locked. */
static int grant_entry(struct vcpu *v, uint64_t host_addr, bool contains_pte,
                       struct page_info **ret_pg, pte_t **ret_e)
{
    struct page_info *pg;
    unsigned int index, lvl;
    int rc = 0;

    if (contains_pte) {
        pg = host_addr % 8 ? NULL : page_get_mfn(PFN_DOWN(host_addr),
                                                 v->domain);
        index = (host_addr & ~PAGE_MASK) / 8;
        if (!pg)
            return -EFAULT;
    } else {
        rc = pt_walk_l1(v, host_addr, &pg, &index);
        if (rc)
            return rc;
    }
    lvl = page_table_lock(pg);
    if (lvl == 1) {
        *ret_pg = pg;
        *ret_e = entry_of(pg, index);
        return 0;
    }
    if (lvl)
        page_table_unlock(pg);
    page_put(pg);
    return -EINVAL;
}

int pt_grant_map(struct vcpu *v, uint64_t host_addr, bool contains_pte,
                 pte_t val)
{
    struct page_info *pg;
    pte_t *e, old;
    int rc = pt_check_leaf(&val, !v->domain->hardware);

    if (!rc)
        rc = grant_entry(v, host_addr, contains_pte, &pg, &e);
    if (rc)
        return rc;
    old = xchg(e, val);
    page_table_unlock(pg);
    pt_entry_put(old, 1, pg->owner);
    page_put(pg);
    return 0;
}

int pt_grant_unmap(struct vcpu *v, uint64_t host_addr, bool contains_pte,
                   mfn_t mfn, pte_t new_val)
{
    struct page_info *pg;
    pte_t *e, old;
    int rc = grant_entry(v, host_addr, contains_pte, &pg, &e);

    if (rc)
        return rc;
    old = READ_ONCE(*e);
    if ((old & PTE_PRESENT) && pte_mfn(old) == mfn)
        WRITE_ONCE(*e, new_val & ~PTE_PRESENT);
    else
        rc = -EINVAL;
    page_table_unlock(pg);
    if (!rc)
        pt_entry_put(old, 1, pg->owner);
    page_put(pg);
    return rc;
}
