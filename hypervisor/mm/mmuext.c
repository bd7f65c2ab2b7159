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

/* One call: the operation at hand, and what goes from one to the next. */
struct batch {
    struct mmuext_op op;
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

static int op_pin(struct batch *b)
{
    return page_pin(b->op.arg1.mfn, PGT_L1 + b->op.cmd - MMUEXT_PIN_L1_TABLE,
                    b->owner);
}

static int op_unpin(struct batch *b)
{
    return page_unpin(b->op.arg1.mfn, b->owner);
}

static int op_new_baseptr(struct batch *b)
{
    if (b->owner != current->domain)
        return -EPERM;
    if (!b->op.arg1.mfn)
        return -EINVAL;
    return root_set(current, 0, b->op.arg1.mfn, &b->flushed);
}

static int op_new_user_baseptr(struct batch *b)
{
    if (b->owner != current->domain)
        return -EPERM;
    return root_set(current, 1, b->op.arg1.mfn, &b->flushed);
}

/* The page to flush, or everything. */
static unsigned long flush_va(const struct batch *b)
{
    switch (b->op.cmd) {
    case MMUEXT_INVLPG_LOCAL:
    case MMUEXT_INVLPG_MULTI:
    case MMUEXT_INVLPG_ALL:
        return b->op.arg1.linear_addr;
    }
    return FLUSH_ALL;
}

static int op_flush_local(struct batch *b)
{
    tlb_flush_local(flush_va(b));
    return 0;
}

static int op_flush_multi(struct batch *b)
{
    cpumask_t cpus;
    int rc = vcpus_to_cpus(b->op.arg2.vcpumask.p, &cpus);

    if (!rc)
        tlb_flush_mask(cpus, flush_va(b));
    return rc;
}

static int op_flush_all(struct batch *b)
{
    tlb_flush_mask(current->domain->dirty_cpus, flush_va(b));
    return 0;
}

static void flush_cache(void *data)
{
    (void)data;
    __asm__ volatile("wbinvd" ::: "memory");
}

static int op_flush_cache(struct batch *b)
{
    if (!current->domain->hardware)
        return -EACCES;
    if (b->op.cmd == MMUEXT_FLUSH_CACHE)
        flush_cache(NULL);
    else
        smp_call(cpu_online_mask, flush_cache, NULL);
    return 0;
}

static int op_set_ldt(struct batch *b)
{
    unsigned long base = b->op.arg1.linear_addr;
    unsigned int nr = b->op.arg2.nr_ents;
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

static int op_clear_page(struct batch *b)
{
    struct page_info *pg;
    int rc = page_get_typed(b->op.arg1.mfn, PGT_WRITABLE, b->owner, &pg);

    if (rc)
        return rc;
    memset(page_to_virt(pg), 0, PAGE_SIZE);
    page_put_typed(pg);
    return 0;
}

static int op_copy_page(struct batch *b)
{
    struct page_info *src = page_get_mfn(b->op.arg2.src_mfn, b->owner), *dst;
    int rc;

    if (!src)
        return -EINVAL;
    rc = page_get_typed(b->op.arg1.mfn, PGT_WRITABLE, b->owner, &dst);
    if (!rc) {
        memcpy(page_to_virt(dst), page_to_virt(src), PAGE_SIZE);
        page_put_typed(dst);
    }
    page_put(src);
    return rc;
}

static int (*const ops[])(struct batch *b) = {
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
};

static long ext_one(const void __guest *uop, struct batch *b)
{
    if (copy_from_guest(&b->op, uop, sizeof(b->op)))
        return -EFAULT;
    if (b->op.cmd == MMUEXT_MARK_SUPER || b->op.cmd == MMUEXT_UNMARK_SUPER)
        return -EOPNOTSUPP;
    if (b->op.cmd >= ARRAY_SIZE(ops) || !ops[b->op.cmd])
        return -ENOSYS;
    return ops[b->op.cmd](b);
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
