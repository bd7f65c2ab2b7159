/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The state of a domain's vcpus, its first page, and letting it go on.
 */
#include "private.h"

#include <sys/mman.h>

#define PIN_BATCH 64u

static int context_op(struct xc *xc, uint32_t cmd, uint32_t domid,
                      unsigned int vcpu, struct vcpu_guest_context *c)
{
    struct xen_domctl op = {
        .cmd = cmd,
        .domain = (domid_t)domid,
        .u.vcpucontext.vcpu = vcpu,
    };
    struct xc_buf buf;
    int rc = xc_buf_get(xc, sizeof(*c), &buf);

    if (rc)
        return rc;
    memcpy(buf.p, c, sizeof(*c));
    set_xen_guest_handle(op.u.vcpucontext.ctxt, buf.p);
    rc = xc_domctl(xc, &op);
    memcpy(c, buf.p, sizeof(*c));
    xc_buf_put(xc, &buf);
    return rc;
}

int xc_context_get(struct xc *xc, uint32_t domid, unsigned int vcpu,
                   struct vcpu_guest_context *ret_c)
{
    return context_op(xc, XEN_DOMCTL_getvcpucontext, domid, vcpu, ret_c);
}

int xc_context_set(struct xc *xc, uint32_t domid, unsigned int vcpu,
                   const struct vcpu_guest_context *c)
{
    struct vcpu_guest_context copy = *c;

    return context_op(xc, XEN_DOMCTL_setvcpucontext, domid, vcpu, &copy);
}

int xc_entries_get(struct xc *xc, uint32_t domid, unsigned int vcpu,
                   struct xen_domctl_ext_vcpucontext *ret_e)
{
    struct xen_domctl op = {
        .cmd = XEN_DOMCTL_get_ext_vcpucontext,
        .domain = (domid_t)domid,
        .u.ext_vcpucontext.vcpu = vcpu,
    };
    int rc = xc_domctl(xc, &op);

    if (!rc)
        *ret_e = op.u.ext_vcpucontext;
    return rc;
}

int xc_entries_set(struct xc *xc, uint32_t domid,
                   const struct xen_domctl_ext_vcpucontext *e)
{
    struct xen_domctl op = {
        .cmd = XEN_DOMCTL_set_ext_vcpucontext,
        .domain = (domid_t)domid,
        .u.ext_vcpucontext = *e,
    };

    op.u.ext_vcpucontext.size =
        offsetof(struct xen_domctl_ext_vcpucontext, mcg_cap);
    return xc_domctl(xc, &op);
}

int xc_xstate_format(struct xc *xc, uint32_t domid, unsigned int vcpu,
                     struct xc_xstate *ret_x)
{
    struct xen_domctl op = {
        .cmd = XEN_DOMCTL_getvcpuextstate,
        .domain = (domid_t)domid,
        .u.vcpuextstate.vcpu = vcpu,
    };
    int rc = xc_domctl(xc, &op);

    if (rc)
        return rc;
    *ret_x = (struct xc_xstate){ 0, 0 };
    /* Without XSAVE, Xen names the size of a header. */
    if (op.u.vcpuextstate.xfeature_mask) {
        ret_x->features = op.u.vcpuextstate.xfeature_mask;
        ret_x->size = (uint32_t)op.u.vcpuextstate.size;
    }
    return 0;
}

/* p: x->size bytes, in and out. */
static int xstate_op(struct xc *xc, uint32_t cmd, uint32_t domid,
                     unsigned int vcpu, const struct xc_xstate *x, void *p)
{
    struct xen_domctl op = {
        .cmd = cmd,
        .domain = (domid_t)domid,
        .u.vcpuextstate = {
            .vcpu = vcpu,
            .xfeature_mask = x->features,
            .size = x->size,
        },
    };
    struct xc_buf buf;
    int rc;

    if (!x->size)
        return 0;
    rc = xc_buf_get(xc, x->size, &buf);
    if (rc)
        return rc;
    memcpy(buf.p, p, x->size);
    set_xen_guest_handle(op.u.vcpuextstate.buffer, buf.p);
    rc = xc_domctl(xc, &op);
    if (!rc && op.u.vcpuextstate.size != x->size)
        rc = -EPROTO;
    memcpy(p, buf.p, x->size);
    xc_buf_put(xc, &buf);
    return rc;
}

int xc_xstate_get(struct xc *xc, uint32_t domid, unsigned int vcpu,
                  const struct xc_xstate *x, void *ret_p)
{
    return xstate_op(xc, XEN_DOMCTL_getvcpuextstate, domid, vcpu, x, ret_p);
}

int xc_xstate_set(struct xc *xc, uint32_t domid, unsigned int vcpu,
                  const struct xc_xstate *x, void *p)
{
    return xstate_op(xc, XEN_DOMCTL_setvcpuextstate, domid, vcpu, x, p);
}

/* The hypercall by which the guest suspended answers "cancelled" then. */
static int set_cancelled(struct xc *xc, uint32_t domid)
{
    struct vcpu_guest_context c = { 0 };
    struct xc_xstate x;
    uint8_t state[XC_MAX_XSTATE];
    int rc = xc_context_get(xc, domid, 0, &c);

    if (!rc)
        rc = xc_xstate_format(xc, domid, 0, &x);
    if (!rc && x.size > sizeof(state))
        rc = -EPROTO;
    if (!rc)
        rc = xc_xstate_get(xc, domid, 0, &x, state);
    if (rc)
        return rc;
    c.user_regs.rax = 1;
    rc = xc_context_set(xc, domid, 0, &c);
    /* The context alone would reset what is beyond FXSAVE. */
    return rc ? rc : xc_xstate_set(xc, domid, 0, &x, state);
}

int xc_domain_resume(struct xc *xc, uint32_t domid)
{
    struct xen_domctl op = {
        .cmd = XEN_DOMCTL_resumedomain,
        .domain = (domid_t)domid,
    };
    int rc = set_cancelled(xc, domid);

    return rc ? rc : xc_domctl(xc, &op);
}

int xc_pin_tables(struct xc *xc, uint32_t domid, const struct xc_pin *pins,
                  size_t nr)
{
    struct mmuext_op *ops;
    struct xc_buf buf;
    long rc = xc_buf_get(xc, PIN_BATCH * sizeof(*ops), &buf);

    if (rc)
        return (int)rc;
    ops = buf.p;
    while (nr && !rc) {
        unsigned int n = nr < PIN_BATCH ? (unsigned int)nr : PIN_BATCH;

        for (unsigned int i = 0; i < n; i++) {
            ops[i].cmd = MMUEXT_PIN_L1_TABLE + pins[i].level - 1;
            ops[i].arg1.mfn = pins[i].mfn;
        }
        rc = xc_hypercall(xc, __HYPERVISOR_mmuext_op, (unsigned long)ops, n, 0,
                          domid);
        pins += n;
        nr -= n;
    }
    xc_buf_put(xc, &buf);
    return (int)rc;
}

int xc_shared_info_reset(struct xc *xc, uint32_t domid,
                         struct shared_info **ret_shared, uint64_t *ret_mfn)
{
    struct xc_domain_info info;
    struct shared_info *shared;
    void *map;
    int rc = xc_domain_getinfo(xc, domid, &info);

    if (!rc)
        rc = xc_foreign_map(xc, domid, PROT_READ | PROT_WRITE,
                            &info.shared_info_mfn, 1, &map);
    if (rc)
        return rc;
    shared = map;
    memset(shared, 0, XC_PAGE_SIZE);
    for (unsigned int i = 0; i < XEN_LEGACY_MAX_VCPUS; i++)
        shared->vcpu_info[i].evtchn_upcall_mask = 1;
    *ret_shared = shared;
    *ret_mfn = info.shared_info_mfn;
    return 0;
}
