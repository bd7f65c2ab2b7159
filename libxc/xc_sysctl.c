/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The machine: CPUs, memory, the hypervisor's log and version.
 */
#include "private.h"

#include <stdio.h>

#include <xen/version.h>

int xc_physinfo(struct xc *xc, struct xc_physinfo *ret_info)
{
    struct xen_sysctl op = { .cmd = XEN_SYSCTL_physinfo };
    const struct xen_sysctl_physinfo *p = &op.u.physinfo;
    int rc = xc_sysctl(xc, &op);

    if (rc)
        return rc;
    *ret_info = (struct xc_physinfo){
        .threads_per_core = p->threads_per_core,
        .cores_per_socket = p->cores_per_socket,
        .nr_cpus = p->nr_cpus,
        .max_cpu_id = p->max_cpu_id,
        .nr_nodes = p->nr_nodes,
        .max_node_id = p->max_node_id,
        .cpu_khz = p->cpu_khz,
        .cap_pv = p->capabilities & XEN_SYSCTL_PHYSCAP_pv,
        .cap_hvm = p->capabilities & XEN_SYSCTL_PHYSCAP_hvm,
        .cap_hap = p->capabilities & XEN_SYSCTL_PHYSCAP_hap,
        .cap_shadow = p->capabilities & XEN_SYSCTL_PHYSCAP_shadow,
        .cap_directio = p->capabilities & XEN_SYSCTL_PHYSCAP_directio,
        .cap_gnttab_v1 = p->capabilities & XEN_SYSCTL_PHYSCAP_gnttab_v1,
        .cap_gnttab_v2 = p->capabilities & XEN_SYSCTL_PHYSCAP_gnttab_v2,
        .cap_vpmu = p->capabilities & XEN_SYSCTL_PHYSCAP_vpmu,
        .cap_vmtrace = p->capabilities & XEN_SYSCTL_PHYSCAP_vmtrace,
        .total_pages = p->total_pages,
        .free_pages = p->free_pages,
        .scrub_pages = p->scrub_pages,
        .outstanding_pages = p->outstanding_pages,
        .max_mfn = p->max_mfn,
    };
    memcpy(ret_info->hw_cap, p->hw_cap, sizeof(ret_info->hw_cap));
    return 0;
}

int xc_cputopo(struct xc *xc, unsigned int max, struct xc_cputopo *ret_topo)
{
    struct xen_sysctl op = { .cmd = XEN_SYSCTL_cputopoinfo };
    xen_sysctl_cputopo_t *topo;
    struct xc_buf buf;
    int rc;

    rc = xc_buf_get(xc, max * sizeof(*topo), &buf);
    if (rc)
        return rc;
    topo = buf.p;
    op.u.cputopoinfo.num_cpus = max;
    set_xen_guest_handle(op.u.cputopoinfo.cputopo, topo);
    rc = xc_sysctl(xc, &op);
    if (!rc) {
        rc = (int)op.u.cputopoinfo.num_cpus;
        for (unsigned int i = 0; i < max && (int)i < rc; i++)
            ret_topo[i] = (struct xc_cputopo){
                .core = topo[i].core,
                .socket = topo[i].socket,
                .node = topo[i].node,
            };
    }
    xc_buf_put(xc, &buf);
    return rc;
}

ssize_t xc_readconsole(struct xc *xc, char *buf, size_t size, uint32_t *index,
                       bool clear)
{
    struct xen_sysctl op = { .cmd = XEN_SYSCTL_readconsole };
    struct xc_buf bounce;
    ssize_t n;
    int rc;

    if (size > 32768)
        size = 32768;
    rc = xc_buf_get(xc, size, &bounce);
    if (rc)
        return rc;
    op.u.readconsole.clear = clear;
    op.u.readconsole.incremental = 1;
    op.u.readconsole.index = *index;
    op.u.readconsole.count = (uint32_t)size;
    set_xen_guest_handle(op.u.readconsole.buffer, bounce.p);
    rc = xc_sysctl(xc, &op);
    n = op.u.readconsole.count;
    if (rc || (size_t)n > size) {
        n = rc ? rc : -EPROTO;
    } else {
        memcpy(buf, bounce.p, (size_t)n);
        *index = op.u.readconsole.index;
    }
    xc_buf_put(xc, &bounce);
    return n;
}

int xc_debug_keys(struct xc *xc, const char *keys)
{
    struct xen_sysctl op = { .cmd = XEN_SYSCTL_debug_keys };
    size_t len = strlen(keys);
    struct xc_buf buf;
    int rc;

    rc = xc_buf_get(xc, len, &buf);
    if (rc)
        return rc;
    memcpy(buf.p, keys, len);
    set_xen_guest_handle(op.u.debug_keys.keys, buf.p);
    op.u.debug_keys.nr_keys = (uint32_t)len;
    rc = xc_sysctl(xc, &op);
    xc_buf_put(xc, &buf);
    return rc;
}

/* A terminated string of the hypervisor's; empty if it does not tell. */
static void version_text(struct xc *xc, unsigned long cmd, char *ret,
                         size_t size)
{
    if (xc_hypercall_arg(xc, __HYPERVISOR_xen_version, cmd, ret, size) < 0)
        ret[0] = '\0';
    ret[size - 1] = '\0';
}

static void compile_info(struct xc *xc, struct xc_version *v)
{
    struct xen_compile_info info = { .compiler = "" };

    if (xc_hypercall_arg(xc, __HYPERVISOR_xen_version, XENVER_compile_info,
                         &info, sizeof(info)) < 0)
        return;
    snprintf(v->compiler, sizeof(v->compiler), "%.63s", info.compiler);
    snprintf(v->compile_by, sizeof(v->compile_by), "%.15s", info.compile_by);
    snprintf(v->compile_domain, sizeof(v->compile_domain), "%.31s",
             info.compile_domain);
    snprintf(v->compile_date, sizeof(v->compile_date), "%.31s",
             info.compile_date);
}

static void build_id(struct xc *xc, struct xc_version *v)
{
    union {
        xen_build_id_t id;
        unsigned char raw[sizeof(xen_build_id_t) + 32];
    } u = { .id.len = 32 };
    long n = xc_hypercall_arg(xc, __HYPERVISOR_xen_version, XENVER_build_id,
                              &u, sizeof(u));

    for (long i = 0; i < n && i < 32; i++)
        snprintf(v->build_id + 2 * i, 3, "%02x", u.id.buf[i]);
}

int xc_version(struct xc *xc, struct xc_version *ret_version)
{
    struct xen_platform_parameters params = { 0 };
    struct xc_version *v = ret_version;
    long rc;

    rc = xc_hypercall(xc, __HYPERVISOR_xen_version, XENVER_version, 0, 0, 0);
    if (rc < 0)
        return (int)rc;
    memset(v, 0, sizeof(*v));
    v->major = (unsigned int)rc >> 16;
    v->minor = (unsigned int)rc & 0xffff;
    version_text(xc, XENVER_extraversion, v->extra, sizeof(v->extra));
    version_text(xc, XENVER_capabilities, v->capabilities,
                 sizeof(v->capabilities));
    version_text(xc, XENVER_changeset, v->changeset, sizeof(v->changeset));
    version_text(xc, XENVER_commandline, v->commandline,
                 sizeof(v->commandline));
    compile_info(xc, v);
    build_id(xc, v);
    if (xc_hypercall_arg(xc, __HYPERVISOR_xen_version,
                         XENVER_platform_parameters, &params,
                         sizeof(params)) >= 0)
        v->virt_start = params.virt_start;
    rc = xc_hypercall(xc, __HYPERVISOR_xen_version, XENVER_pagesize, 0, 0, 0);
    v->pagesize = rc > 0 ? (unsigned int)rc : XC_PAGE_SIZE;
    return 0;
}
