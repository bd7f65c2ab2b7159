/*
 * XENMEM_exchange: frames of the caller for others of another size and place.
 *
 * A chunk is as large as the larger of the two extent sizes, and is exchanged
 * as a whole or not at all: the new frames are allocated, the caller's are
 * taken from it (which only works for frames that nobody uses), then it gets
 * the new ones.
 */
#include "domain/domain.h"
#include "lib/env.h"
#include "mm/buddy.h"
#include "mm/frame_table.h"
#include "mm/guest_copy.h"
#include "mm/m2p.h"
#include "mm/private.h"
#include "x86/percpu.h"

#define MAX_ORDER_EXCHANGE 9         /* a page of frame numbers */

/* One chunk.  in, out: a frame number for each frame, in order. */
struct chunk {
    struct domain *d;
    const struct xen_memory_exchange *x;
    unsigned int order;
    xen_pfn_t *in, *out;
};

/* Extents of the chunk's side r, the first of them at guest address *ret. */
static unsigned long chunk_extents(const struct chunk *c,
                                   const struct xen_memory_reservation *r,
                                   unsigned long chunk_nr,
                                   xen_pfn_t __guest **ret_first)
{
    unsigned long n = BIT(c->order - r->extent_order);

    *ret_first = (xen_pfn_t __guest *)r->extent_start.p + chunk_nr * n;
    return n;
}

/* Frame numbers of the caller's extents, and its names for the new ones. */
static int read_lists(const struct chunk *c, unsigned long chunk_nr,
                      xen_pfn_t *gpfns)
{
    xen_pfn_t __guest *first;
    unsigned long n = chunk_extents(c, &c->x->in, chunk_nr, &first), i, j;

    for (i = n; i--;) {
        xen_pfn_t mfn;

        if (copy_from_guest(&mfn, &first[i], sizeof(mfn)))
            return -EFAULT;
        for (j = 0; j < BIT(c->x->in.extent_order); j++)
            c->in[(i << c->x->in.extent_order) + j] = mfn + j;
    }
    n = chunk_extents(c, &c->x->out, chunk_nr, &first);
    if (copy_from_guest(gpfns, first, n * sizeof(*gpfns)))
        return -EFAULT;
    /* Shall be written later: find out now whether it can be. */
    return copy_to_guest(first, gpfns, n * sizeof(*gpfns));
}

static void free_out(const struct chunk *c, unsigned long nr_frames)
{
    unsigned int order = c->x->out.extent_order;

    for (unsigned long i = 0; i < nr_frames; i += BIT(order))
        frames_free(mfn_to_page(c->out[i]), order);
}

static int alloc_out(const struct chunk *c)
{
    const struct xen_memory_reservation *r = &c->x->out;
    unsigned long i, j;

    for (i = 0; i < BIT(c->order); i += BIT(r->extent_order)) {
        struct page_info *pg = frames_alloc(
            r->extent_order, NODE_ANY, XENMEMF_get_address_bits(r->mem_flags),
            c->d->hardware ? ALLOC_DIRTY : 0);

        if (!pg) {
            free_out(c, i);
            return -ENOMEM;
        }
        for (j = 0; j < BIT(r->extent_order); j++)
            c->out[i + j] = page_to_mfn(pg) + j;
    }
    return 0;
}

static void give_frames(const struct chunk *c, const xen_pfn_t *mfns,
                        unsigned long n)
{
    for (unsigned long i = 0; i < n; i++)
        domain_frame_give(c->d, mfn_to_page(mfns[i]));
}

static int take_in(const struct chunk *c)
{
    for (unsigned long i = 0; i < BIT(c->order); i++)
        if (!mfn_valid(c->in[i]) ||
            !domain_frame_take(c->d, mfn_to_page(c->in[i]))) {
            give_frames(c, c->in, i);
            return -EINVAL;
        }
    return 0;
}

static int exchange_chunk(const struct chunk *c, unsigned long chunk_nr,
                          xen_pfn_t *gpfns)
{
    unsigned int order = c->x->out.extent_order;
    xen_pfn_t __guest *first;
    unsigned long n, i, frames = BIT(c->order);
    int rc = read_lists(c, chunk_nr, gpfns);

    if (!rc)
        rc = alloc_out(c);
    if (rc)
        return rc;
    rc = take_in(c);
    if (rc) {
        free_out(c, frames);
        return rc;
    }
    for (i = 0; i < frames; i++) {
        m2p_set(c->in[i], M2P_INVALID);
        frames_free_guest(mfn_to_page(c->in[i]));
        m2p_set(c->out[i], gpfns[i >> order] + (i & (BIT(order) - 1)));
    }
    give_frames(c, c->out, frames);
    n = chunk_extents(c, &c->x->out, chunk_nr, &first);
    for (i = 0; !rc && i < n; i++)
        rc = copy_to_guest(&first[i], &c->out[i << order], sizeof(*c->out));
    return rc;
}

static bool args_ok(const struct xen_memory_exchange *x)
{
    unsigned int in = x->in.extent_order, out = x->out.extent_order;
    unsigned int order = MAX(in, out);

    return order <= MAX_ORDER_EXCHANGE && x->in.domid == x->out.domid &&
           x->in.nr_extents < BIT(32) && x->out.nr_extents < BIT(32) &&
           x->in.nr_extents << in == x->out.nr_extents << out &&
           !((x->in.nr_extents << in) & (BIT(order) - 1)) &&
           x->nr_exchanged <= x->in.nr_extents &&
           !((x->nr_exchanged << in) & (BIT(order) - 1));
}

long op_exchange(void __guest *arg)
{
    struct xen_memory_exchange x;
    struct chunk c = { .d = current->domain, .x = &x };
    unsigned long per_chunk, n;
    xen_pfn_t *gpfns;
    long rc = 0;

    if (copy_from_guest(&x, arg, sizeof(x)))
        return -EFAULT;
    if (!args_ok(&x))
        return -EINVAL;
    if (x.in.domid != DOMID_SELF && x.in.domid != c.d->id)
        return -EPERM;
    c.order = MAX(x.in.extent_order, x.out.extent_order);
    per_chunk = BIT(c.order - x.in.extent_order);
    c.in = hv_page_alloc();
    c.out = hv_page_alloc();
    gpfns = hv_page_alloc();
    if (!c.in || !c.out || !gpfns)
        rc = -ENOMEM;
    for (n = x.nr_exchanged; !rc && n < x.in.nr_extents;) {
        if (n > x.nr_exchanged && hypercall_should_yield()) {
            rc = hypercall_again(0);
            break;
        }
        rc = exchange_chunk(&c, n / per_chunk, gpfns);
        if (!rc)
            n += per_chunk;
    }
    hv_page_free(c.in);
    hv_page_free(c.out);
    hv_page_free(gpfns);
    x.nr_exchanged = n;
    if (copy_field_to_guest(arg, &x, nr_exchanged))
        rc = -EFAULT;
    return rc;
}
