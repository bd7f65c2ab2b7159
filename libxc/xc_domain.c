/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Domains: create, destroy, pause, limits, state.
 */
#include "private.h"

#include <xen/sched.h>

#define E820_RAM 1u     /* the BIOS call's type for usable memory */

/* A domctl without arguments. */
static int simple(struct xc *xc, uint32_t domid, uint32_t cmd)
{
    struct xen_domctl op = { .cmd = cmd, .domain = (domid_t)domid };

    return xc_domctl(xc, &op);
}

static int max_vcpus(struct xc *xc, uint32_t domid, unsigned int max)
{
    struct xen_domctl op = {
        .cmd = XEN_DOMCTL_max_vcpus,
        .domain = (domid_t)domid,
        .u.max_vcpus.max = max,
    };

    return xc_domctl(xc, &op);
}

int xc_domain_create(struct xc *xc, const struct xc_domain_config *config,
                     uint32_t *ret_domid)
{
    struct xen_domctl op = {
        .cmd = XEN_DOMCTL_createdomain,
        .domain = 0,                    /* the hypervisor chooses an id */
        .u.createdomain = {
            .max_vcpus = config->max_vcpus,
            .max_evtchn_port = config->max_evtchn_port ?: 1023,
            .max_grant_frames = config->max_grant_frames,
            .max_maptrack_frames = config->max_maptrack_frames,
            .grant_opts = XEN_DOMCTL_GRANT_version(1),
        },
    };
    int rc;

    memcpy(op.u.createdomain.handle, config->uuid, sizeof(config->uuid));
    rc = xc_domctl(xc, &op);
    if (rc)
        return rc;
    rc = max_vcpus(xc, op.domain, config->max_vcpus);
    if (rc) {
        xc_domain_destroy(xc, op.domain);
        return rc;
    }
    *ret_domid = op.domain;
    return 0;
}

int xc_domain_destroy(struct xc *xc, uint32_t domid)
{
    int rc;

    do
        rc = simple(xc, domid, XEN_DOMCTL_destroydomain);
    while (rc == -EAGAIN || rc == -EINTR || rc == -ERESTART);
    return rc;
}

int xc_domain_pause(struct xc *xc, uint32_t domid)
{
    return simple(xc, domid, XEN_DOMCTL_pausedomain);
}

int xc_domain_unpause(struct xc *xc, uint32_t domid)
{
    return simple(xc, domid, XEN_DOMCTL_unpausedomain);
}

int xc_domain_set_max_mem(struct xc *xc, uint32_t domid, uint64_t kb)
{
    struct xen_domctl op = {
        .cmd = XEN_DOMCTL_max_mem,
        .domain = (domid_t)domid,
        .u.max_mem.max_memkb = kb,
    };

    return xc_domctl(xc, &op);
}

static void to_info(const struct xen_domctl_getdomaininfo *in,
                    struct xc_domain_info *out)
{
    *out = (struct xc_domain_info){
        .domid = in->domain,
        .dying = in->flags & XEN_DOMINF_dying,
        .shutdown = in->flags & XEN_DOMINF_shutdown,
        .paused = in->flags & XEN_DOMINF_paused,
        .blocked = in->flags & XEN_DOMINF_blocked,
        .running = in->flags & XEN_DOMINF_running,
        .hvm = in->flags & XEN_DOMINF_hvm_guest,
        .shutdown_reason = in->flags >> XEN_DOMINF_shutdownshift &
                           XEN_DOMINF_shutdownmask,
        .pages = in->tot_pages,
        .max_pages = in->max_pages,
        .shared_info_mfn = in->shared_info_frame,
        .cpu_time_ns = in->cpu_time,
        .online_vcpus = in->nr_online_vcpus,
        .max_vcpu_id = in->max_vcpu_id,
        .cpupool = in->cpupool,
    };
    memcpy(out->uuid, in->handle, sizeof(out->uuid));
}

int xc_domain_getinfo(struct xc *xc, uint32_t domid,
                      struct xc_domain_info *ret_info)
{
    struct xen_domctl op = {
        .cmd = XEN_DOMCTL_getdomaininfo,
        .domain = (domid_t)domid,
    };
    int rc = xc_domctl(xc, &op);

    if (rc)
        return rc;
    /* Xen answers for the next domain if this one does not exist. */
    if (op.domain != domid)
        return -ESRCH;
    to_info(&op.u.getdomaininfo, ret_info);
    return 0;
}

int xc_domain_getinfolist(struct xc *xc, uint32_t first, unsigned int max,
                          struct xc_domain_info *ret_info)
{
    struct xen_sysctl op = { .cmd = XEN_SYSCTL_getdomaininfolist };
    struct xen_domctl_getdomaininfo *list;
    struct xc_buf buf;
    int rc;

    rc = xc_buf_get(xc, max * sizeof(*list), &buf);
    if (rc)
        return rc;
    list = buf.p;
    op.u.getdomaininfolist.first_domain = (domid_t)first;
    op.u.getdomaininfolist.max_domains = max;
    set_xen_guest_handle(op.u.getdomaininfolist.buffer, list);
    rc = xc_sysctl(xc, &op);
    if (!rc && op.u.getdomaininfolist.num_domains > max)
        rc = -EPROTO;
    if (!rc) {
        rc = (int)op.u.getdomaininfolist.num_domains;
        for (int i = 0; i < rc; i++)
            to_info(&list[i], &ret_info[i]);
    }
    xc_buf_put(xc, &buf);
    return rc;
}

int xc_domain_set_address_size(struct xc *xc, uint32_t domid,
                               unsigned int bits)
{
    struct xen_domctl op = {
        .cmd = XEN_DOMCTL_set_address_size,
        .domain = (domid_t)domid,
        .u.address_size.size = bits,
    };

    return xc_domctl(xc, &op);
}

int xc_domain_set_memory_map(struct xc *xc, uint32_t domid, uint64_t kb)
{
    /* Layout of the BIOS call's entries: 20 bytes, no padding. */
    struct __attribute__((packed)) entry {
        uint64_t addr, size;
        uint32_t type;
    } *e;
    struct xen_foreign_memory_map op = {
        .domid = (domid_t)domid,
        .map.nr_entries = 1,
    };
    struct xc_buf buf;
    int rc;

    rc = xc_buf_get(xc, sizeof(*e), &buf);
    if (rc)
        return rc;
    e = buf.p;
    e->size = kb << 10;
    e->type = E820_RAM;
    set_xen_guest_handle(op.map.buffer, buf.p);
    rc = (int)xc_hypercall_arg(xc, __HYPERVISOR_memory_op,
                               XENMEM_set_memory_map, &op, sizeof(op));
    xc_buf_put(xc, &buf);
    return rc;
}

int xc_domain_hypercall_init(struct xc *xc, uint32_t domid, uint64_t gmfn)
{
    struct xen_domctl op = {
        .cmd = XEN_DOMCTL_hypercall_init,
        .domain = (domid_t)domid,
        .u.hypercall_init.gmfn = gmfn,
    };

    return xc_domctl(xc, &op);
}

int xc_domain_set_tsc(struct xc *xc, uint32_t domid, enum xc_tsc_mode mode)
{
    struct xen_domctl op = {
        .cmd = XEN_DOMCTL_settscinfo,
        .domain = (domid_t)domid,
        .u.tsc_info.tsc_mode = mode,
    };

    return xc_domctl(xc, &op);
}
