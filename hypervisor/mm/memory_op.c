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

static int op_machphys_mfn_list(struct xen_machphys_mfn_list *l)
{
    unsigned long size = (max_mfn + 1) * sizeof(unsigned long);
    xen_pfn_t __guest *list = (xen_pfn_t __guest *)l->extent_start.p, mfn;
    unsigned int n;

    for (n = 0; n < l->max_extents && n * M2P_CHUNK < size; n++) {
        mfn = pte_mfn(*hv_entry_at(mfn_to_virt(idle_root), 4,
                                   RW_M2P_START + n * M2P_CHUNK, 2, 0));
        if (copy_to_guest(&list[n], &mfn, sizeof(mfn)))
            return -EFAULT;
    }
    l->nr_extents = n;
    return 0;
}

static int report_map(struct xen_memory_map *map, const struct e820_entry *e,
                      unsigned int nr)
{
    map->nr_entries = MIN(map->nr_entries, nr);
    return copy_to_guest(map->buffer.p, e, map->nr_entries * sizeof(*e));
}

static int op_memory_map(struct xen_memory_map *map, struct domain *d)
{
    int rc;

    spin_lock(&d->lock);
    rc = d->nr_e820 ? report_map(map, d->e820, d->nr_e820) : -ENOSYS;
    spin_unlock(&d->lock);
    return rc;
}

static int op_set_memory_map(const struct xen_memory_map *arg, struct domain *d)
{
    unsigned int n = arg->nr_entries;
    struct e820_entry *map, *old;

    if (!n || n > E820_MAX)
        return -EINVAL;
    map = kzalloc(n * sizeof(*map));
    if (!map)
        return -ENOMEM;
    if (copy_from_guest(map, arg->buffer.p, n * sizeof(*map))) {
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

static int op_acquire_resource(struct xen_mem_acquire_resource *r,
                               struct domain *d)
{
    xen_pfn_t __guest *list = (xen_pfn_t __guest *)r->frame_list.p;
    unsigned int i, max = d->grant.max_frames;
    xen_pfn_t mfn;

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
    for (i = 0; i < r->nr_frames; i++) {
        mfn = grant_shared_frame(d, r->frame + i);
        if (mfn == INVALID_MFN)
            return -ENOMEM;
        if (copy_to_guest(&list[i], &mfn, sizeof(mfn)))
            return -EFAULT;
    }
    return 0;
}

union args {
    struct xen_memory_domain domain;
    struct xen_machphys_mapping mapping;
    struct xen_machphys_mfn_list list;
    struct xen_memory_map map;
    struct xen_foreign_memory_map foreign_map;
    struct xen_memory_reservation reservation;
    struct xen_mem_acquire_resource resource;
};

/* d: whom the argument names, else the caller. */
static long act(unsigned int op, union args *a, struct domain *d)
{
    switch (op) {
    case XENMEM_maximum_ram_page:         return max_mfn;
    case XENMEM_current_reservation:      return d->mm.nr_frames;
    case XENMEM_maximum_reservation:
        return MIN(d->mm.max_frames, 0xffffffffUL);
    case XENMEM_maximum_gpfn:        /* PV guests leave a number there */
        return d->shared ? (READ_ONCE(d->shared->arch.max_pfn) ?: 1) - 1 : 0;
    case XENMEM_machphys_mapping:
        a->mapping = (struct xen_machphys_mapping){
            .v_start = RO_M2P_START, .v_end = RO_M2P_END, .max_mfn = max_mfn };
        return 0;
    case XENMEM_machphys_mfn_list:        return op_machphys_mfn_list(&a->list);
    case XENMEM_memory_map:               return op_memory_map(&a->map, d);
    case XENMEM_machine_memory_map:
        return report_map(&a->map, machine_e820.e, machine_e820.nr);
    case XENMEM_set_memory_map:
        return op_set_memory_map(&a->foreign_map.map, d);
    case XENMEM_claim_pages:
        if (a->reservation.extent_start.p || a->reservation.extent_order ||
            a->reservation.mem_flags)
            return -EINVAL;
        return domain_claim(d, a->reservation.nr_extents);
    case XENMEM_acquire_resource:
        return op_acquire_resource(&a->resource, d);
    case XENMEM_get_sharing_freed_pages:
    case XENMEM_get_sharing_shared_pages: return 0;
    case XENMEM_get_vnumainfo:            return -EOPNOTSUPP;
    default:                              return -ENOSYS;
    }
}

/*
 * Arguments that are structures: copied in, and back with `out`.  control:
 * only for who may control others.  domid: behind where in it the domain is
 * named, which the caller may manage; 0: nowhere.
 */
static const struct row {
    uint8_t size, domid;
    bool control, out;
} rows[] = {
#define ROW(op, type, control, out) \
    [XENMEM_##op] = { sizeof(struct type), 0, control, out }
#define ROW_DOM(op, type, control, out) \
    [XENMEM_##op] = { sizeof(struct type), offsetof(struct type, domid) + 1, \
                      control, out }
    ROW_DOM(current_reservation, xen_memory_domain, false, false),
    ROW_DOM(maximum_reservation, xen_memory_domain, false, false),
    ROW_DOM(maximum_gpfn, xen_memory_domain, false, false),
    ROW(machphys_mapping, xen_machphys_mapping, false, true),
    ROW(machphys_mfn_list, xen_machphys_mfn_list, false, true),
    ROW(memory_map, xen_memory_map, false, true),
    ROW(machine_memory_map, xen_memory_map, true, true),
    ROW_DOM(set_memory_map, xen_foreign_memory_map, false, false),
    ROW_DOM(claim_pages, xen_memory_reservation, true, false),
    ROW_DOM(acquire_resource, xen_mem_acquire_resource, true, true),
};

static long run(unsigned int op, void __guest *arg)
{
    static const struct row none;
    const struct row *r = op < ARRAY_SIZE(rows) ? &rows[op] : &none;
    struct domain *d = current->domain;
    union args a;
    domid_t id;
    long rc;

    if (r->control && !d->privileged)
        return -EPERM;
    if (r->size && copy_from_guest(&a, arg, r->size))
        return -EFAULT;
    if (r->domid) {
        memcpy(&id, (char *)&a + r->domid - 1, sizeof(id));
        rc = owner_get(id, &d);
        if (rc)
            return rc;
    }
    rc = act(op, &a, d);
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
    return run(op, arg);
}
