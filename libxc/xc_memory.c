/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Frames of a domain: give it some, and ask what they are.
 */
#include "private.h"

long xc_memory_populate(struct xc *xc, uint32_t domid, unsigned int order,
                        unsigned long count, uint64_t *frames)
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
    rc = xc_hypercall_arg(xc, __HYPERVISOR_memory_op, XENMEM_populate_physmap,
                          &op, sizeof(op));
    memcpy(frames, list.p, count * sizeof(*frames));
    xc_buf_put(xc, &list);
    return rc > (long)count ? -EPROTO : rc;
}

int xc_frame_infos(struct xc *xc, uint32_t domid, uint64_t *infos, size_t nr)
{
    struct xen_domctl op = {
        .cmd = XEN_DOMCTL_getpageframeinfo3,
        .domain = (domid_t)domid,
        .u.getpageframeinfo3.num = nr,
    };
    struct xc_buf buf;
    int rc = xc_buf_get(xc, nr * sizeof(*infos), &buf);

    if (rc)
        return rc;
    memcpy(buf.p, infos, nr * sizeof(*infos));
    set_xen_guest_handle(op.u.getpageframeinfo3.array, buf.p);
    rc = xc_domctl(xc, &op);
    memcpy(infos, buf.p, nr * sizeof(*infos));
    xc_buf_put(xc, &buf);
    return rc;
}

int xc_m2p_chunks(struct xc *xc, unsigned int nr, uint64_t *ret_mfns)
{
    struct xen_machphys_mfn_list op = { .max_extents = nr };
    struct xc_buf buf;
    int rc = xc_buf_get(xc, nr * sizeof(*ret_mfns), &buf);

    if (rc)
        return rc;
    set_xen_guest_handle(op.extent_start, buf.p);
    rc = (int)xc_hypercall_arg(xc, __HYPERVISOR_memory_op,
                               XENMEM_machphys_mfn_list, &op, sizeof(op));
    if (!rc && op.nr_extents < nr)
        rc = -EPROTO;
    if (!rc)
        memcpy(ret_mfns, buf.p, nr * sizeof(*ret_mfns));
    xc_buf_put(xc, &buf);
    return rc;
}
