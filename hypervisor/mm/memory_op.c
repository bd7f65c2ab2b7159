/*
 * HYPERVISOR_memory_op: the table, questions about memory, and memory maps.
 */
#include "domain/domain.h"
#include "drivers/e820.h"
#include "lib/string.h"
#include "mm/buddy.h"
#include "mm/frame_table.h"
#include "mm/guest_copy.h"
#include "mm/hypercalls.h"
#include "mm/pagetable.h"
#include "mm/private.h"
#include "x86/percpu.h"

#define M2P_CHUNK       0x200000UL
#define MAX_RESOURCE    32           /* frames in one acquire_resource */

union args {
    struct xen_memory_domain domain;
    struct xen_machphys_mapping mapping;
    struct xen_machphys_mfn_list list;
    struct xen_memory_map map;
    struct xen_foreign_memory_map foreign_map;
    struct xen_memory_reservation reservation;
    struct xen_mem_acquire_resource resource;
    struct xen_remove_from_physmap remove;
};

static long op_maximum_ram_page(union args *a, struct domain *d)
{
    (void)a;
    (void)d;
    return max_mfn;
}

static long op_current_reservation(union args *a, struct domain *d)
{
    (void)a;
    return d->mm.nr_frames;
}

static long op_maximum_reservation(union args *a, struct domain *d)
{
    (void)a;
    return MIN(d->mm.max_frames, 0xffffffffUL);
}

/* PV guests leave a number there, not the highest pfn. */
static long op_maximum_gpfn(union args *a, struct domain *d)
{
    (void)a;
    return d->shared ? (READ_ONCE(d->shared->arch.max_pfn) ?: 1) - 1 : 0;
}

static long op_machphys_mapping(union args *a, struct domain *d)
{
    (void)d;
    a->mapping = (struct xen_machphys_mapping){
        .v_start = RO_M2P_START, .v_end = RO_M2P_END, .max_mfn = max_mfn };
    return 0;
}

static long op_machphys_mfn_list(union args *a, struct domain *d)
{
    unsigned long size = (max_mfn + 1) * sizeof(unsigned long);
    xen_pfn_t __guest *list = (xen_pfn_t __guest *)a->list.extent_start.p, mfn;
    unsigned int n;

    (void)d;
    for (n = 0; n < a->list.max_extents && n * M2P_CHUNK < size; n++) {
        mfn = hv_mfn_of(RW_M2P_START + n * M2P_CHUNK);
        if (copy_to_guest(&list[n], &mfn, sizeof(mfn)))
            return -EFAULT;
    }
    a->list.nr_extents = n;
    return 0;
}

static long op_memory_map(union args *a, struct domain *d)
{
    long rc = -ENOSYS;

    spin_lock(&d->lock);
    a->map.nr_entries = MIN(a->map.nr_entries, d->nr_e820);
    if (d->nr_e820)
        rc = copy_to_guest(a->map.buffer.p, d->e820,
                           a->map.nr_entries * sizeof(*d->e820));
    spin_unlock(&d->lock);
    return rc;
}

static long op_machine_memory_map(union args *a, struct domain *d)
{
    (void)d;
    a->map.nr_entries = MIN(a->map.nr_entries, machine_e820.nr);
    return copy_to_guest(a->map.buffer.p, machine_e820.e,
                         a->map.nr_entries * sizeof(machine_e820.e[0]));
}

static long op_set_memory_map(union args *a, struct domain *d)
{
    unsigned int n = a->foreign_map.map.nr_entries;
    struct e820_entry *map, *old;

    if (!n || n > E820_MAX)
        return -EINVAL;
    map = kzalloc(n * sizeof(*map));
    if (!map)
        return -ENOMEM;
    if (copy_from_guest(map, a->foreign_map.map.buffer.p, n * sizeof(*map))) {
        kfree(map);
        return -EFAULT;
    }
    spin_lock(&d->lock);
    old = d->e820;
    d->e820 = map;
    d->nr_e820 = n;
    spin_unlock(&d->lock);
    kfree(old);
    return 0;
}

static long op_claim_pages(union args *a, struct domain *d)
{
    const struct xen_memory_reservation *r = &a->reservation;

    if (r->extent_start.p || r->extent_order || r->mem_flags)
        return -EINVAL;
    return domain_claim(d, r->nr_extents);
}

static long op_acquire_resource(union args *a, struct domain *d)
{
    struct xen_mem_acquire_resource *r = &a->resource;
    xen_pfn_t __guest *list = (xen_pfn_t __guest *)r->frame_list.p;
    unsigned int i, max = d->grant.max_frames;
    mfn_t mfn;
    int rc = 0;

    if (r->type != XENMEM_resource_grant_table)
        return -EOPNOTSUPP;
    if (r->pad || r->id != XENMEM_resource_grant_table_id_shared)
        return -EINVAL;
    if (!list && !r->nr_frames) {
        r->nr_frames = max;          /* a question */
        return 0;
    }
    if (r->nr_frames > MAX_RESOURCE)
        return -E2BIG;
    if (!list || r->frame > max || r->nr_frames > max - r->frame)
        return -EINVAL;
    for (i = 0; !rc && i < r->nr_frames; i++) {
        rc = grant_shared_frame(d, r->frame + i, &mfn);
        if (!rc)
            rc = copy_to_guest(&list[i], &(xen_pfn_t){ mfn }, sizeof(*list));
    }
    return rc;
}

/* A PV guest keeps its own physmap: nothing to remove, if it is there. */
static long op_remove_from_physmap(union args *a, struct domain *d)
{
    struct page_info *pg = page_get_mfn(a->remove.gpfn, d);

    if (!pg)
        return -ENOENT;
    page_put(pg);
    return 0;
}

/*
 * size: of the argument, copied in, and back with `out`.  domid: where in it
 * the domain is named, which the caller may manage; -1: the caller itself.
 * control: only for who may control others.  Without fn: result.
 */
static const struct row {
    long (*fn)(union args *a, struct domain *d);
    uint8_t size;
    int8_t domid;
    bool control, out;
    int8_t result;
} rows[] = {
#define ARG(t)     sizeof(struct t), -1
#define ARG_DOM(t) sizeof(struct t), offsetof(struct t, domid)
    [XENMEM_maximum_ram_page] = { op_maximum_ram_page, 0, -1, 0, 0, 0 },
    [XENMEM_current_reservation] = { op_current_reservation,
        ARG_DOM(xen_memory_domain), 0, 0, 0 },
    [XENMEM_maximum_reservation] = { op_maximum_reservation,
        ARG_DOM(xen_memory_domain), 0, 0, 0 },
    [XENMEM_maximum_gpfn] = { op_maximum_gpfn,
        ARG_DOM(xen_memory_domain), 0, 0, 0 },
    [XENMEM_machphys_mapping] = { op_machphys_mapping,
        ARG(xen_machphys_mapping), 0, 1, 0 },
    [XENMEM_machphys_mfn_list] = { op_machphys_mfn_list,
        ARG(xen_machphys_mfn_list), 0, 1, 0 },
    [XENMEM_memory_map] = { op_memory_map, ARG(xen_memory_map), 0, 1, 0 },
    [XENMEM_machine_memory_map] = { op_machine_memory_map,
        ARG(xen_memory_map), 1, 1, 0 },
    [XENMEM_set_memory_map] = { op_set_memory_map,
        ARG_DOM(xen_foreign_memory_map), 0, 0, 0 },
    [XENMEM_claim_pages] = { op_claim_pages,
        ARG_DOM(xen_memory_reservation), 1, 0, 0 },
    [XENMEM_acquire_resource] = { op_acquire_resource,
        ARG_DOM(xen_mem_acquire_resource), 1, 1, 0 },
    [XENMEM_remove_from_physmap] = { op_remove_from_physmap,
        ARG_DOM(xen_remove_from_physmap), 0, 0, 0 },
    [XENMEM_add_to_physmap] = { .result = -EACCES },
    [XENMEM_add_to_physmap_batch] = { .result = -EACCES },
    [XENMEM_get_vnumainfo] = { .result = -EOPNOTSUPP },
    [XENMEM_get_sharing_freed_pages] = { .out = true },
    [XENMEM_get_sharing_shared_pages] = { .out = true },
};

static long run_row(const struct row *r, void __guest *arg)
{
    struct domain *d = current->domain;
    union args a;
    domid_t id;
    long rc;

    if (!r->fn)
        return r->result || r->out ? r->result : -ENOSYS;
    if (r->control && !d->privileged)
        return -EPERM;
    if (copy_from_guest(&a, arg, r->size))
        return -EFAULT;
    if (r->domid >= 0) {
        memcpy(&id, (char *)&a + r->domid, sizeof(id));
        rc = owner_get(id, &d);
        if (rc)
            return rc;
    }
    rc = r->fn(&a, d);
    owner_put(d);
    return !rc && r->out ? copy_to_guest(arg, &a, r->size) : rc;
}

long do_memory_op(unsigned long cmd, void __guest *arg)
{
    unsigned int op = cmd & ((1 << MEMOP_EXTENT_SHIFT) - 1);
    unsigned long start = cmd >> MEMOP_EXTENT_SHIFT;

    if (op == XENMEM_populate_physmap || op == XENMEM_increase_reservation ||
        op == XENMEM_decrease_reservation)
        return op_reservation(op, start, arg);
    if (start)
        return -EINVAL;
    if (op == XENMEM_exchange)
        return op_exchange(arg);
    return op < ARRAY_SIZE(rows) ? run_row(&rows[op], arg) : -ENOSYS;
}
