/*
 * Frames and the references to them.
 */
#include "mm/frame_table.h"
#include "domain/domain.h"
#include "lib/env.h"
#include "mm/buddy.h"
#include "mm/private.h"
#include "x86/atomic.h"
#include "x86/percpu.h"
#include "x86/tlb.h"

struct page_info *frame_table;
mfn_t max_mfn;
unsigned long total_frames;

bool page_get(struct page_info *pg, const struct domain *d)
{
    uint64_t x = READ_ONCE(pg->count), y;

    /* Not even for a moment where it is clearly another's. */
    if (READ_ONCE(pg->owner) != d->id)
        return false;
    for (;;) {
        if (!(x & PGC_REFS))
            return false;
        y = cmpxchg(&pg->count, x, x + 1);
        if (y == x)
            break;
        x = y;
    }
    /* Only a referenced frame keeps its owner. */
    if (likely(READ_ONCE(pg->owner) == d->id))
        return true;
    page_put(pg);
    return false;
}

struct page_info *page_get_mfn(mfn_t mfn, const struct domain *d)
{
    struct page_info *pg;

    if (!mfn_valid(mfn))
        return NULL;
    pg = mfn_to_page(mfn);
    return page_get(pg, d) ? pg : NULL;
}

void page_put(struct page_info *pg)
{
    uint64_t x = atomic_dec(&pg->count);

    if (likely(x & PGC_REFS))
        return;
    pg->tlb_stamp = tlb_clock_now();
    if (!(x & PGC_SHARED))
        domain_frame_gone(pg);
    else if (x & PGC_FREE_LAST)
        frames_free_guest(pg);
}

struct domain *page_domain(const struct page_info *pg)
{
    domid_t id = READ_ONCE(pg->owner);

    if (likely(id == current->domain->id) && id != DOMID_IDLE) {
        domain_get(current->domain);
        return current->domain;
    }
    return id < DOMID_FIRST_RESERVED ? domain_get_by_id(id) : NULL;
}

void page_share(struct page_info *pg, const struct domain *d, bool writable)
{
    pg->owner = d->id;
    pg->type = pgt_word(writable ? PGT_WRITABLE : PGT_NONE) | PGT_VALIDATED | 1;
    smp_wmb();                       /* found by others once count is set */
    WRITE_ONCE(pg->count, PGC_SHARED | 1);
}

bool page_unshare(struct page_info *pg, const struct domain *d)
{
    uint64_t x = READ_ONCE(pg->count), y, nx;

    ASSERT(pg->owner == d->id);
    (void)d;
    /* A later domain of the same number must not find it. */
    WRITE_ONCE(pg->owner, DOMID_INVALID);
    smp_mb();
    for (;;) {
        nx = (x - 1) | ((x & PGC_REFS) > 1 ? PGC_FREE_LAST : 0);
        y = cmpxchg(&pg->count, x, nx);
        if (y == x)
            break;
        x = y;
    }
    return !(nx & PGC_REFS);
}
