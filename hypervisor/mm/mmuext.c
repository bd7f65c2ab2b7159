/*
 * HYPERVISOR_mmuext_op.
 */
#include "domain/domain.h"
#include "domain/guest_ops.h"
#include "lib/string.h"
#include "mm/frame_table.h"
#include "mm/guest_copy.h"
#include "mm/hypercalls.h"
#include "mm/page_type.h"
#include "mm/private.h"
#include "x86/percpu.h"
#include "x86/smp.h"
#include "x86/tlb.h"

#define LDT_MAX_ENTRIES 8192

/* (o) what one call carries from operation to operation */
struct batch {
    struct domain *owner;            /* of the frames */
    bool flushed;                    /* this CPU, since it was entered */
};

int vcpus_to_cpus(const void __guest *vcpus, cpumask_t *ret_cpus)
{
    struct domain *d = current->domain;
    vcpumask_t mask = 0;
    cpumask_t cpus = 0;

    if (copy_from_guest(&mask, vcpus, (d->max_vcpus + 7) / 8))
        return -EFAULT;
    for (unsigned int i = 0; i < d->max_vcpus; i++)
        if ((mask & BIT(i)) && d->vcpu[i])
            cpus |= BIT(READ_ONCE(d->vcpu[i]->sched.cpu));
    *ret_cpus = cpus & d->dirty_cpus;
    return 0;
}

static int op_pin(const struct mmuext_op *op, struct batch *b)
{
    return page_pin(op->arg1.mfn, PGT_L1 + op->cmd - MMUEXT_PIN_L1_TABLE,
                    b->owner);
}

static int op_unpin(const struct mmuext_op *op, struct batch *b)
{
    return page_unpin(op->arg1.mfn, b->owner);
}

static int op_new_baseptr(const struct mmuext_op *op, struct batch *b)
{
    if (b->owner != current->domain)
        return -EPERM;
    if (!op->arg1.mfn)
        return -EINVAL;
    return root_set(current, 0, op->arg1.mfn, &b->flushed);
}

static int op_new_user_baseptr(const struct mmuext_op *op, struct batch *b)
{
    if (b->owner != current->domain)
        return -EPERM;
    return root_set(current, 1, op->arg1.mfn, &b->flushed);
}

static int op_flush_local(const struct mmuext_op *op, struct batch *b)
{
    bool one = op->cmd == MMUEXT_INVLPG_LOCAL;

    (void)b;
    tlb_flush_local(one ? op->arg1.linear_addr : FLUSH_ALL);
    return 0;
}

static int op_flush_multi(const struct mmuext_op *op, struct batch *b)
{
    cpumask_t cpus;
    int rc = vcpus_to_cpus(op->arg2.vcpumask.p, &cpus);

    (void)b;
    if (!rc)
        tlb_flush_mask(cpus, op->cmd == MMUEXT_INVLPG_MULTI
                             ? op->arg1.linear_addr : FLUSH_ALL);
    return rc;
}

static int op_flush_all(const struct mmuext_op *op, struct batch *b)
{
    (void)b;
    tlb_flush_mask(current->domain->dirty_cpus,
                   op->cmd == MMUEXT_INVLPG_ALL ? op->arg1.linear_addr
                                                : FLUSH_ALL);
    return 0;
}

static void flush_cache(void *data)
{
    (void)data;
    __asm__ volatile("wbinvd" ::: "memory");
}

static int op_flush_cache(const struct mmuext_op *op, struct batch *b)
{
    (void)b;
    if (!current->domain->hardware)
        return -EACCES;
    if (op->cmd == MMUEXT_FLUSH_CACHE)
        flush_cache(NULL);
    else
        smp_call(cpu_online_mask, flush_cache, NULL);
    return 0;
}

static int op_set_ldt(const struct mmuext_op *op, struct batch *b)
{
    unsigned long base = op->arg1.linear_addr;
    unsigned int nr = op->arg2.nr_ents;
    struct vcpu *v = current;

    if (b->owner != v->domain)
        return -EPERM;
    if (nr > LDT_MAX_ENTRIES || (base & ~PAGE_MASK) ||
        !guest_range_ok(base, nr * 8))
        return -EINVAL;
    if (v->pv.ldt_base == base && v->pv.ldt_ents == nr)
        return 0;
    vcpu_unmap_ldt(v);
    v->pv.ldt_base = base;
    v->pv.ldt_ents = nr;
    guest_ops->ldt_load(v);
    return 0;
}

static int op_clear_page(const struct mmuext_op *op, struct batch *b)
{
    struct page_info *pg;
    int rc = page_get_typed(op->arg1.mfn, PGT_WRITABLE, b->owner, &pg);

    if (rc)
        return rc;
    memset(page_to_virt(pg), 0, PAGE_SIZE);
    page_put_typed(pg);
    return 0;
}

static int op_copy_page(const struct mmuext_op *op, struct batch *b)
{
    struct page_info *src = page_get_mfn(op->arg2.src_mfn, b->owner), *dst;
    int rc;

    if (!src)
        return -EINVAL;
    rc = page_get_typed(op->arg1.mfn, PGT_WRITABLE, b->owner, &dst);
    if (!rc) {
        memcpy(page_to_virt(dst), page_to_virt(src), PAGE_SIZE);
        page_put_typed(dst);
    }
    page_put(src);
    return rc;
}

static int op_refuse(const struct mmuext_op *op, struct batch *b)
{
    (void)op;
    (void)b;
    return -EOPNOTSUPP;              /* superpages */
}

static int (*const ops[])(const struct mmuext_op *op, struct batch *b) = {
    [MMUEXT_PIN_L1_TABLE] = op_pin,
    [MMUEXT_PIN_L2_TABLE] = op_pin,
    [MMUEXT_PIN_L3_TABLE] = op_pin,
    [MMUEXT_PIN_L4_TABLE] = op_pin,
    [MMUEXT_UNPIN_TABLE] = op_unpin,
    [MMUEXT_NEW_BASEPTR] = op_new_baseptr,
    [MMUEXT_TLB_FLUSH_LOCAL] = op_flush_local,
    [MMUEXT_INVLPG_LOCAL] = op_flush_local,
    [MMUEXT_TLB_FLUSH_MULTI] = op_flush_multi,
    [MMUEXT_INVLPG_MULTI] = op_flush_multi,
    [MMUEXT_TLB_FLUSH_ALL] = op_flush_all,
    [MMUEXT_INVLPG_ALL] = op_flush_all,
    [MMUEXT_FLUSH_CACHE] = op_flush_cache,
    [MMUEXT_SET_LDT] = op_set_ldt,
    [MMUEXT_NEW_USER_BASEPTR] = op_new_user_baseptr,
    [MMUEXT_CLEAR_PAGE] = op_clear_page,
    [MMUEXT_COPY_PAGE] = op_copy_page,
    [MMUEXT_FLUSH_CACHE_GLOBAL] = op_flush_cache,
    [MMUEXT_MARK_SUPER] = op_refuse,
    [MMUEXT_UNMARK_SUPER] = op_refuse,
};

static long ext_one(const void __guest *uop, struct batch *b)
{
    struct mmuext_op op;

    if (copy_from_guest(&op, uop, sizeof(op)))
        return -EFAULT;
    if (op.cmd >= ARRAY_SIZE(ops) || !ops[op.cmd])
        return -ENOSYS;
    return ops[op.cmd](&op, b);
}

long do_mmuext_op(void __guest *uops, unsigned int count, void __guest *pdone,
                  unsigned int foreigndom)
{
    const struct mmuext_op __guest *reqs = uops;
    struct batch b = { 0 };
    unsigned int done, i;
    long rc;

    if (!mm_batch_begin(uops, &count, pdone, foreigndom, &done, &rc))
        return rc;
    if (foreigndom == DOMID_SELF)
        domain_get(b.owner = current->domain);
    else
        rc = domain_get_owner(foreigndom, &b.owner);
    if (!b.owner)
        return rc;
    for (i = 0, rc = 0; i < count; i++) {
        rc = i && (page_deferred(current) || hypercall_should_yield())
             ? -ERESTART : ext_one(&reqs[i], &b);
        if (rc)
            break;
    }
    domain_put(b.owner);
    return mm_batch_end(&reqs[i], count - i, pdone, foreigndom, done + i, rc);
}
