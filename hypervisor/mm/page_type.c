/*
 * The state machine of page types.  page_type.h has the states.
 */
#include "mm/page_type.h"
#include "domain/domain.h"
#include "lib/env.h"
#include "mm/frame_table.h"
#include "mm/pagetable.h"
#include "mm/pt_check.h"
#include "mm/private.h"
#include "x86/atomic.h"
#include "x86/cpu.h"
#include "x86/desc.h"
#include "x86/percpu.h"
#include "x86/tlb.h"

/* The owner of a busy frame ends that: what it wrote before is seen first. */
static void type_publish(struct page_info *pg, uint64_t word)
{
    smp_wmb();
    WRITE_ONCE(pg->type, word);
}

/* The last use has gone.  The stamp is taken while nobody can start another
 * use, else translations of that one could be newer than the stamp. */
static void type_end(struct page_info *pg, enum page_type type)
{
    pg->tlb_stamp = tlb_clock_now();
    type_publish(pg, pgt_word(type));
}

static mfn_t *deferred_slot(unsigned int lvl)
{
    return &current->put_table[lvl - 2];
}

/* Is the next entry's turn for a preempted table, after `done` of them? */
static bool table_must_stop(unsigned int lvl, unsigned int done)
{
    for (unsigned int below = 2; below < lvl; below++)
        if (*deferred_slot(below))
            return true;
    return lvl > 1 && done && hypercall_should_yield();
}

/* Take what the entries from pg->state on refer to. */
static int table_validate(struct page_info *pg, struct domain *d)
{
    unsigned int lvl = pgt_of(pg->type), i, done = 0;
    pte_t *t = page_to_virt(pg), e;
    int rc;

    if (!pg->state)
        stat_inc(STAT_VALIDATE_L1 + lvl - 1);
    if (lvl == 4)
        root_init_slots(t, d);
    for (i = pg->state; i < PTES_PER_TABLE; i++) {
        e = t[i];
        if (!(e & PTE_PRESENT) || (lvl == 4 && !slot_is_guest(i)))
            continue;
        rc = lvl > 1 && done++ && hypercall_should_yield()
             ? -ERESTART : pt_entry_get(&e, lvl, d, d);
        if (rc) {
            pg->state = i;
            return rc;
        }
        t[i] = e;
    }
    return 0;
}

/* Give back what the entries below pg->state refer to; false: not all yet. */
static bool table_undo(struct page_info *pg, bool may_stop)
{
    unsigned int lvl = pgt_of(pg->type), done = 0;
    pte_t *t = page_to_virt(pg), e;

    while (pg->state) {
        e = t[pg->state - 1];
        if ((e & PTE_PRESENT) && (lvl < 4 || slot_is_guest(pg->state - 1))) {
            if (may_stop && table_must_stop(lvl, done++))
                return false;
            pt_entry_put(e, lvl, pg->owner);
        }
        pg->state--;
    }
    return true;
}

/* The busy frame is partial now, with a reference of its own. */
static void type_set_partial(struct page_info *pg)
{
    atomic_inc(&pg->count);
    type_publish(pg, pgt_word(pgt_of(pg->type)) | PGT_PARTIAL | 1);
}

/* Take the busy table pg apart, or leave it as partial, noted in the running
 * vcpu, with a reference for that. */
static void table_release(struct page_info *pg)
{
    enum page_type type = pgt_of(pg->type);
    mfn_t *slot = type > PGT_L1 ? deferred_slot(type) : NULL;

    if (table_undo(pg, slot && !*slot)) {
        type_end(pg, type);
        return;
    }
    atomic_inc(&pg->count);
    *slot = page_to_mfn(pg);
    type_set_partial(pg);
}

/* Every descriptor of the page passes, and has its final form. */
static int seg_desc_validate(struct page_info *pg)
{
    uint64_t *desc = page_to_virt(pg);

    for (unsigned int i = 0; i < PAGE_SIZE / sizeof(*desc); i++)
        if (!desc_check(&desc[i]))
            return -EINVAL;
    return 0;
}

/* A busy frame, `old` before, is to become its type.  resume: it has begun. */
static int page_become(struct page_info *pg, enum page_type old, bool resume)
{
    enum page_type type = pgt_of(pg->type);
    struct domain *d = domain_get_by_id(pg->owner);
    int rc = d ? 0 : -EINVAL;

    if (d && !resume && old != PGT_NONE && old != type)
        tlb_flush_since(READ_ONCE(pg->count) & PGC_FOREIGN
                        ? cpu_online_mask : READ_ONCE(d->dirty_cpus),
                        pg->tlb_stamp);
    if (!resume)
        pg->state = 0;
    if (d && pgt_is_table(type))
        rc = table_validate(pg, d);
    else if (d && type == PGT_SEG_DESC)
        rc = seg_desc_validate(pg);
    if (d)
        domain_put(d);

    if (!rc)
        type_publish(pg, pgt_word(type) | PGT_VALIDATED | 1);
    else if (rc == -ERESTART)
        type_set_partial(pg);
    else if (pgt_is_table(type))
        table_release(pg);
    else
        type_end(pg, type);
    return rc;
}

/* Whether another CPU may have such a table for long: who waits for it and is
 * wanted elsewhere comes again.  A level 1 table is done in a moment. */
static bool may_last(enum page_type type)
{
    return pgt_is_table(type) && type != PGT_L1;
}

int page_type_get(struct page_info *pg, enum page_type type)
{
    uint64_t x, nx;
    enum page_type old;

    for (;; cpu_relax()) {
        x = READ_ONCE(pg->type);
        old = pgt_of(x);
        nx = x + 1;
        if (!(x & PGT_USES)) {
            nx = pgt_word(type) | 1;
            /* No translation to flush, nothing to check. */
            if (type == PGT_WRITABLE && (old == type || old == PGT_NONE))
                nx |= PGT_VALIDATED;
        } else if (old != type) {
            return -EINVAL;
        } else if (x & PGT_PARTIAL) {
            nx = x & ~PGT_PARTIAL;
        } else if (!(x & PGT_VALIDATED)) {
            if (may_last(type) && hypercall_should_yield())
                return -ERESTART;
            continue;
        }
        if (cmpxchg(&pg->type, x, nx) == x)
            break;
    }
    if (x & PGT_PARTIAL)
        page_put(pg);                /* what held it for that state */
    return nx & PGT_VALIDATED ? 0 : page_become(pg, old, x & PGT_PARTIAL);
}

void page_type_put(struct page_info *pg)
{
    uint64_t x;
    bool last;

    for (;; cpu_relax()) {
        x = READ_ONCE(pg->type);
        last = (x & PGT_USES) == 1;
        if (!(last && (x & PGT_LOCKED)) &&
            cmpxchg(&pg->type, x, last ? x & ~PGT_VALIDATED : x - 1) == x)
            break;
    }
    if (!last)
        return;
    if (pgt_is_table(pgt_of(x))) {
        pg->state = PTES_PER_TABLE;
        table_release(pg);
    } else {
        type_end(pg, pgt_of(x));
    }
}

int page_get_typed(mfn_t mfn, enum page_type type, const struct domain *d,
                   struct page_info **ret_pg)
{
    struct page_info *pg = page_get_mfn(mfn, d);
    int rc;

    if (!pg)
        return -EINVAL;
    rc = page_type_get(pg, type);
    if (rc)
        page_put(pg);
    else
        *ret_pg = pg;
    return rc;
}

void page_put_typed(struct page_info *pg)
{
    page_type_put(pg);
    page_put(pg);
}

void *page_hold(mfn_t mfn, const struct domain *d)
{
    struct page_info *pg;

    return page_get_typed(mfn, PGT_WRITABLE, d, &pg) ? NULL : page_to_virt(pg);
}

void page_unhold(const void *va)
{
    if (va)
        page_put_typed(mfn_to_page(virt_to_mfn(va)));
}

/* True if it was pinned. */
static bool pin_clear(struct page_info *pg)
{
    return atomic_and(&pg->type, ~PGT_PINNED) & PGT_PINNED;
}

int page_pin(mfn_t mfn, enum page_type level, struct domain *d)
{
    struct page_info *pg;
    int rc = page_get_typed(mfn, level, d, &pg);

    if (rc)
        return rc;
    if (atomic_or(&pg->type, PGT_PINNED) & PGT_PINNED)
        rc = -EINVAL;
    smp_mb();                        /* with domain_kill: dying, then the pin */
    if (!rc && d->dying && pin_clear(pg))
        rc = -EINVAL;
    if (rc)
        page_put_typed(pg);
    return rc;
}

int page_unpin(mfn_t mfn, const struct domain *d)
{
    struct page_info *pg = page_get_mfn(mfn, d);
    int rc = -EINVAL;

    if (pg && pin_clear(pg)) {
        page_put_typed(pg);
        rc = 0;
    }
    if (pg)
        page_put(pg);
    return rc;
}

/* Take a partial table apart, unless somebody else has taken it up. */
static void partial_finish(struct page_info *pg)
{
    if (atomic_and(&pg->type, ~PGT_PARTIAL) & PGT_PARTIAL) {
        page_put(pg);                /* that state's; the caller has another */
        table_release(pg);
    }
}

void page_drop_pin(struct page_info *pg)
{
    if (pin_clear(pg))
        page_put_typed(pg);
    else
        partial_finish(pg);
}

int page_table_lock(struct page_info *pg)
{
    uint64_t x;

    for (;; cpu_relax()) {
        x = READ_ONCE(pg->type);
        if (!pgt_is_table(pgt_of(x)) || !(x & PGT_VALIDATED))
            return 0;
        if (!(x & PGT_LOCKED) && cmpxchg(&pg->type, x, x | PGT_LOCKED) == x)
            return pgt_of(x);
        if (may_last(pgt_of(x)) && hypercall_should_yield())
            return -ERESTART;
    }
}

void page_table_unlock(struct page_info *pg)
{
    atomic_and(&pg->type, ~PGT_LOCKED);
}

bool page_deferred(const struct vcpu *v)
{
    return v->put_table[0] | v->put_table[1] | v->put_table[2];
}

int page_deferred_finish(struct vcpu *v)
{
    for (unsigned int i = 0; i < ARRAY_SIZE(v->put_table); i++) {
        mfn_t mfn = v->put_table[i];

        if (!mfn)
            continue;
        v->put_table[i] = 0;
        partial_finish(mfn_to_page(mfn));
        page_put(mfn_to_page(mfn));
        if (page_deferred(current))
            return -ERESTART;
    }
    return 0;
}
