/*
 * How much memory a domain has, and where: populate_physmap,
 * increase_reservation and decrease_reservation, which answer the number of
 * extents done; exchange.
 */
#include "domain/domain.h"
#include "mm/buddy.h"
#include "mm/frame_table.h"
#include "mm/guest_copy.h"
#include "mm/private.h"
#include "x86/percpu.h"

#define MAX_CONTROL_ORDER  9         /* who builds domains: 2 MiB at once */
#define MAX_EXCHANGE_ORDER 9

/* Frames that were just allocated get their name, or go back.  The guest may
 * have given them away meanwhile: then they are nobody's to us. */
static void settle(struct domain *d, struct page_info *pg, unsigned int order,
                   bool keep, xen_pfn_t gpfn)
{
    for (unsigned long i = 0; i < BIT(order); i++, pg++) {
        if (!page_get(pg, d))
            continue;
        if (keep)
            m2p_set(page_to_mfn(pg), gpfn + i);
        else
            domain_frame_release(pg);
        page_put(pg);
    }
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
        settle(d, pg, r->extent_order, false, 0);
        return -EFAULT;
    }
    if (populate)
        settle(d, pg, r->extent_order, true, gpfn);
    return 0;
}

static int decrease_one(struct domain *d, xen_pfn_t __guest *extent,
                        const struct xen_memory_reservation *r)
{
    xen_pfn_t mfn;

    if (copy_from_guest(&mfn, extent, sizeof(mfn)))
        return -EFAULT;
    for (unsigned long i = 0; i < BIT(r->extent_order); i++, mfn++) {
        struct page_info *pg = page_get_mfn(mfn, d);
        bool had;

        if (!pg)
            return -ENOENT;
        had = domain_frame_release(pg);
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
        (r.mem_flags & XENMEMF_populate_on_demand) ||
        r.extent_order > (current->domain->privileged ? MAX_CONTROL_ORDER : 0))
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

/*
 * Exchange: frames of the caller for others of another size and place.  A
 * chunk is as large as the larger of the two extent sizes, and is exchanged as
 * a whole or not at all: the new extents are allocated, the caller's frames
 * are taken from it (which only works for frames that nobody uses), then it
 * gets the new ones.
 */

/* n extents onto the list `fresh`; each will be told in its place of `to`, so
 * see now whether that can be written. */
static int alloc_extents(const struct xen_memory_reservation *r,
                         xen_pfn_t __guest *to, unsigned long n,
                         uint32_t *fresh)
{
    unsigned int flags = current->domain->hardware ? ALLOC_DIRTY : 0;
    struct page_info *pg;
    xen_pfn_t gpfn;

    for (; n--; to++) {
        if (copy_from_guest(&gpfn, to, sizeof(gpfn)) ||
            copy_to_guest(to, &gpfn, sizeof(gpfn)))
            return -EFAULT;
        pg = frames_alloc(r->extent_order,
                          XENMEMF_get_address_bits(r->mem_flags), flags);
        if (!pg)
            return -ENOMEM;
        frame_list_push(fresh, pg);
    }
    return 0;
}

/* n of d's extents, which nobody may use, off its books onto a list. */
static int take_extents(struct domain *d, unsigned int order,
                        const xen_pfn_t __guest *from, unsigned long n,
                        uint32_t *taken)
{
    xen_pfn_t mfn;

    while (n--) {
        if (copy_from_guest(&mfn, from++, sizeof(mfn)))
            return -EFAULT;
        for (unsigned long i = 0; i < BIT(order); i++, mfn++) {
            if (!mfn_valid(mfn) || !domain_frame_take(d, mfn_to_page(mfn)))
                return -EINVAL;
            frame_list_push(taken, mfn_to_page(mfn));
        }
    }
    return 0;
}

/* An extent becomes d's, under the name that the guest has in *to. */
static int give_extent(struct domain *d, struct page_info *pg,
                       unsigned int order, xen_pfn_t __guest *to)
{
    xen_pfn_t gpfn = 0, mfn = page_to_mfn(pg);
    int rc = copy_from_guest(&gpfn, to, sizeof(gpfn));

    for (unsigned long i = 0; i < BIT(order); i++) {
        m2p_set(mfn + i, rc ? M2P_INVALID : gpfn + i);
        domain_frame_give(d, pg + i);
    }
    return rc ? rc : copy_to_guest(to, &mfn, sizeof(mfn));
}

/* The chunk of this order that begins with frame `first` of all. */
static int exchange_chunk(struct domain *d, const struct xen_memory_exchange *x,
                          unsigned long first, unsigned int order)
{
    unsigned int in = x->in.extent_order, out = x->out.extent_order;
    const xen_pfn_t __guest *from = x->in.extent_start.p + (first >> in);
    xen_pfn_t __guest *to = x->out.extent_start.p + (first >> out);
    uint32_t fresh = NO_FRAME, taken = NO_FRAME;
    struct page_info *pg;
    int undo, rc;

    undo = alloc_extents(&x->out, to, BIT(order - out), &fresh);
    if (!undo)
        undo = take_extents(d, in, from, BIT(order - in), &taken);
    while ((pg = frame_list_pop(&taken))) {
        if (undo) {
            domain_frame_give(d, pg);
        } else {
            m2p_set(page_to_mfn(pg), M2P_INVALID);
            frames_free_guest(pg);
        }
    }
    for (rc = undo; (pg = frame_list_pop(&fresh)); to++) {
        if (undo)
            frames_free(pg, out);
        else if (give_extent(d, pg, out, to))
            rc = -EFAULT;
    }
    return rc;
}

static bool exchange_ok(const struct xen_memory_exchange *x)
{
    unsigned int in = x->in.extent_order, out = x->out.extent_order;
    unsigned int order = MAX(in, out);

    return order <= MAX_EXCHANGE_ORDER && x->in.domid == x->out.domid &&
           x->in.nr_extents < BIT(32) && x->out.nr_extents < BIT(32) &&
           x->in.nr_extents << in == x->out.nr_extents << out &&
           !((x->in.nr_extents << in) & (BIT(order) - 1)) &&
           x->nr_exchanged <= x->in.nr_extents &&
           !((x->nr_exchanged << in) & (BIT(order) - 1));
}

long op_exchange(struct xen_memory_exchange __guest *arg)
{
    struct domain *d = current->domain;
    struct xen_memory_exchange x;
    unsigned long first, frame;
    unsigned int order;
    long rc = 0;

    if (copy_from_guest(&x, arg, sizeof(x)))
        return -EFAULT;
    if (!exchange_ok(&x))
        return -EINVAL;
    if (x.in.domid != DOMID_SELF && x.in.domid != d->id)
        return -EPERM;
    order = MAX(x.in.extent_order, x.out.extent_order);
    frame = first = x.nr_exchanged << x.in.extent_order;
    while (!rc && frame < x.in.nr_extents << x.in.extent_order) {
        if (frame > first && hypercall_should_yield()) {
            rc = hypercall_again(0);
            break;
        }
        rc = exchange_chunk(d, &x, frame, order);
        if (!rc)
            frame += BIT(order);
    }
    x.nr_exchanged = frame >> x.in.extent_order;
    if (copy_field_to_guest(arg, &x, nr_exchanged))
        rc = -EFAULT;
    return rc;
}
