/*
 * HYPERVISOR_grant_table_op.
 */
#include "grant/table.h"
#include "grant/private.h"
#include "domain/domain.h"
#include "mm/frame_table.h"
#include "mm/guest_copy.h"
#include "x86/percpu.h"
#include "x86/tlb.h"

struct domain *grant_target(domid_t id, int16_t *ret_status)
{
    struct domain *d = NULL;
    int rc = domain_get_managed(id, &d);

    if (rc)
        *ret_status = rc == -ESRCH ? GNTST_bad_domain : GNTST_permission_denied;
    return d;
}

/*
 * The operations on arrays: work on the elements at uop, at most GRANT_BATCH
 * of them.  The number done, or an error.
 */
typedef long batch_fn(void __guest *uop, unsigned int n);

static long batch_map(void __guest *uop, unsigned int n)
{
    struct gnttab_map_grant_ref __guest *u = uop, op;

    for (unsigned int i = 0; i < n; i++) {
        if (copy_from_guest(&op, &u[i], sizeof(op)))
            return -EFAULT;
        grant_map_one(&op);
        if (copy_to_guest(&u[i], &op, sizeof(op)))
            return -EFAULT;
    }
    return n;
}

/* After removals of mappings: no CPU may use them any more. */
static void finish_unmaps(struct grant_unmap *u, unsigned int n)
{
    if (n)
        tlb_flush_mask(current->domain->dirty_cpus, FLUSH_ALL);
    for (unsigned int i = 0; i < n; i++)
        grant_unmap_end(&u[i]);
}

static long batch_unmap(void __guest *uop, unsigned int n)
{
    struct gnttab_unmap_grant_ref __guest *u = uop, op;
    struct grant_unmap todo[GRANT_BATCH];
    long rc = n;
    unsigned int i;

    for (i = 0; i < n && rc > 0; i++) {
        todo[i].rd = NULL;
        if (copy_from_guest(&op, &u[i], sizeof(op))) {
            rc = -EFAULT;
            break;
        }
        todo[i] = (struct grant_unmap){ .host_addr = op.host_addr,
                                        .dev_bus_addr = op.dev_bus_addr,
                                        .handle = op.handle };
        op.status = grant_unmap_begin(&todo[i]);
        if (copy_field_to_guest(&u[i], &op, status))
            rc = -EFAULT;
    }
    finish_unmaps(todo, i);
    return rc;
}

static long batch_copy(void __guest *uop, unsigned int n)
{
    struct gnttab_copy __guest *u = uop, op;

    for (unsigned int i = 0; i < n; i++) {
        if (copy_from_guest(&op, &u[i], sizeof(op)))
            return -EFAULT;
        grant_copy_one(&op);
        if (copy_field_to_guest(&u[i], &op, status))
            return -EFAULT;
    }
    return n;
}

static long batch_swap(void __guest *uop, unsigned int n)
{
    struct gnttab_swap_grant_ref __guest *u = uop, op;

    for (unsigned int i = 0; i < n; i++) {
        if (copy_from_guest(&op, &u[i], sizeof(op)))
            return -EFAULT;
        op.status = grant_swap(current->domain, op.ref_a, op.ref_b);
        if (copy_field_to_guest(&u[i], &op, status))
            return -EFAULT;
    }
    return n;
}

static const struct {
    batch_fn *fn;
    size_t size;
} batch_ops[] = {
    [GNTTABOP_map_grant_ref] = { batch_map, sizeof(gnttab_map_grant_ref_t) },
    [GNTTABOP_unmap_grant_ref] = { batch_unmap,
                                   sizeof(gnttab_unmap_grant_ref_t) },
    [GNTTABOP_copy] = { batch_copy, sizeof(gnttab_copy_t) },
    [GNTTABOP_swap_grant_ref] = { batch_swap, sizeof(gnttab_swap_grant_ref_t) },
};

static long run_batches(unsigned int cmd, char __guest *uop,
                        unsigned int count)
{
    long done;

    while (count) {
        done = batch_ops[cmd].fn(uop, MIN(count, GRANT_BATCH));
        if (done < 0)
            return done;
        uop += done * batch_ops[cmd].size;
        count -= done;
        if (count && hypercall_should_yield())
            return hypercall_again(3, (unsigned long)cmd, uop,
                                   (unsigned long)count);
    }
    return 0;
}

static int16_t setup_table(const struct gnttab_setup_table *op)
{
    int16_t status = GNTST_okay;
    struct domain *d = grant_target(op->dom, &status);
    xen_pfn_t mfn;

    if (!d)
        return status;
    if (grant_grow(d, op->nr_frames))
        status = GNTST_general_error;
    for (unsigned int i = 0; !status && i < op->nr_frames; i++) {
        mfn = virt_to_mfn(d->grant.frames[i]);
        if (copy_to_guest(op->frame_list.p + i, &mfn, sizeof(mfn)))
            status = GNTST_bad_virt_addr;
    }
    domain_put(d);
    return status;
}

static long op_setup_table(void __guest *uop)
{
    struct gnttab_setup_table op;

    if (copy_from_guest(&op, uop, sizeof(op)))
        return -EFAULT;
    op.status = setup_table(&op);
    return copy_field_to_guest((struct gnttab_setup_table __guest *)uop, &op,
                               status) ? -EFAULT : 0;
}

static long op_query_size(void __guest *uop)
{
    struct gnttab_query_size op;
    struct domain *d;

    if (copy_from_guest(&op, uop, sizeof(op)))
        return -EFAULT;
    d = grant_target(op.dom, &op.status);
    if (d) {
        op.nr_frames = d->grant.nr_frames;
        op.max_nr_frames = d->grant.max_frames;
        op.status = GNTST_okay;
        domain_put(d);
    }
    return copy_to_guest(uop, &op, sizeof(op)) ? -EFAULT : 0;
}

static long op_set_version(void __guest *uop)
{
    struct gnttab_set_version op;

    if (copy_from_guest(&op, uop, sizeof(op)))
        return -EFAULT;
    if (op.version == 2)
        return -ENOSYS;              /* as if there were no such call */
    if (op.version != 1)
        return -EINVAL;
    return copy_to_guest(uop, &op, sizeof(op)) ? -EFAULT : 0;
}

static long op_get_version(void __guest *uop)
{
    struct gnttab_get_version op;
    struct domain *d;
    int16_t status = GNTST_okay;

    if (copy_from_guest(&op, uop, sizeof(op)))
        return -EFAULT;
    d = grant_target(op.dom, &status);
    if (!d)
        return status == GNTST_bad_domain ? -ESRCH : -EPERM;
    domain_put(d);
    op.version = 1;
    return copy_to_guest(uop, &op, sizeof(op)) ? -EFAULT : 0;
}

long do_grant_table_op(unsigned int cmd, void __guest *uop, unsigned int count)
{
    if ((int)count < 0)
        return -EINVAL;
    if (cmd < ARRAY_SIZE(batch_ops) && batch_ops[cmd].fn)
        return run_batches(cmd, uop, count);
    if (count != 1)
        return -EINVAL;
    switch (cmd) {
    case GNTTABOP_setup_table:  return op_setup_table(uop);
    case GNTTABOP_query_size:   return op_query_size(uop);
    case GNTTABOP_set_version:  return op_set_version(uop);
    case GNTTABOP_get_version:  return op_get_version(uop);
    default:                    return -ENOSYS;
    }
}
