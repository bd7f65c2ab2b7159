/*
 * How much memory a domain has: populate_physmap, increase_reservation,
 * decrease_reservation.  All answer the number of extents done.
 */
#include "domain/domain.h"
#include "mm/buddy.h"
#include "mm/frame_table.h"
#include "mm/guest_copy.h"
#include "mm/m2p.h"
#include "mm/private.h"
#include "x86/percpu.h"

#define MAX_CONTROL_ORDER 9          /* who builds domains: 2 MiB at once */

static void release_frames(struct domain *d, mfn_t mfn, unsigned int order)
{
    for (mfn_t end = mfn + BIT(order); mfn < end; mfn++)
        domain_frame_release(d, mfn_to_page(mfn));
}

/* populate_physmap says what the frames are to be called. */
static int increase_one(struct domain *d, xen_pfn_t __guest *extent,
                        const struct xen_memory_reservation *r, bool populate)
{
    struct page_info *pg;
    xen_pfn_t gpfn = 0, mfn;

    if (populate && copy_from_guest(&gpfn, extent, sizeof(gpfn)))
        return -EFAULT;
    pg = domain_frames_alloc(d, r->extent_order,
                             XENMEMF_get_address_bits(r->mem_flags));
    if (!pg)
        return -ENOMEM;
    mfn = page_to_mfn(pg);
    if ((populate || r->extent_start.p) &&
        copy_to_guest(extent, &mfn, sizeof(mfn))) {
        release_frames(d, mfn, r->extent_order);
        return -EFAULT;
    }
    for (unsigned long i = 0; populate && i < BIT(r->extent_order); i++)
        m2p_set(mfn + i, gpfn + i);
    return 0;
}

static int decrease_one(struct domain *d, xen_pfn_t __guest *extent,
                        const struct xen_memory_reservation *r)
{
    xen_pfn_t mfn, end;

    if (copy_from_guest(&mfn, extent, sizeof(mfn)))
        return -EFAULT;
    for (end = mfn + BIT(r->extent_order); mfn < end; mfn++) {
        struct page_info *pg = page_get_mfn(mfn, d);
        bool had;

        if (!pg)
            return -ENOENT;
        had = domain_frame_release(d, pg);
        if (had)
            m2p_set(mfn, M2P_INVALID);
        page_put(pg);
        if (!had)
            return -ENOENT;
    }
    return 0;
}

long op_reservation(unsigned int op, unsigned long start, void __guest *arg)
{
    struct xen_memory_reservation r;
    xen_pfn_t __guest *extents;
    struct domain *d;
    unsigned long i;
    long rc;

    if (copy_from_guest(&r, arg, sizeof(r)))
        return -EFAULT;
    if (r.nr_extents > ~0UL >> MEMOP_EXTENT_SHIFT || start >= r.nr_extents ||
        (r.mem_flags & XENMEMF_populate_on_demand))
        return start;
    if (r.extent_order > (current->domain->privileged ? MAX_CONTROL_ORDER : 0))
        return start;
    rc = owner_get(r.domid, &d);
    if (rc)
        return rc;
    extents = (xen_pfn_t __guest *)r.extent_start.p;
    for (i = start; i < r.nr_extents; i++) {
        if (i > start && hypercall_should_yield()) {
            rc = hypercall_again(1, op | i << MEMOP_EXTENT_SHIFT);
            break;
        }
        if (op == XENMEM_decrease_reservation
            ? decrease_one(d, &extents[i], &r)
            : increase_one(d, &extents[i], &r, op == XENMEM_populate_physmap))
            break;
    }
    owner_put(d);
    return rc ? rc : (long)i;
}
