/*
 * Frames and the references to them.
 */
#include "mm/frame_table.h"
#include "domain/domain.h"
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
    uint64_t x;

    /* Not even for a moment where it is clearly another's. */
    if (READ_ONCE(pg->owner) != d->id)
        return false;
    do {
        x = READ_ONCE(pg->count);
        if (!(x & PGC_REFS))
            return false;
    } while (cmpxchg(&pg->count, x, x + 1) != x);
    /* Only a referenced frame keeps its owner. */
    if (likely(READ_ONCE(pg->owner) == d->id))
        return true;
    page_put(pg);
    return false;
}

struct page_info *page_get_mfn(mfn_t mfn, const struct domain *d)
{
    return mfn_valid(mfn) && page_get(mfn_to_page(mfn), d) ? mfn_to_page(mfn)
                                                           : NULL;
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

void page_share(struct page_info *pg, const struct domain *d, bool writable)
{
    pg->owner = d->id;
    pg->type = pgt_word(writable ? PGT_WRITABLE : PGT_NONE) | PGT_VALIDATED | 1;
    smp_wmb();                       /* found by others once count is set */
    WRITE_ONCE(pg->count, PGC_SHARED | 1);
}

bool page_unshare(struct page_info *pg)
{
    uint64_t x, nx;

    /* A later domain of the same number must not find it. */
    WRITE_ONCE(pg->owner, DOMID_INVALID);
    smp_mb();
    do {
        x = READ_ONCE(pg->count);
        nx = (x - 1) | ((x & PGC_REFS) > 1 ? PGC_FREE_LAST : 0);
    } while (cmpxchg(&pg->count, x, nx) != x);
    return !(nx & PGC_REFS);
}
