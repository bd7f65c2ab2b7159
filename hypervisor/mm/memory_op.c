/*
 * HYPERVISOR_memory_op: the table, questions about memory, and memory maps.
 */
#include "mm/memory_op.h"
#include "domain/domain.h"
#include "domain/rights.h"
#include "drivers/e820.h"
#include "mm/buddy.h"
#include "mm/frame_table.h"
#include "mm/guest_copy.h"
#include "mm/hypercalls.h"
#include "mm/m2p.h"
#include "mm/pagetable.h"
#include "mm/private.h"
#include "x86/percpu.h"

#define M2P_CHUNK       0x200000UL
#define MAX_RESOURCE    32           /* frames in one acquire_resource */

static long op_maximum_ram_page(unsigned int op, unsigned long start,
                                void __guest *arg)
{
    (void)op;
    (void)start;
    (void)arg;
    return max_mfn;
}

static long op_domain_size(unsigned int op, unsigned long start,
                           void __guest *arg)
{
    struct xen_memory_domain q;
    struct domain *d;
    long rc;

    (void)start;
    if (copy_from_guest(&q, arg, sizeof(q)))
        return -EFAULT;
    rc = domain_get_owner(q.domid, &d);
    if (rc)
        return rc;
    if (op == XENMEM_current_reservation)
        rc = d->mm.nr_frames;
    else if (op == XENMEM_maximum_reservation)
        rc = MIN(d->mm.max_frames, 0xffffffffUL);
    else if (d->shared)              /* PV guests give a number, not a pfn */
        rc = (READ_ONCE(d->shared->arch.max_pfn) ?: 1) - 1;
    domain_put(d);
    return rc;
}

static long op_machphys_mapping(unsigned int op, unsigned long start,
                                void __guest *arg)
{
    struct xen_machphys_mapping m = {
        .v_start = RO_M2P_START, .v_end = RO_M2P_END, .max_mfn = max_mfn,
    };

    (void)op;
    (void)start;
    return copy_to_guest(arg, &m, sizeof(m));
}

static long op_machphys_mfn_list(unsigned int op, unsigned long start,
                                 void __guest *arg)
{
    unsigned long size = (max_mfn + 1) * sizeof(unsigned long);
    struct xen_machphys_mfn_list l;
    unsigned int n;

    (void)op;
    (void)start;
    if (copy_from_guest(&l, arg, sizeof(l)))
        return -EFAULT;
    for (n = 0; n < l.max_extents && n * M2P_CHUNK < size; n++) {
        xen_pfn_t mfn = hv_mfn_of(RW_M2P_START + n * M2P_CHUNK);

        if (copy_to_guest((xen_pfn_t __guest *)l.extent_start.p + n, &mfn,
                          sizeof(mfn)))
            return -EFAULT;
    }
    l.nr_extents = n;
    return copy_field_to_guest(arg, &l, nr_extents);
}

static long op_memory_map(unsigned int op, unsigned long start,
                          void __guest *arg)
{
    struct domain *d = current->domain;
    struct xen_memory_map m;
    long rc;

    (void)op;
    (void)start;
    if (copy_from_guest(&m, arg, sizeof(m)))
        return -EFAULT;
    spin_lock(&d->lock);
    m.nr_entries = MIN(m.nr_entries, d->nr_e820);
    rc = d->nr_e820 ? copy_to_guest(m.buffer.p, d->e820,
                                    m.nr_entries * sizeof(*d->e820))
                    : -ENOSYS;
    spin_unlock(&d->lock);
    return rc ? rc : copy_to_guest(arg, &m, sizeof(m));
}

static long op_machine_memory_map(unsigned int op, unsigned long start,
                                  void __guest *arg)
{
    struct xen_memory_map m;

    (void)op;
    (void)start;
    if (!may_control(current->domain))
        return -EPERM;
    if (copy_from_guest(&m, arg, sizeof(m)))
        return -EFAULT;
    m.nr_entries = MIN(m.nr_entries, machine_e820.nr);
    if (copy_to_guest(m.buffer.p, machine_e820.e,
                      m.nr_entries * sizeof(machine_e820.e[0])))
        return -EFAULT;
    return copy_to_guest(arg, &m, sizeof(m));
}

static long op_set_memory_map(unsigned int op, unsigned long start,
                              void __guest *arg)
{
    struct xen_foreign_memory_map m;
    struct e820_entry *map, *old;
    struct domain *d;
    long rc;

    (void)op;
    (void)start;
    if (copy_from_guest(&m, arg, sizeof(m)))
        return -EFAULT;
    if (!m.map.nr_entries || m.map.nr_entries > E820_MAX)
        return -EINVAL;
    rc = domain_get_owner(m.domid, &d);
    if (rc)
        return rc;
    old = map = kzalloc(m.map.nr_entries * sizeof(*map));
    if (!map)
        rc = -ENOMEM;
    else
        rc = copy_from_guest(map, m.map.buffer.p,
                             m.map.nr_entries * sizeof(*map));
    if (!rc) {
        spin_lock(&d->lock);
        old = d->e820;
        d->e820 = map;
        d->nr_e820 = m.map.nr_entries;
        spin_unlock(&d->lock);
    }
    kfree(old);
    domain_put(d);
    return rc;
}

static long op_claim_pages(unsigned int op, unsigned long start,
                           void __guest *arg)
{
    struct xen_memory_reservation r;
    struct domain *d;
    long rc;

    (void)op;
    (void)start;
    if (!may_control(current->domain))
        return -EPERM;
    if (copy_from_guest(&r, arg, sizeof(r)))
        return -EFAULT;
    if (r.extent_start.p || r.extent_order || r.mem_flags)
        return -EINVAL;
    rc = domain_get_owner(r.domid, &d);
    if (rc)
        return rc;
    rc = domain_claim(d, r.nr_extents);
    domain_put(d);
    return rc;
}

static long acquire_grant_frames(struct domain *d,
                                 struct xen_mem_acquire_resource *r)
{
    xen_pfn_t __guest *list = (xen_pfn_t __guest *)r->frame_list.p;
    unsigned int i;
    mfn_t mfn;
    int rc = 0;

    if (r->id != XENMEM_resource_grant_table_id_shared)
        return -EINVAL;
    if (!list) {
        if (r->nr_frames)
            return -EINVAL;
        r->nr_frames = d->grant.max_frames;
        return 0;
    }
    if (r->nr_frames > MAX_RESOURCE)
        return -E2BIG;
    if (r->frame > d->grant.max_frames ||
        r->nr_frames > d->grant.max_frames - r->frame)
        return -EINVAL;
    for (i = 0; !rc && i < r->nr_frames; i++) {
        rc = grant_shared_frame(d, r->frame + i, &mfn);
        if (!rc)
            rc = copy_to_guest(&list[i], &(xen_pfn_t){ mfn }, sizeof(*list));
    }
    return rc;
}

static long op_acquire_resource(unsigned int op, unsigned long start,
                                void __guest *arg)
{
    struct xen_mem_acquire_resource r;
    struct domain *d;
    long rc;

    (void)op;
    (void)start;
    if (!may_control(current->domain))
        return -EPERM;
    if (copy_from_guest(&r, arg, sizeof(r)))
        return -EFAULT;
    if (r.pad)
        return -EINVAL;
    d = domain_get_by_id(r.domid);
    if (!d)
        return -ESRCH;
    rc = r.type == XENMEM_resource_grant_table ? acquire_grant_frames(d, &r)
                                               : -EOPNOTSUPP;
    domain_put(d);
    if (!rc)
        rc = copy_field_to_guest(arg, &r, nr_frames);
    return rc;
}

/* A PV guest keeps its own physmap. */
static long op_add_to_physmap(unsigned int op, unsigned long start,
                              void __guest *arg)
{
    (void)op;
    (void)start;
    (void)arg;
    return -EACCES;
}

static long op_remove_from_physmap(unsigned int op, unsigned long start,
                                   void __guest *arg)
{
    struct xen_remove_from_physmap r;
    struct page_info *pg;
    struct domain *d;
    long rc;

    (void)op;
    (void)start;
    if (copy_from_guest(&r, arg, sizeof(r)))
        return -EFAULT;
    rc = domain_get_owner(r.domid, &d);
    if (rc)
        return rc;
    pg = page_get_mfn(r.gpfn, d);
    if (pg)
        page_put(pg);
    domain_put(d);
    return pg ? 0 : -ENOENT;
}

static long op_none_shared(unsigned int op, unsigned long start,
                           void __guest *arg)
{
    (void)op;
    (void)start;
    (void)arg;
    return 0;
}

static long op_no_vnuma(unsigned int op, unsigned long start,
                        void __guest *arg)
{
    (void)op;
    (void)start;
    (void)arg;
    return -EOPNOTSUPP;
}

static memory_op_fn *const ops[] = {
    [XENMEM_increase_reservation] = op_reservation,
    [XENMEM_decrease_reservation] = op_reservation,
    [XENMEM_populate_physmap] = op_reservation,
    [XENMEM_exchange] = op_exchange,
    [XENMEM_maximum_ram_page] = op_maximum_ram_page,
    [XENMEM_current_reservation] = op_domain_size,
    [XENMEM_maximum_reservation] = op_domain_size,
    [XENMEM_maximum_gpfn] = op_domain_size,
    [XENMEM_machphys_mapping] = op_machphys_mapping,
    [XENMEM_machphys_mfn_list] = op_machphys_mfn_list,
    [XENMEM_memory_map] = op_memory_map,
    [XENMEM_machine_memory_map] = op_machine_memory_map,
    [XENMEM_set_memory_map] = op_set_memory_map,
    [XENMEM_claim_pages] = op_claim_pages,
    [XENMEM_acquire_resource] = op_acquire_resource,
    [XENMEM_add_to_physmap] = op_add_to_physmap,
    [XENMEM_add_to_physmap_batch] = op_add_to_physmap,
    [XENMEM_remove_from_physmap] = op_remove_from_physmap,
    [XENMEM_get_sharing_freed_pages] = op_none_shared,
    [XENMEM_get_sharing_shared_pages] = op_none_shared,
    [XENMEM_get_vnumainfo] = op_no_vnuma,
};

long do_memory_op(unsigned long cmd, void __guest *arg)
{
    unsigned int op = cmd & ((1 << MEMOP_EXTENT_SHIFT) - 1);
    unsigned long start = cmd >> MEMOP_EXTENT_SHIFT;

    if (op >= ARRAY_SIZE(ops) || !ops[op])
        return -ENOSYS;
    if (start && ops[op] != op_reservation)
        return -EINVAL;
    return ops[op](op, start, arg);
}
