/*
 * Our own hypercall: see lib/zazen_abi.h.
 */
#include "control/control.h"
#include "domain/domain.h"
#include "lib/string.h"
#include "lib/zazen_abi.h"
#include "mm/guest_copy.h"
#include "x86/percpu.h"

#define MAX_US 1000000

static long op_get_bvt(struct domain *d, struct zazen_bvt *op)
{
    const struct domain_sched *s = &d->sched;

    *op = (struct zazen_bvt){
        .domid = d->id, .weight = s->weight, .warp_on = s->warp_on,
        .warp_us = s->warp_us, .warp_limit_us = s->warp_limit_us,
        .unwarp_us = s->unwarp_us,
    };
    return 0;
}

static long op_set_bvt(struct domain *d, struct zazen_bvt *op)
{
    struct domain_sched s = {
        .warp_us = op->warp_us, .warp_limit_us = op->warp_limit_us,
        .unwarp_us = op->unwarp_us, .warp_on = op->warp_on,
    };
    int rc;

    if (op->pad || op->warp_on > 1 || op->warp_us > MAX_US ||
        op->warp_limit_us > MAX_US || op->unwarp_us > MAX_US)
        return -EINVAL;
    spin_lock(&d->lock);
    s.weight = d->sched.weight;
    s.cap = d->sched.cap;
    rc = sched_adjust(d, &s);
    spin_unlock(&d->lock);
    return rc;
}

static long bvt_op(void __guest *arg, bool set)
{
    struct zazen_bvt op;
    struct domain *d;
    long rc;

    if (copy_from_guest(&op, arg, sizeof(op)))
        return -EFAULT;
    d = domain_get_by_id(op.domid);
    if (!d)
        return -ESRCH;
    rc = set ? op_set_bvt(d, &op) : op_get_bvt(d, &op);
    domain_put(d);
    if (!rc && !set && copy_to_guest(arg, &op, sizeof(op)))
        rc = -EFAULT;
    return rc;
}

static const char *const names[NR_STATS - STAT_IRQ] = {
    "irq", "syscall", "iret", "event_upcall", "bounce", "emulate_priv",
    "emulate_ptwr", "multicall", "pt_update", "validate_l1", "validate_l2",
    "validate_l3", "validate_l4", "tlb_local", "tlb_remote", "tlb_ipi",
    "cr3_load", "schedule", "context_switch", "migrate", "continuation",
    "evtchn_send", "grant_map", "grant_unmap", "grant_copy", "idle",
};
_Static_assert(NR_STATS - STAT_IRQ == 26, "a name for each counter");

/* "name\n"; the length. */
static unsigned int counter_name(unsigned int n, char *buf, size_t size)
{
    if (n < STAT_TRAP)
        return snprintf(buf, size, "hypercall.%u\n", n);
    if (n < STAT_IRQ)
        return snprintf(buf, size, "trap.%u\n", n - STAT_TRAP);
    return snprintf(buf, size, "%s\n", names[n - STAT_IRQ]);
}

static uint64_t counter_sum(unsigned int n)
{
    uint64_t sum = 0;

    for (unsigned int cpu = 0; cpu < NR_CPUS; cpu++)
        if (percpu_of[cpu])
            sum += READ_ONCE(percpu_of[cpu]->stats[n]);
    return sum;
}

static long op_counters(void __guest *arg)
{
    struct zazen_counters op;
    uint32_t size = 0, len;
    uint64_t sum;
    char name[32];

    if (copy_from_guest(&op, arg, sizeof(op)))
        return -EFAULT;
    for (unsigned int n = 0; n < NR_STATS; n++) {
        sum = counter_sum(n);
        len = counter_name(n, name, sizeof(name));
        if (op.values && n < op.nr &&
            copy_to_guest((uint64_t __guest *)op.values + n, &sum, 8))
            return -EFAULT;
        if (op.names && size + len <= op.names_size &&
            copy_to_guest((char __guest *)op.names + size, name, len))
            return -EFAULT;
        size += len;
    }
    op.nr = NR_STATS;
    op.names_size = size;
    return copy_to_guest(arg, &op, sizeof(op)) ? -EFAULT : 0;
}

long do_zazen_op(unsigned int cmd, void __guest *arg)
{
    if (!current->domain->privileged)
        return -EPERM;
    switch (cmd) {
    case ZAZEN_OP_version:  return ZAZEN_ABI_VERSION;
    case ZAZEN_OP_get_bvt:  return bvt_op(arg, false);
    case ZAZEN_OP_set_bvt:  return bvt_op(arg, true);
    case ZAZEN_OP_counters: return op_counters(arg);
    default:                return -ENOSYS;
    }
}
