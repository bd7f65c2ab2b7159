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
#include "mm/private.h"
#include "x86/atomic.h"
#include "x86/cpu.h"
#include "x86/percpu.h"

/* What decides which references an entry holds, and may be checked. */
#define LEAF_REFS  (PTE_PRESENT | PTE_ADDR_MASK | PTE_RW | PTE_PWT | PTE_PCD | \
                    PTE_PAT)
#define TABLE_REFS (PTE_PRESENT | PTE_ADDR_MASK)
#define NO_ENTRY   (~0UL)            /* for a machine address */

/* Check val, and take what it refers to unless `old` holds just that. */
static int take_new(pte_t *val, pte_t old, unsigned int lvl,
                    struct domain *pg_owner, bool *ret_taken)
{
    int rc;

    if ((*val ^ old) & (lvl > 1 ? TABLE_REFS : LEAF_REFS)) {
        rc = pt_entry_get(val, lvl, current->domain, pg_owner);
        *ret_taken = !rc;
        return rc;
    }
    if (!(*val & PTE_PRESENT))
        return 0;
    return lvl > 1 ? pt_check_table(val) : pt_check_leaf(val, false);
}

/* Nobody else stores to a locked table, but the CPU sets accessed and dirty
 * bits at any time.  False: then the condition no longer held. */
static __attribute__((noinline)) bool store(pte_t *e, pte_t old, pte_t new,
                                            pte_t keep,
                                            const struct pt_cond *only_if)
{
    pte_t seen;

    while ((seen = cmpxchg(e, old, new | (old & keep & PTE_AD))) != old) {
        if (only_if && ((seen ^ only_if->value) & only_if->bits))
            return false;
        old = seen;
    }
    return true;
}

int pt_update(struct page_info *pg, unsigned int index, pte_t val, pte_t keep,
              const struct pt_cond *only_if, struct domain *pg_owner)
{
    int lvl = page_table_lock(pg);
    pte_t *e = (pte_t *)page_to_virt(pg) + index, old;
    bool taken = false;
    int rc = -EINVAL;

    if (lvl <= 0)
        return lvl && !only_if ? lvl : -ENOENT;
    old = READ_ONCE(*e);
    val |= old & keep;
    if (unlikely(only_if) &&
        (lvl > 1 || ((old ^ only_if->value) & only_if->bits)))
        rc = lvl > 1 ? -ENOENT : -EAGAIN;
    else if (lvl < 4 || slot_is_guest(index))
        rc = take_new(&val, old, lvl, pg_owner, &taken);
    if (!rc) {
        stat_inc(STAT_PT_UPDATE);
        if (!keep && !only_if)
            WRITE_ONCE(*e, val);
        else if (!store(e, old, val, keep, only_if))
            rc = -EAGAIN;
        if (lvl == 4 && cpu_features.isolate)
            isolate_write_through(current->domain, page_to_mfn(pg), index, val);
    }
    page_table_unlock(pg);
    if (taken)
        pt_entry_put(rc ? val : old, lvl, pg->owner);
    return rc;
}

/*
 * Where the level 1 entry for va is.  Nothing is held: another vcpu may take
 * the tables apart meanwhile, so a frame found on the way may be anything.  It
 * is only read, and what is read is checked again by whoever acts on it.
 */
static paddr_t walk(struct vcpu *v, unsigned long va)
{
    mfn_t mfn = v->guest_root[!v->pv.kernel_mode];
    pte_t e;

    if (!va_canonical(va) || va_is_hypervisor(va) || !mfn)
        return NO_ENTRY;
    for (unsigned int lvl = 4; lvl > 1; lvl--) {
        e = READ_ONCE(((pte_t *)mfn_to_virt(mfn))[PT_INDEX(va, lvl)]);
        mfn = pte_mfn(e);
        if (!(e & PTE_PRESENT) || !mfn_valid(mfn))
            return NO_ENTRY;
    }
    return (mfn << PAGE_SHIFT) + PT_INDEX(va, 1) * sizeof(pte_t);
}

pte_t pt_walk(struct vcpu *v, unsigned long va)
{
    paddr_t at = walk(v, va);

    return at == NO_ENTRY ? 0 : READ_ONCE(*(pte_t *)maddr_to_virt(at));
}

struct page_info *pt_page_get(struct vcpu *v, unsigned long va)
{
    pte_t e = pt_walk(v, va);

    return e & PTE_PRESENT ? page_get_mfn(pte_mfn(e), v->domain) : NULL;
}

int pt_emulate_write(struct vcpu *v, unsigned long va, uint64_t val,
                     unsigned int bytes, bool cmpxchg, uint64_t old)
{
    unsigned int shift = va % 8 * 8;
    uint64_t mask = (bytes == 8 ? ~0UL : BIT(bytes * 8) - 1) << shift;
    const struct pt_cond only_if = { cmpxchg ? mask : 0, old << shift };
    struct page_info *pg;
    int rc;

    if (!bytes || va % 8 + bytes > 8)
        return -ENOENT;
    pg = pt_page_get(v, va);
    if (!pg)
        return -ENOENT;
    rc = pt_update(pg, (va & ~PAGE_MASK) / 8, (val << shift) & mask, ~mask,
                   &only_if, v->domain);
    page_put(pg);
    return rc;
}

int pt_update_at(uint64_t addr, bool is_maddr, pte_t val,
                 const struct pt_cond *only_if, struct domain *pg_owner)
{
    paddr_t at = is_maddr ? addr : walk(current, addr);
    struct page_info *pg;
    int rc;

    pg = at % 8 ? NULL : page_get_mfn(PFN_DOWN(at), current->domain);
    if (!pg)
        return -EFAULT;
    rc = pt_update(pg, (at & ~PAGE_MASK) / 8, val, 0, only_if, pg_owner);
    page_put(pg);
    return rc;
}
