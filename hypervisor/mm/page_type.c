/*
 * The state machine of page types.  page_type.h has the states.
 */
#include "mm/page_type.h"
#include "domain/domain.h"
#include "lib/env.h"
#include "mm/frame_table.h"
#include "mm/pagetable.h"
#include "mm/pt_check.h"
#include "mm/pt_entry.h"
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

static bool deferred_below(unsigned int lvl)
{
    while (lvl-- > 2)
        if (*deferred_slot(lvl))
            return true;
    return false;
}

/* Is the next entry's turn for a preempted table, after `done` of them? */
static bool table_must_stop(unsigned int lvl, unsigned int done)
{
    return lvl > 1 && (deferred_below(lvl) ||
                       (done && hypercall_should_yield()));
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

/*
 * Take the busy table pg apart, or leave it as partial, noted in the running
 * vcpu.  has_ref: it was partial and had a reference for that.
 */
static void table_release(struct page_info *pg, bool has_ref)
{
    enum page_type type = pgt_of(pg->type);
    mfn_t *slot = type > PGT_L1 ? deferred_slot(type) : NULL;

    if (table_undo(pg, slot && !*slot)) {
        type_end(pg, type);
        if (has_ref)
            page_put(pg);
        return;
    }
    atomic_add(&pg->count, has_ref ? 1 : 2);     /* the slot's, the state's */
    *slot = page_to_mfn(pg);
    type_publish(pg, pgt_word(type) | PGT_PARTIAL | 1);
}

/* Every descriptor of the page passes: then all get their final form. */
static int seg_desc_validate(struct page_info *pg)
{
    uint64_t *desc = page_to_virt(pg), copy;

    for (unsigned int pass = 0; pass < 2; pass++)
        for (unsigned int i = 0; i < PAGE_SIZE / sizeof(*desc); i++) {
            copy = desc[i];
            if (!desc_check(&copy))
                return -EINVAL;
            if (pass)
                desc[i] = copy;
        }
    return 0;
}

/* A busy frame, `old` before, is to become its type. has_ref: was partial. */
static int page_become(struct page_info *pg, enum page_type old, bool has_ref)
{
    enum page_type type = pgt_of(pg->type);
    struct domain *d = page_domain(pg);
    int rc = d ? 0 : -EINVAL;

    if (d && !has_ref && old != PGT_NONE && old != type)
        tlb_flush_since(READ_ONCE(pg->count) & PGC_FOREIGN
                        ? cpu_online_mask : READ_ONCE(d->dirty_cpus),
                        pg->tlb_stamp);
    if (!has_ref)
        pg->state = 0;
    if (d && pgt_is_table(type))
        rc = table_validate(pg, d);
    else if (d && type == PGT_SEG_DESC)
        rc = seg_desc_validate(pg);
    if (d)
        domain_put(d);

    if (!rc) {
        type_publish(pg, pgt_word(type) | PGT_VALIDATED | 1);
        if (has_ref)
            page_put(pg);
    } else if (rc == -ERESTART) {
        if (!has_ref)
            atomic_inc(&pg->count);
        type_publish(pg, pgt_word(type) | PGT_PARTIAL | 1);
    } else if (pgt_is_table(type)) {
        table_release(pg, has_ref);
    } else {
        type_end(pg, type);
    }
    return rc;
}

int page_type_get(struct page_info *pg, enum page_type type)
{
    uint64_t x = READ_ONCE(pg->type), nx, y;
    enum page_type old;

    for (;;) {
        old = pgt_of(x);
        if (!(x & PGT_USES)) {
            nx = pgt_word(type) | 1;
            /* No translation to flush, nothing to check. */
            if (type == PGT_WRITABLE && (old == type || old == PGT_NONE))
                nx |= PGT_VALIDATED;
        } else if (old != type) {
            return -EINVAL;
        } else if (x & PGT_VALIDATED) {
            nx = x + 1;
        } else if (x & PGT_PARTIAL) {
            nx = x & ~PGT_PARTIAL;
        } else {
            cpu_relax();
            x = READ_ONCE(pg->type);
            continue;
        }
        y = cmpxchg(&pg->type, x, nx);
        if (y == x)
            break;
        x = y;
    }
    return nx & PGT_VALIDATED ? 0 : page_become(pg, old, x & PGT_PARTIAL);
}

void page_type_put(struct page_info *pg)
{
    uint64_t x = READ_ONCE(pg->type), y;
    enum page_type type = pgt_of(x);
    bool last;

    for (;;) {
        last = (x & PGT_USES) == 1;
        if (last && (x & PGT_LOCKED)) {
            cpu_relax();
            x = READ_ONCE(pg->type);
            continue;
        }
        y = cmpxchg(&pg->type, x, last ? x & ~PGT_VALIDATED : x - 1);
        if (y == x)
            break;
        x = y;
    }
    if (!last)
        return;
    if (pgt_is_table(type)) {
        pg->state = PTES_PER_TABLE;
        table_release(pg, false);
    } else {
        type_end(pg, type);
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

/* Set or clear the pin; false if it was so already. */
static bool pin_change(struct page_info *pg, bool set)
{
    uint64_t x = READ_ONCE(pg->type), y;

    while (!(x & PGT_PINNED) == set) {
        y = cmpxchg(&pg->type, x, x ^ PGT_PINNED);
        if (y == x)
            return true;
        x = y;
    }
    return false;
}

int page_pin(mfn_t mfn, enum page_type level, struct domain *d)
{
    struct page_info *pg;
    int rc = page_get_typed(mfn, level, d, &pg);

    if (rc)
        return rc;
    if (!pin_change(pg, true)) {
        page_put_typed(pg);
        return -EINVAL;
    }
    smp_mb();                        /* with domain_kill: dying, then the pin */
    if (d->dying && pin_change(pg, false)) {
        page_put_typed(pg);
        return -EINVAL;
    }
    return 0;
}

int page_unpin(mfn_t mfn, const struct domain *d)
{
    struct page_info *pg = page_get_mfn(mfn, d);
    bool was;

    if (!pg)
        return -EINVAL;
    was = pin_change(pg, false);
    if (was)
        page_put_typed(pg);
    page_put(pg);
    return was ? 0 : -EINVAL;
}

/* Take a partial table apart, unless somebody else has taken it up. */
static void partial_finish(struct page_info *pg)
{
    uint64_t x = READ_ONCE(pg->type), y;

    while (x & PGT_PARTIAL) {
        y = cmpxchg(&pg->type, x, x & ~PGT_PARTIAL);
        if (y == x) {
            table_release(pg, true);
            return;
        }
        x = y;
    }
}

void page_drop_pin(struct page_info *pg)
{
    if (pin_change(pg, false))
        page_put_typed(pg);
    else
        partial_finish(pg);
}

unsigned int page_table_lock(struct page_info *pg)
{
    uint64_t x = READ_ONCE(pg->type), y;

    while (pgt_is_table(pgt_of(x)) && (x & PGT_VALIDATED)) {
        if (x & PGT_LOCKED) {
            cpu_relax();
            x = READ_ONCE(pg->type);
            continue;
        }
        y = cmpxchg(&pg->type, x, x | PGT_LOCKED);
        if (y == x)
            return pgt_of(x);
        x = y;
    }
    return 0;
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
        struct page_info *pg;

        if (!v->put_table[i])
            continue;
        pg = mfn_to_page(v->put_table[i]);
        v->put_table[i] = 0;
        partial_finish(pg);
        page_put(pg);
        if (page_deferred(current))
            return -ERESTART;
    }
    return 0;
}
