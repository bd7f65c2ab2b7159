/*
 * HYPERVISOR_domctl: domains, for the tool stack.  The dispatcher, and the
 * operations on domains as a whole.
 *
 * One operation runs at a time.  Who finds another one at work is executed
 * again, so that nobody spins and events are served meanwhile.
 */
#include "control/control.h"
#include "control/private.h"
#include "domain/domain.h"
#include "lib/string.h"
#include "mm/guest_copy.h"
#include "x86/cpu.h"
#include "x86/percpu.h"

static struct spinlock control_lock = SPINLOCK_INIT(LOCK_CONTROL);

int bitmap_from_guest(uint64_t *ret_bits, const struct xenctl_bitmap *map)
{
    uint32_t nr = MIN(map->nr_bits, 64U);

    *ret_bits = 0;
    if (copy_from_guest(ret_bits, map->bitmap.p, (nr + 7) / 8))
        return -EFAULT;
    if (nr < 64)
        *ret_bits &= BIT(nr) - 1;
    return 0;
}

int bitmap_to_guest(const struct xenctl_bitmap *map, uint64_t bits)
{
    uint32_t bytes = MIN(map->nr_bits / 8 + !!(map->nr_bits % 8), PAGE_SIZE);
    uint32_t n = MIN(bytes, 8U);

    if (map->nr_bits < 64)
        bits &= BIT(map->nr_bits) - 1;
    return copy_to_guest(map->bitmap.p, &bits, n) ||
           clear_guest(map->bitmap.p + n, bytes - n) ? -EFAULT : 0;
}

static int createdomain_check(const struct xen_domctl_createdomain *c)
{
    if (c->flags || c->iommu_opts || c->vmtrace_size ||
        c->arch.emulation_flags ||
        (c->arch.misc_flags & ~XEN_X86_MSR_RELAXED) ||
        XEN_DOMCTL_GRANT_version(c->grant_opts) != 1 ||
        (c->grant_opts & ~XEN_DOMCTL_GRANT_version_mask))
        return -EINVAL;
    return c->cpupool_id ? -ENOENT : 0;
}

static long op_createdomain(struct domain *none, struct xen_domctl *op)
{
    domid_t id = op->domain && op->domain < DOMID_FIRST_RESERVED
                 ? op->domain : DOMID_INVALID;
    struct domain *d;
    int rc = createdomain_check(&op->u.createdomain);

    (void)none;
    if (!rc)
        rc = domain_create(id, &op->u.createdomain, false, &d);
    if (!rc)
        op->domain = d->id;
    return rc;
}

static void vcpus_info(struct domain *d, struct xen_domctl_getdomaininfo *info)
{
    info->flags |= XEN_DOMINF_blocked;   /* if no vcpu says otherwise */
    for (unsigned int i = 0; i < d->max_vcpus; i++) {
        struct vcpu *v = d->vcpu[i];
        unsigned long flags;

        if (!v)
            continue;
        flags = READ_ONCE(v->sched.pause_flags);
        info->max_vcpu_id = i;
        info->cpu_time += vcpu_run_time(v);
        if (flags & VPF_DOWN)
            continue;
        info->nr_online_vcpus++;
        if (!(flags & VPF_BLOCKED))
            info->flags &= ~XEN_DOMINF_blocked;
        if (READ_ONCE(v->sched.running))
            info->flags |= XEN_DOMINF_running;
    }
}

void domain_info(struct domain *d, struct xen_domctl_getdomaininfo *info)
{
    if (d->is_shut_down)
        domain_sync(d);              /* who is told so may rely on it */
    *info = (struct xen_domctl_getdomaininfo){
        .domain = d->id, .max_vcpu_id = XEN_INVALID_MAX_VCPU_ID,
        .tot_pages = d->mm.nr_frames, .max_pages = d->mm.max_frames,
        .outstanding_pages = d->mm.claimed,
        .shared_info_frame = d->mm.shared_info_mfn,
    };
    memcpy(info->handle, d->uuid, sizeof(info->handle));
    vcpus_info(d, info);
    if (d->dying == DOMAIN_DEAD)
        info->flags |= XEN_DOMINF_dying;
    if (d->is_shut_down)
        info->flags |= XEN_DOMINF_shutdown |
                       ((uint32_t)d->shutdown_code << XEN_DOMINF_shutdownshift);
    if (d->control_pauses)
        info->flags |= XEN_DOMINF_paused;
}

static long op_getdomaininfo(struct domain *none, struct xen_domctl *op)
{
    struct domain *d;

    (void)none;
    if (op->domain >= DOMID_FIRST_RESERVED)
        return -EINVAL;
    d = domain_next(op->domain);
    if (!d)
        return -ESRCH;
    domain_info(d, &op->u.getdomaininfo);
    op->domain = d->id;
    domain_put(d);
    return 0;
}

/* The same for every domain: it has 64 bits, an RDTSC that never traps (the
 * default, and "never emulate"), the one node, and no log-dirty mode. */
static long op_constant(struct domain *d, struct xen_domctl *op)
{
    uint64_t nodes;

    (void)d;
    switch (op->cmd) {
    case XEN_DOMCTL_set_address_size:
        return op->u.address_size.size == 64 ? 0 : -EINVAL;
    case XEN_DOMCTL_get_address_size:
        op->u.address_size.size = 64;
        return 0;
    case XEN_DOMCTL_settscinfo:
        return op->u.tsc_info.tsc_mode == 0 || op->u.tsc_info.tsc_mode == 2
               ? 0 : -EINVAL;
    case XEN_DOMCTL_gettscinfo:
        op->u.tsc_info = (struct xen_domctl_tsc_info){
            .gtsc_khz = cpu_features.tsc_hz / 1000 };
        return 0;
    case XEN_DOMCTL_setnodeaffinity:
        if (bitmap_from_guest(&nodes, &op->u.nodeaffinity.nodemap))
            return -EFAULT;
        return nodes & 1 ? 0 : -EINVAL;
    case XEN_DOMCTL_getnodeaffinity:
        return bitmap_to_guest(&op->u.nodeaffinity.nodemap, 1);
    default:
        return -EINVAL;              /* shadow_op: who asks copes with that */
    }
}

#define OUT     1                    /* op goes back on success */
#define ALWAYS  2                    /* on failure and restart, too */
#define OTHERS  4                    /* not on the caller's own domain */
#define NO_DOM  8                    /* finds its domain by itself */

static const struct {
    domctl_fn *fn;
    unsigned int flags;
    int (*plain)(struct domain *d);  /* fn of an operation without arguments */
} table[] = {
#define ROW(op, fn, flags)   [XEN_DOMCTL_##op] = { fn, flags, NULL }
#define PLAIN(op, fn, flags) [XEN_DOMCTL_##op] = { NULL, flags, fn }
    ROW(createdomain, op_createdomain, OUT | NO_DOM),
    PLAIN(destroydomain, domain_kill, OTHERS),
    PLAIN(pausedomain, domain_control_pause, OTHERS),
    PLAIN(unpausedomain, domain_control_unpause, 0),
    PLAIN(resumedomain, domain_resume, OTHERS),
    ROW(getdomaininfo, op_getdomaininfo, OUT | NO_DOM),
    ROW(setvcpuaffinity, domctl_vcpuaffinity, OUT),
    ROW(getvcpuaffinity, domctl_vcpuaffinity, OUT),
    ROW(shadow_op, op_constant, 0),
    ROW(max_mem, domctl_max_mem, 0),
    ROW(setvcpucontext, domctl_setvcpucontext, OTHERS),
    ROW(getvcpucontext, domctl_getvcpucontext, OTHERS),
    ROW(getvcpuinfo, domctl_getvcpuinfo, OUT),
    ROW(max_vcpus, domctl_max_vcpus, OTHERS),
    ROW(scheduler_op, domctl_scheduler_op, OUT),
    ROW(sendtrigger, domctl_sendtrigger, 0),
    ROW(hypercall_init, domctl_hypercall_init, 0),
    ROW(set_address_size, op_constant, 0),
    ROW(get_address_size, op_constant, OUT),
    ROW(set_ext_vcpucontext, domctl_set_ext_vcpucontext, OTHERS),
    ROW(get_ext_vcpucontext, domctl_get_ext_vcpucontext, OUT | OTHERS),
    ROW(gettscinfo, op_constant, OUT),
    ROW(settscinfo, op_constant, OTHERS),
    ROW(getpageframeinfo3, domctl_getpageframeinfo3, OUT | ALWAYS),
    ROW(setvcpuextstate, domctl_setvcpuextstate, OTHERS),
    ROW(getvcpuextstate, domctl_getvcpuextstate, OUT | OTHERS),
    ROW(setnodeaffinity, op_constant, 0),
    ROW(getnodeaffinity, op_constant, OUT),
    ROW(get_cpu_policy, domctl_get_cpu_policy, OUT | ALWAYS),
    ROW(set_cpu_policy, domctl_set_cpu_policy, OUT | ALWAYS | OTHERS),
};

static long run(struct xen_domctl *op)
{
    unsigned int flags = table[op->cmd].flags;
    struct domain *d;
    long rc = -EINVAL;

    if (flags & NO_DOM)
        return table[op->cmd].fn(NULL, op);
    d = domain_get_by_id(op->domain);
    if (!d)
        return -ESRCH;
    if (!(flags & OTHERS) || d != current->domain)
        rc = table[op->cmd].plain ? table[op->cmd].plain(d)
                                  : table[op->cmd].fn(d, op);
    domain_put(d);
    return rc;
}

/* The caller cannot be told of the domain that was made for it. */
static void undo_create(domid_t id)
{
    struct domain *d = domain_get_by_id(id);

    while (d && domain_kill(d) == -ERESTART)
        ;                            /* nothing is in it: this is short */
    if (d)
        domain_put(d);
}

long do_domctl(void __guest *uop)
{
    struct xen_domctl op;
    unsigned int flags;
    long rc;

    if (!current->domain->privileged)
        return -EPERM;
    if (copy_from_guest(&op, uop, sizeof(op)))
        return -EFAULT;
    if (op.interface_version != XEN_DOMCTL_INTERFACE_VERSION)
        return -EACCES;
    if (op.cmd >= ARRAY_SIZE(table) ||
        !(table[op.cmd].fn || table[op.cmd].plain))
        return -ENOSYS;
    if (!spin_trylock(&control_lock))
        return -ERESTART;
    rc = run(&op);
    flags = table[op.cmd].flags;
    if ((flags & ALWAYS || (!rc && flags & OUT)) &&
        copy_to_guest(uop, &op, sizeof(op))) {
        if (!rc && op.cmd == XEN_DOMCTL_createdomain)
            undo_create(op.domain);
        rc = -EFAULT;
    }
    spin_unlock(&control_lock);
    return rc;
}
