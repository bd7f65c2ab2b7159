/*
 * The frames of a domain: counted, listed, claimed, and given up at its end.
 *
 * While a domain has frames it has one reference to its structure; so a frame
 * that somebody else still maps keeps a dead domain's number taken.
 */
#include "mm/domain_mm.h"
#include "domain/domain.h"
#include "lib/env.h"
#include "mm/buddy.h"
#include "mm/frame_table.h"
#include "mm/page_type.h"
#include "mm/pagetable.h"
#include "mm/private.h"
#include "x86/atomic.h"
#include "x86/percpu.h"

/* A dying domain has its frames on two lists. */
static void list_remove_locked(struct domain_mm *mm, struct page_info *pg)
{
    frame_list_remove(mm->first_left == page_to_mfn(pg) ? &mm->first_left
                                                        : &mm->first, pg);
}

static void give_locked(struct domain *d, struct page_info *pg)
{
    pg->owner = d->id;
    frame_list_push(&d->mm.first, pg);
    smp_wmb();                       /* owner before the count: page_get */
    WRITE_ONCE(pg->count, (pg->count & PGC_FOREIGN) | PGC_ALLOCATED | 1);
}

void domain_frame_give(struct domain *d, struct page_info *pg)
{
    spin_lock(&d->mm.page_lock);
    give_locked(d, pg);
    spin_unlock(&d->mm.page_lock);
}

bool domain_frame_take(struct domain *d, struct page_info *pg)
{
    uint64_t foreign, unused;

    if (!page_get(pg, d))
        return false;
    /* Ours and the owner's: no other reference, so no use either. */
    foreign = READ_ONCE(pg->count) & PGC_FOREIGN;
    unused = foreign | PGC_ALLOCATED | 2;
    if (cmpxchg(&pg->count, unused, foreign) != unused) {
        page_put(pg);
        return false;
    }
    spin_lock(&d->mm.page_lock);
    list_remove_locked(&d->mm, pg);
    spin_unlock(&d->mm.page_lock);
    return true;
}

struct page_info *domain_frames_alloc(struct domain *d, unsigned int order,
                                      unsigned int maddr_bits)
{
    unsigned long n = 1UL << order, claimed, i;
    struct domain_mm *mm = &d->mm;
    struct page_info *pg;
    bool last = false;

    spin_lock(&mm->page_lock);
    if (d->dying || order > MAX_ORDER || mm->nr_frames + n > mm->max_frames) {
        spin_unlock(&mm->page_lock);
        return NULL;
    }
    if (!mm->nr_frames)
        domain_get(d);
    mm->nr_frames += n;
    claimed = MIN(n, mm->claimed);   /* what d has claimed comes first */
    spin_unlock(&mm->page_lock);
    pg = frames_alloc(order, maddr_bits,
                      (claimed == n ? ALLOC_CLAIMED : 0) |
                      (d->hardware ? ALLOC_DIRTY : 0));
    spin_lock(&mm->page_lock);
    if (pg && d->dying) {            /* its frames may all have gone already */
        frames_free(pg, order);
        pg = NULL;
    }
    if (pg) {
        claimed = MIN(n, mm->claimed);
        mm->claimed -= claimed;
        frames_claim(-(long)claimed);
    } else {
        mm->nr_frames -= n;
        last = !mm->nr_frames;
    }
    for (i = 0; pg && i < n; i++) {
        m2p_set(page_to_mfn(&pg[i]), M2P_INVALID);
        give_locked(d, &pg[i]);
    }
    spin_unlock(&mm->page_lock);
    if (last)
        domain_put(d);
    return pg;
}

void domain_frame_gone(struct page_info *pg)
{
    struct domain *d = domain_get_by_id(pg->owner);
    bool last;

    spin_lock(&d->mm.page_lock);
    list_remove_locked(&d->mm, pg);
    last = !--d->mm.nr_frames;       /* its reference is ours then */
    spin_unlock(&d->mm.page_lock);
    m2p_set(page_to_mfn(pg), M2P_INVALID);
    frames_free_guest(pg);
    if (last)
        domain_put(d);
    domain_put(d);
}

bool domain_frame_release(struct page_info *pg)
{
    if (!(atomic_and(&pg->count, ~PGC_ALLOCATED) & PGC_ALLOCATED))
        return false;
    page_put(pg);
    return true;
}

int domain_claim(struct domain *d, unsigned long nr_frames)
{
    struct domain_mm *mm = &d->mm;
    unsigned long more = 0;
    int rc = 0;

    spin_lock(&mm->page_lock);
    if (!nr_frames) {
        frames_claim(-(long)mm->claimed);
        mm->claimed = 0;
    } else if (mm->claimed || d->dying || nr_frames < mm->nr_frames ||
               nr_frames > mm->max_frames) {
        rc = -EINVAL;
    } else {
        more = nr_frames - mm->nr_frames;
        rc = frames_claim(more);
        if (!rc)
            mm->claimed = more;
    }
    spin_unlock(&mm->page_lock);
    return rc;
}

int domain_mm_init(struct domain *d)
{
    void *l3 = hv_page_alloc();

    spin_lock_init(&d->mm.page_lock, LOCK_PAGES);
    spin_lock_init(&d->mm.root_lock, LOCK_ROOTS);
    d->mm.first = d->mm.first_left = NO_FRAME;
    d->mm.max_frames = 0;
    if (!l3)
        return -ENOMEM;
    d->mm.window_l3 = virt_to_mfn(l3);
    return 0;
}

int domain_mm_relinquish(struct domain *d)
{
    struct domain_mm *mm = &d->mm;
    struct page_info *pg;
    unsigned int i, done;

    if (page_deferred_finish(current))
        return -ERESTART;
    for (i = 0; i < d->max_vcpus; i++)
        if (d->vcpu[i] && page_deferred_finish(d->vcpu[i]))
            return -ERESTART;
    for (done = 1; !page_deferred_finish(current); done++) {
        if (done % 16 == 0 && hypercall_should_yield())
            break;
        spin_lock(&mm->page_lock);
        pg = frame_list_pop(&mm->first);
        if (pg)
            frame_list_push(&mm->first_left, pg);
        spin_unlock(&mm->page_lock);
        if (!pg)
            return 0;
        if (!page_get(pg, d))
            continue;                /* it is on its way out already */
        domain_frame_release(pg);
        page_drop_pin(pg);
        page_put(pg);
    }
    return -ERESTART;
}
