/*
 * HYPERVISOR_grant_table_op: the table of operations.  The dispatcher copies
 * arguments in and, with the status, out.
 */
#include "grant/private.h"
#include "domain/domain.h"
#include "mm/guest_copy.h"
#include "x86/percpu.h"
#include "x86/tlb.h"

/* The domain that an operation names, if the caller may act on it, with a
 * reference. GNTST_*. */
static int target_get(domid_t id, struct domain **ret_d)
{
    int rc = domain_get_managed(id, ret_d);

    return !rc ? GNTST_okay : rc == -ESRCH ? GNTST_bad_domain
                                           : GNTST_permission_denied;
}

static int op_setup_table(struct grant_call *c)
{
    struct domain *d;
    int status = target_get(c->setup.dom, &d);
    xen_pfn_t mfn;

    if (status)
        return status;
    if (c->setup.nr_frames > d->grant.max_frames)
        status = GNTST_general_error;
    for (unsigned int i = 0; !status && i < c->setup.nr_frames; i++) {
        mfn = grant_shared_frame(d, i);
        if (mfn == INVALID_MFN)
            status = GNTST_general_error;
        else if (copy_to_guest(c->setup.frame_list.p + i, &mfn, sizeof(mfn)))
            status = GNTST_bad_virt_addr;
    }
    domain_put(d);
    return status;
}

static int op_query_size(struct grant_call *c)
{
    struct domain *d;
    int status = target_get(c->size.dom, &d);

    if (status)
        return status;
    c->size.nr_frames = d->grant.nr_frames;
    c->size.max_nr_frames = d->grant.max_frames;
    domain_put(d);
    return GNTST_okay;
}

#define NO_STATUS 0xff

static const struct row {
    int (*fn)(struct grant_call *c);
    uint8_t size, status;            /* of an argument; where in it, or
                                        NO_STATUS: fn's is the call's result */
    uint8_t results;                 /* what goes back begins here */
    bool single;                     /* no array of them */
} rows[] = {
#define ROW(op, fn, type, results, single)                                  \
    [GNTTABOP_##op] = { fn, sizeof(struct type),                            \
        offsetof(struct type, status), offsetof(struct type, results), single }
    ROW(map_grant_ref, grant_map, gnttab_map_grant_ref, status, false),
    ROW(unmap_grant_ref, grant_unmap, gnttab_unmap_grant_ref, status, false),
    ROW(copy, grant_copy, gnttab_copy, status, false),
    ROW(swap_grant_ref, grant_swap, gnttab_swap_grant_ref, status, false),
    ROW(setup_table, op_setup_table, gnttab_setup_table, status, true),
    ROW(query_size, op_query_size, gnttab_query_size, nr_frames, true),
    [GNTTABOP_cache_flush] = { grant_cache_flush,
        sizeof(struct gnttab_cache_flush), .status = NO_STATUS },
};

/* Up to GRANT_BATCH elements of an array, then the end of mappings removed by
 * them: no CPU may use those any more. */
static int run_some(const struct row *r, char __guest *uop, unsigned int n)
{
    struct grant_call c;
    int rc = 0, status;

    for (c.nr_ended = 0; !rc && n--; uop += r->size) {
        if (copy_from_guest(&c, uop, r->size)) {
            rc = -EFAULT;
            break;
        }
        status = r->fn(&c);
        if (r->status == NO_STATUS) {
            rc = status;
            continue;
        }
        *(int16_t *)((char *)&c + r->status) = status;
        if (copy_to_guest(uop + r->results, (char *)&c + r->results,
                          r->size - r->results))
            rc = -EFAULT;
    }
    if (c.nr_ended)
        tlb_flush_mask(current->domain->dirty_cpus, FLUSH_ALL);
    while (c.nr_ended)
        grant_unmap_end(c.ended[--c.nr_ended]);
    return rc;
}

static int set_version(void __guest *uop)
{
    struct gnttab_set_version op;

    if (copy_from_guest(&op, uop, sizeof(op)))
        return -EFAULT;
    /* Version 2: as if there were no such call. */
    return op.version == 1 ? 0 : op.version == 2 ? -ENOSYS : -EINVAL;
}

long do_grant_table_op(unsigned int cmd, char __guest *uop, unsigned int count)
{
    const struct row *r = &rows[cmd];
    unsigned int n;
    int rc;

    if (cmd == GNTTABOP_set_version && count == 1)
        return set_version(uop);
    if (cmd == GNTTABOP_transfer)
        return -EOPNOTSUPP;          /* as Xen, told so by gnttab= */
    if (cmd >= ARRAY_SIZE(rows) || !r->fn)
        return -ENOSYS;
    if ((int)count < 0 || (r->single && count != 1))
        return -EINVAL;
    while (count) {
        n = r->status == NO_STATUS ? 1 : MIN(count, GRANT_BATCH);
        rc = run_some(r, uop, n);
        if (rc)
            return rc;
        uop += n * r->size;
        count -= n;
        if (count && hypercall_should_yield())
            return hypercall_again(3, (unsigned long)cmd, uop,
                                   (unsigned long)count);
    }
    return 0;
}
