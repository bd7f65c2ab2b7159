/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Frames of a domain: give and take.
 */
#include "private.h"

/* populate or decrease; ret_frames, if given, is what the hypervisor made of
 * frames and may be the same array. */
static long reservation(struct xc *xc, unsigned long cmd, uint32_t domid,
                        unsigned int order, unsigned long count,
                        const uint64_t *frames, uint64_t *ret_frames)
{
    struct xen_memory_reservation op = {
        .nr_extents = count,
        .extent_order = order,
        .domid = (domid_t)domid,
    };
    struct xc_buf list;
    long rc;

    rc = xc_buf_get(xc, count * sizeof(*frames), &list);
    if (rc)
        return rc;
    memcpy(list.p, frames, count * sizeof(*frames));
    set_xen_guest_handle(op.extent_start, list.p);
    rc = xc_hypercall_arg(xc, __HYPERVISOR_memory_op, cmd, &op, sizeof(op));
    if (ret_frames)
        memcpy(ret_frames, list.p, count * sizeof(*frames));
    xc_buf_put(xc, &list);
    return rc > (long)count ? -EPROTO : rc;
}

long xc_memory_populate(struct xc *xc, uint32_t domid, unsigned int order,
                        unsigned long count, uint64_t *frames)
{
    return reservation(xc, XENMEM_populate_physmap, domid, order, count,
                       frames, frames);
}

long xc_memory_decrease(struct xc *xc, uint32_t domid, unsigned long count,
                        const uint64_t *frames)
{
    return reservation(xc, XENMEM_decrease_reservation, domid, 0, count,
                       frames, NULL);
}
