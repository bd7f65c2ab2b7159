/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Event channels of other domains, by hypercall.
 */
#include "private.h"

#include <xen/event_channel.h>

int xc_evtchn_alloc_unbound(struct xc *xc, uint32_t domid, uint32_t remote,
                            uint32_t *ret_port)
{
    struct evtchn_alloc_unbound op = {
        .dom = (domid_t)domid,
        .remote_dom = (domid_t)remote,
    };
    int rc = (int)xc_hypercall_arg(xc, __HYPERVISOR_event_channel_op,
                                   EVTCHNOP_alloc_unbound, &op, sizeof(op));

    if (!rc)
        *ret_port = op.port;
    return rc;
}
