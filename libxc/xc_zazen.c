/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * zazen's own operations; other hypervisors do not have them.
 */
#include "private.h"

#include "../hypervisor/lib/zazen_abi.h"

static long zazen_op(struct xc *xc, unsigned long cmd, void *arg, size_t size)
{
    long rc = xc_hypercall_arg(xc, __HYPERVISOR_zazen_op, cmd, arg, size);

    return rc == -ENOSYS ? -EOPNOTSUPP : rc;
}

int xc_bvt_get(struct xc *xc, uint32_t domid, struct xc_bvt *ret_bvt)
{
    struct zazen_bvt op = { .domid = (uint16_t)domid };
    long rc = zazen_op(xc, ZAZEN_OP_get_bvt, &op, sizeof(op));

    if (rc)
        return (int)rc;
    *ret_bvt = (struct xc_bvt){
        .weight = op.weight,
        .warp = op.warp_on,
        .warp_us = op.warp_us,
        .warp_limit_us = op.warp_limit_us,
        .unwarp_us = op.unwarp_us,
    };
    return 0;
}

int xc_bvt_set(struct xc *xc, uint32_t domid, const struct xc_bvt *bvt)
{
    struct zazen_bvt op = {
        .domid = (uint16_t)domid,
        .warp_on = bvt->warp,
        .warp_us = bvt->warp_us,
        .warp_limit_us = bvt->warp_limit_us,
        .unwarp_us = bvt->unwarp_us,
    };

    return (int)zazen_op(xc, ZAZEN_OP_set_bvt, &op, sizeof(op));
}

int xc_counters(struct xc *xc, struct xc_counters *c)
{
    struct zazen_counters op = {
        .nr = c->max,
        .names_size = (uint32_t)c->names_size,
    };
    struct xc_buf buf;
    size_t values_size = c->max * sizeof(*c->values);
    long rc = xc_buf_get(xc, values_size + c->names_size, &buf);

    if (rc)
        return (int)rc;
    op.values = (uintptr_t)buf.p;
    op.names = (uintptr_t)buf.p + values_size;
    rc = zazen_op(xc, ZAZEN_OP_counters, &op, sizeof(op));
    if (!rc) {
        memcpy(c->values, buf.p, values_size);
        memcpy(c->names, (char *)buf.p + values_size, c->names_size);
        if (c->names_size)
            c->names[c->names_size - 1] = '\0';
        c->nr = op.nr;
        c->names_needed = op.names_size + 1;
    }
    xc_buf_put(xc, &buf);
    return (int)rc;
}
