/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Scheduling: weight and cap of a domain, by credit2's interface.
 */
#include "private.h"

static int scheduler_op(struct xc *xc, uint32_t domid, uint32_t cmd,
                        struct xen_domctl_sched_credit2 *params)
{
    struct xen_domctl op = {
        .cmd = XEN_DOMCTL_scheduler_op,
        .domain = (domid_t)domid,
        .u.scheduler_op = {
            .sched_id = XEN_SCHEDULER_CREDIT2,
            .cmd = cmd,
            .u.credit2 = *params,
        },
    };
    int rc = xc_domctl(xc, &op);

    if (!rc)
        *params = op.u.scheduler_op.u.credit2;
    return rc;
}

int xc_sched_id(struct xc *xc, uint32_t *ret_id)
{
    struct xen_sysctl op = { .cmd = XEN_SYSCTL_sched_id };
    int rc = xc_sysctl(xc, &op);

    if (!rc)
        *ret_id = op.u.sched_id.sched_id;
    return rc;
}

/* Xen answers -EINVAL when the scheduler is not the one that was named. */
static int need_credit2(struct xc *xc)
{
    uint32_t id;
    int rc = xc_sched_id(xc, &id);

    if (rc)
        return rc;
    return id == XEN_SCHEDULER_CREDIT2 ? 0 : -EOPNOTSUPP;
}

int xc_sched_get(struct xc *xc, uint32_t domid,
                 struct xc_sched_params *ret_params)
{
    struct xen_domctl_sched_credit2 params = { 0 };
    int rc = need_credit2(xc);

    if (!rc)
        rc = scheduler_op(xc, domid, XEN_DOMCTL_SCHEDOP_getinfo, &params);
    if (rc)
        return rc;
    ret_params->weight = params.weight;
    ret_params->cap = params.cap;
    return 0;
}

int xc_sched_set(struct xc *xc, uint32_t domid, unsigned int weight, int cap)
{
    struct xc_sched_params now;
    struct xen_domctl_sched_credit2 params;
    int rc;

    if (weight > UINT16_MAX || cap > UINT16_MAX)
        return -EINVAL;
    rc = xc_sched_get(xc, domid, &now);
    if (rc)
        return rc;
    params.weight = weight ? (uint16_t)weight : now.weight;
    params.cap = cap >= 0 ? (uint16_t)cap : now.cap;
    return scheduler_op(xc, domid, XEN_DOMCTL_SCHEDOP_putinfo, &params);
}
