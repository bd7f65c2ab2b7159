/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The first grants of a new domain, written into its table from outside: of its
 * rings, for whoever maps these as any back end does.
 */
#include "private.h"

#include <stdatomic.h>
#include <sys/mman.h>

#include <xen/grant_table.h>

/* For hypervisors that refuse to acquire the resource. */
static int map_by_setup(struct xc *xc, uint32_t domid, void **ret_map)
{
    struct gnttab_setup_table op = { .dom = (domid_t)domid, .nr_frames = 1 };
    struct xc_buf buf, frames;
    long rc;

    rc = xc_buf_get(xc, sizeof(op), &buf);
    if (rc)
        return (int)rc;
    rc = xc_buf_get(xc, sizeof(uint64_t), &frames);
    if (rc)
        goto out;
    set_xen_guest_handle(op.frame_list, frames.p);
    memcpy(buf.p, &op, sizeof(op));
    rc = xc_hypercall(xc, __HYPERVISOR_grant_table_op, GNTTABOP_setup_table,
                      (unsigned long)buf.p, 1, 0);
    memcpy(&op, buf.p, sizeof(op));
    if (!rc && op.status != GNTST_okay)
        rc = -EIO;
    if (!rc)
        rc = xc_foreign_map(xc, domid, PROT_READ | PROT_WRITE, frames.p, 1,
                            ret_map);
    xc_buf_put(xc, &frames);
 out:
    xc_buf_put(xc, &buf);
    return (int)rc;
}

static void fill(struct grant_entry_v1 *e, uint32_t domid, uint64_t gfn)
{
    e->domid = (domid_t)domid;
    e->frame = (uint32_t)gfn;
    /* Who sees the flags sees the rest. */
    atomic_thread_fence(memory_order_release);
    *(volatile uint16_t *)&e->flags = GTF_permit_access;
}

int xc_gnttab_seed(struct xc *xc, uint32_t domid, const struct xc_seed *seed)
{
    const struct xc_resource res = {
        .type = XENMEM_resource_grant_table,
        .id = XENMEM_resource_grant_table_id_shared,
        .nr = 1,
    };
    struct grant_entry_v1 *table;
    void *map;
    int rc;

    if (seed->console_gfn > UINT32_MAX || seed->store_gfn > UINT32_MAX)
        return -ERANGE;
    rc = xc_foreign_map_resource(xc, domid, PROT_READ | PROT_WRITE, &res,
                                 &map);
    if (rc)
        rc = map_by_setup(xc, domid, &map);
    if (rc)
        return rc;
    table = map;
    fill(&table[GNTTAB_RESERVED_CONSOLE], seed->console_domid,
         seed->console_gfn);
    fill(&table[GNTTAB_RESERVED_XENSTORE], seed->store_domid,
         seed->store_gfn);
    xc_foreign_unmap(xc, map, 1);
    return 0;
}
