/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Virtual CPUs: state and affinity.
 */
#include "private.h"

int xc_vcpu_getinfo(struct xc *xc, uint32_t domid, unsigned int vcpu,
                    struct xc_vcpu_info *ret_info)
{
    struct xen_domctl op = {
        .cmd = XEN_DOMCTL_getvcpuinfo,
        .domain = (domid_t)domid,
        .u.getvcpuinfo.vcpu = vcpu,
    };
    int rc = xc_domctl(xc, &op);

    if (rc)
        return rc;
    *ret_info = (struct xc_vcpu_info){
        .online = op.u.getvcpuinfo.online,
        .blocked = op.u.getvcpuinfo.blocked,
        .running = op.u.getvcpuinfo.running,
        .cpu_time_ns = op.u.getvcpuinfo.cpu_time,
        .cpu = op.u.getvcpuinfo.cpu,
    };
    return 0;
}

int xc_vcpu_send_nmi(struct xc *xc, uint32_t domid, unsigned int vcpu)
{
    struct xen_domctl op = {
        .cmd = XEN_DOMCTL_sendtrigger,
        .domain = (domid_t)domid,
        .u.sendtrigger = { .trigger = XEN_DOMCTL_SENDTRIGGER_NMI,
                           .vcpu = vcpu },
    };

    return xc_domctl(xc, &op);
}

/* Both maps travel in one buffer, the hard one first. */
static int affinity_op(struct xc *xc, struct xen_domctl *op,
                       struct xc_cpumap maps[2])
{
    struct xen_domctl_vcpuaffinity *aff = &op->u.vcpuaffinity;
    struct xc_buf buf;
    uint8_t *raw;
    int rc;

    rc = xc_buf_get(xc, 2 * sizeof(maps[0]), &buf);
    if (rc)
        return rc;
    raw = buf.p;
    memcpy(raw, maps, 2 * sizeof(maps[0]));
    set_xen_guest_handle(aff->cpumap_hard.bitmap, raw);
    aff->cpumap_hard.nr_bits = XC_MAX_CPUS;
    set_xen_guest_handle(aff->cpumap_soft.bitmap, raw + sizeof(maps[0]));
    aff->cpumap_soft.nr_bits = XC_MAX_CPUS;
    rc = xc_domctl(xc, op);
    memcpy(maps, raw, 2 * sizeof(maps[0]));
    xc_buf_put(xc, &buf);
    return rc;
}

int xc_vcpu_set_affinity(struct xc *xc, uint32_t domid, unsigned int vcpu,
                         const struct xc_cpumap *hard,
                         const struct xc_cpumap *soft)
{
    struct xen_domctl op = {
        .cmd = XEN_DOMCTL_setvcpuaffinity,
        .domain = (domid_t)domid,
        .u.vcpuaffinity = {
            .vcpu = vcpu,
            .flags = (hard ? XEN_VCPUAFFINITY_HARD : 0) |
                     (soft ? XEN_VCPUAFFINITY_SOFT : 0),
        },
    };
    struct xc_cpumap maps[2] = { { { 0 } } };

    if (hard)
        maps[0] = *hard;
    if (soft)
        maps[1] = *soft;
    return affinity_op(xc, &op, maps);
}

int xc_vcpu_get_affinity(struct xc *xc, uint32_t domid, unsigned int vcpu,
                         struct xc_cpumap *ret_hard,
                         struct xc_cpumap *ret_soft)
{
    struct xen_domctl op = {
        .cmd = XEN_DOMCTL_getvcpuaffinity,
        .domain = (domid_t)domid,
        .u.vcpuaffinity = {
            .vcpu = vcpu,
            .flags = XEN_VCPUAFFINITY_HARD | XEN_VCPUAFFINITY_SOFT,
        },
    };
    struct xc_cpumap maps[2] = { { { 0 } } };
    int rc = affinity_op(xc, &op, maps);

    if (rc)
        return rc;
    if (ret_hard)
        *ret_hard = maps[0];
    if (ret_soft)
        *ret_soft = maps[1];
    return 0;
}
