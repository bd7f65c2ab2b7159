/*
 * domctl: vcpus of a domain, their state, where and how much they run, and
 * what their CPU claims to be.
 */
#include "control/private.h"
#include "domain/domain.h"
#include "domain/cpu_policy.h"
#include "domain/guest_ops.h"
#include "mm/buddy.h"
#include "mm/guest_copy.h"
#include "x86/atomic.h"
#include "x86/fpu.h"
#include "x86/paging.h"
#include "x86/percpu.h"

long domctl_max_vcpus(struct domain *d, struct xen_domctl *op)
{
    int rc = 0;

    if (op->u.max_vcpus.max != d->max_vcpus)
        return -EINVAL;
    for (unsigned int i = 0; !rc && i < d->max_vcpus; i++)
        if (!d->vcpu[i])
            rc = vcpu_create(d, i);
    return rc;
}

long domctl_setvcpucontext(struct domain *d, struct xen_domctl *op)
{
    struct vcpu *v = domain_vcpu(d, op->u.vcpucontext.vcpu);
    long rc;

    if (!v || !op->u.vcpucontext.ctxt.p || d->dying)
        return -EINVAL;
    domain_pause(d);
    rc = vcpu_set_context(v, op->u.vcpucontext.ctxt.p, true);
    domain_unpause(d);
    return rc;
}

long domctl_getvcpucontext(struct domain *d, struct xen_domctl *op)
{
    struct vcpu *v = domain_vcpu(d, op->u.vcpucontext.vcpu);
    struct vcpu_guest_context *c;
    long rc = 0;

    if (!v)
        return -ESRCH;
    if (!v->initialised)
        return -ENODATA;
    c = kzalloc(sizeof(*c));
    if (!c)
        return -ENOMEM;
    vcpu_pause(v);
    guest_ops->get_context(v, c);
    vcpu_unpause(v);
    if (copy_to_guest(op->u.vcpucontext.ctxt.p, c, sizeof(*c)))
        rc = -EFAULT;
    kfree(c);
    return rc;
}

long domctl_getvcpuinfo(struct domain *d, struct xen_domctl *op)
{
    struct xen_domctl_getvcpuinfo *info = &op->u.getvcpuinfo;
    struct vcpu *v = domain_vcpu(d, info->vcpu);
    unsigned long flags;

    if (!v)
        return info->vcpu >= d->max_vcpus ? -EINVAL : -ESRCH;
    flags = READ_ONCE(v->sched.pause_flags);
    info->online = !(flags & VPF_DOWN);
    info->blocked = !!(flags & VPF_BLOCKED);
    info->running = READ_ONCE(v->sched.running);
    info->cpu_time = vcpu_run_time(v);
    info->cpu = v->sched.cpu;
    return 0;
}

/* Buttons are for machines that have them; a PV guest knows the NMI. */
long domctl_sendtrigger(struct domain *d, struct xen_domctl *op)
{
    struct vcpu *v = domain_vcpu(d, op->u.sendtrigger.vcpu);

    if (!v)
        return -ESRCH;
    return op->u.sendtrigger.trigger == XEN_DOMCTL_SENDTRIGGER_NMI
           ? vcpu_send_nmi(v) : -ENOSYS;
}

#define AFFINITY_FLAGS (XEN_VCPUAFFINITY_HARD | XEN_VCPUAFFINITY_SOFT)

/* Set it, and report what comes into effect; or just report what was set. */
long domctl_vcpuaffinity(struct domain *d, struct xen_domctl *op)
{
    const struct xen_domctl_vcpuaffinity *a = &op->u.vcpuaffinity;
    bool of_hard = a->flags & XEN_VCPUAFFINITY_HARD;
    bool of_soft = a->flags & XEN_VCPUAFFINITY_SOFT;
    cpumask_t hard, soft;
    struct vcpu *v;
    long rc;

    if (a->vcpu >= d->max_vcpus || !(a->flags & AFFINITY_FLAGS) ||
        (a->flags & ~(AFFINITY_FLAGS | XEN_VCPUAFFINITY_FORCE)))
        return -EINVAL;
    v = d->vcpu[a->vcpu];
    if (!v)
        return -ESRCH;
    hard = v->sched.affinity;
    soft = v->sched.affinity_soft;
    if (op->cmd == XEN_DOMCTL_setvcpuaffinity) {
        if ((of_hard && bitmap_from_guest(&hard, &a->cpumap_hard)) ||
            (of_soft && bitmap_from_guest(&soft, &a->cpumap_soft)))
            return -EFAULT;
        rc = vcpu_set_affinity(v, hard, soft);
        if (rc)
            return rc;
        hard &= cpu_online_mask;
        soft &= hard;
    }
    if ((of_hard && bitmap_to_guest(&a->cpumap_hard, hard)) ||
        (of_soft && bitmap_to_guest(&a->cpumap_soft, soft)))
        return -EFAULT;
    return 0;
}

/* For putinfo, weight 0 and cap 0xffff stand for "as it is". */
long domctl_scheduler_op(struct domain *d, struct xen_domctl *op)
{
    struct xen_domctl_sched_credit2 *c = &op->u.scheduler_op.u.credit2;
    bool put = op->u.scheduler_op.cmd == XEN_DOMCTL_SCHEDOP_putinfo;
    struct domain_sched s;
    long rc = 0;

    if (op->u.scheduler_op.sched_id != XEN_SCHEDULER_CREDIT2 ||
        (!put && op->u.scheduler_op.cmd != XEN_DOMCTL_SCHEDOP_getinfo))
        return -EINVAL;
    spin_lock(&d->lock);
    s = d->sched;
    if (put) {
        s.weight = c->weight ? c->weight : s.weight;
        s.cap = c->cap != 0xffff ? c->cap : s.cap;
        rc = sched_adjust(d, &s);
    } else {
        c->weight = s.weight;
        c->cap = s.cap;
    }
    spin_unlock(&d->lock);
    return rc;
}

long domctl_set_ext_vcpucontext(struct domain *d, struct xen_domctl *op)
{
    const struct xen_domctl_ext_vcpucontext *e = &op->u.ext_vcpucontext;
    struct vcpu *v = domain_vcpu(d, e->vcpu);

    if (!v)
        return -ESRCH;
    if (e->size < offsetof(struct xen_domctl_ext_vcpucontext, mcg_cap) ||
        !va_canonical(e->syscall32_callback_eip) ||
        !va_canonical(e->sysenter_callback_eip))
        return -EINVAL;
    vcpu_pause(v);
    v->pv.callback[CALLBACKTYPE_syscall32] = (struct pv_callback){
        e->syscall32_callback_eip, e->syscall32_disables_events };
    v->pv.callback[CALLBACKTYPE_sysenter] = (struct pv_callback){
        e->sysenter_callback_eip, e->sysenter_disables_events };
    vcpu_unpause(v);
    return 0;
}

long domctl_get_ext_vcpucontext(struct domain *d, struct xen_domctl *op)
{
    struct xen_domctl_ext_vcpucontext *e = &op->u.ext_vcpucontext;
    struct vcpu *v = domain_vcpu(d, e->vcpu);
    const struct pv_callback *c;

    if (!v)
        return -ESRCH;
    c = v->pv.callback;
    vcpu_pause(v);
    *e = (struct xen_domctl_ext_vcpucontext){
        .vcpu = v->id, .size = sizeof(*e),
        .syscall32_callback_eip = c[CALLBACKTYPE_syscall32].entry,
        .syscall32_disables_events = c[CALLBACKTYPE_syscall32].mask,
        .sysenter_callback_eip = c[CALLBACKTYPE_sysenter].entry,
        .sysenter_disables_events = c[CALLBACKTYPE_sysenter].mask,
    };
    vcpu_unpause(v);
    return 0;
}

/* XCR0 as it is and as it may become, then what XSAVE writes. */
#define EXT_HEAD (2 * sizeof(uint64_t))
#define EXT_SIZE (fpu_xcr0 ? EXT_HEAD + fpu_area_size : 0)

long domctl_getvcpuextstate(struct domain *d, struct xen_domctl *op)
{
    struct xen_domctl_vcpuextstate *e = &op->u.vcpuextstate;
    struct vcpu *v = domain_vcpu(d, e->vcpu);
    uint64_t head[2] = { 0, fpu_xcr0 };
    long rc;

    if (!v)
        return -ESRCH;
    if (!e->size && !e->xfeature_mask) {
        e->size = EXT_SIZE;          /* a question */
        e->xfeature_mask = fpu_xcr0;
        return 0;
    }
    if (e->size != EXT_SIZE || e->xfeature_mask != fpu_xcr0)
        return -EINVAL;
    vcpu_pause(v);
    head[0] = v->pv.xcr0;
    rc = copy_to_guest(e->buffer.p, head, EXT_HEAD) ||
         copy_to_guest(e->buffer.p + 2, v->fpu, fpu_area_size) ? -EFAULT : 0;
    vcpu_unpause(v);
    return rc;
}

/* A state that the CPU refuses is replaced when it is loaded. */
long domctl_setvcpuextstate(struct domain *d, struct xen_domctl *op)
{
    const struct xen_domctl_vcpuextstate *e = &op->u.vcpuextstate;
    struct vcpu *v = domain_vcpu(d, e->vcpu);
    uint64_t xcr0;
    long rc;

    if (!v)
        return -ESRCH;
    if (copy_from_guest(&xcr0, e->buffer.p, sizeof(xcr0)))
        return -EFAULT;
    if (e->size != EXT_SIZE || !fpu_xcr0_ok(xcr0))
        return -EINVAL;
    vcpu_pause(v);
    rc = copy_from_guest(v->fpu, e->buffer.p + 2, fpu_area_size);
    v->pv.xcr0 = xcr0;
    v->pv.loaded_cpu = NR_CPUS;
    vcpu_unpause(v);
    return rc;
}

long domctl_get_cpu_policy(struct domain *d, struct xen_domctl *op)
{
    struct xen_domctl_cpu_policy *p = &op->u.cpu_policy;

    p->nr_msrs = 0;
    return cpu_policy_to_guest(d, p->leaves.p, &p->nr_leaves);
}

/* No MSR's value is a matter of policy: what is set must be zero. */
static long check_msrs(struct xen_domctl_cpu_policy *p)
{
    xen_msr_entry_t msr;

    if (p->nr_msrs > CPU_POLICY_MAX)
        return -E2BIG;
    for (uint32_t i = 0; i < p->nr_msrs; i++) {
        if (copy_from_guest(&msr, p->msrs.p + i, sizeof(msr)))
            return -EFAULT;
        if (msr.flags || msr.val) {
            p->err_msr = msr.idx;
            return -EINVAL;
        }
    }
    return 0;
}

long domctl_set_cpu_policy(struct domain *d, struct xen_domctl *op)
{
    struct xen_domctl_cpu_policy *p = &op->u.cpu_policy;
    xen_cpuid_leaf_t bad = { .leaf = ~0U, .subleaf = ~0U };
    long rc;

    if (d->started)
        return -EEXIST;
    p->err_msr = ~0U;
    rc = check_msrs(p);
    if (!rc)
        rc = cpu_policy_set(d, p->leaves.p, p->nr_leaves, &bad);
    p->err_leaf = bad.leaf;
    p->err_subleaf = bad.subleaf;
    return rc;
}
