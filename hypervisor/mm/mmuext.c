/*
 * HYPERVISOR_mmuext_op.
 */
#include "domain/domain.h"
#include "domain/guest_ops.h"
#include "mm/guest_copy.h"
#include "mm/hypercalls.h"
#include "mm/page_type.h"
#include "mm/private.h"
#include "x86/atomic.h"
#include "x86/percpu.h"
#include "x86/tlb.h"

#define LDT_MAX_ENTRIES 8192

int vcpus_to_cpus(const void __guest *vcpus, cpumask_t *ret_cpus)
{
    struct domain *d = current->domain;
    vcpumask_t mask = 0;
    cpumask_t cpus = 0;

    if (copy_from_guest(&mask, vcpus, (d->max_vcpus + 7) / 8))
        return -EFAULT;
    smp_mb();                        /* entries before who has them loaded */
    /* Not where it is queued: it may go back without having run there. */
    for (unsigned int i = 0; i < d->max_vcpus; i++)
        if ((mask & BIT(i)) && d->vcpu[i])
            cpus |= BIT(READ_ONCE(d->vcpu[i]->pv.loaded_cpu) % NR_CPUS);
    *ret_cpus = cpus & d->dirty_cpus;
    return 0;
}

static int flush_cpus(cpumask_t cpus, unsigned long va)
{
    tlb_flush_mask(cpus, va);
    return 0;
}

static int flush_vcpus(const void __guest *vcpus, unsigned long va)
{
    cpumask_t cpus;
    int rc = vcpus_to_cpus(vcpus, &cpus);

    return rc ? rc : flush_cpus(cpus, va);
}

static int set_ldt(struct vcpu *v, unsigned long base, unsigned int nr)
{
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

/* owner: of the frames.  *flushed: see root_set. */
static int act(const struct mmuext_op *op, struct domain *owner, bool *flushed)
{
    const cpumask_t here = BIT(smp_processor_id());
    const cpumask_t everywhere = current->domain->dirty_cpus;
    unsigned long va = op->arg1.linear_addr;
    mfn_t mfn = op->arg1.mfn;

    if (owner != current->domain && op->cmd > MMUEXT_UNPIN_TABLE)
        return -EPERM;
    switch (op->cmd) {
    case MMUEXT_PIN_L1_TABLE ... MMUEXT_PIN_L4_TABLE:
        return page_pin(mfn, PGT_L1 + op->cmd - MMUEXT_PIN_L1_TABLE, owner);
    case MMUEXT_UNPIN_TABLE:      return page_unpin(mfn, owner);
    case MMUEXT_NEW_BASEPTR:
        return mfn ? root_set(current, 0, mfn, flushed) : -EINVAL;
    case MMUEXT_NEW_USER_BASEPTR: return root_set(current, 1, mfn, flushed);
    case MMUEXT_INVLPG_LOCAL:     return flush_cpus(here, va);
    case MMUEXT_TLB_FLUSH_LOCAL:  return flush_cpus(here, FLUSH_ALL);
    case MMUEXT_INVLPG_ALL:       return flush_cpus(everywhere, va);
    case MMUEXT_TLB_FLUSH_ALL:    return flush_cpus(everywhere, FLUSH_ALL);
    case MMUEXT_INVLPG_MULTI:
        return flush_vcpus(op->arg2.vcpumask.p, va);
    case MMUEXT_TLB_FLUSH_MULTI:
        return flush_vcpus(op->arg2.vcpumask.p, FLUSH_ALL);
    case MMUEXT_SET_LDT:
        return set_ldt(current, va, op->arg2.nr_ents);
    case MMUEXT_MARK_SUPER:
    case MMUEXT_UNMARK_SUPER:     return -EOPNOTSUPP;
    default:                      return -ENOSYS;
    }
}

long do_mmuext_op(void __guest *uops, unsigned int count, void __guest *pdone,
                  unsigned int foreigndom)
{
    struct mm_batch b = { .reqs = uops, .left = count, .pdone = pdone,
                          .foreigndom = foreigndom };
    struct domain *owner;
    struct mmuext_op op;
    bool flushed = false;            /* this CPU, since it was entered */
    int rc;

    if (!mm_batch_begin(&b))
        return b.rc;
    rc = owner_get(foreigndom, &owner);
    if (rc)
        return rc;
    while (mm_batch_next(&b, &op, sizeof(op)))
        b.rc = act(&op, owner, &flushed);
    owner_put(owner);
    return mm_batch_end(&b);
}
