/*
 * HYPERVISOR_sched_op and HYPERVISOR_set_timer_op.
 */
#include "domain/domain.h"
#include "mm/guest_copy.h"
#include "sched/softirq.h"
#include "x86/atomic.h"
#include "x86/percpu.h"

#define MAX_POLL_PORTS 128

static long op_block(void)
{
    struct vcpu *v = current;

    WRITE_ONCE(v->info->evtchn_upcall_mask, 0);
    atomic_or(&v->sched.pause_flags, VPF_BLOCKED);
    /* Full barrier above: pairs with vcpu_mark_events, pending then flags. */
    if (vcpu_event_deliverable(v))
        atomic_and(&v->sched.pause_flags, ~(unsigned long)VPF_BLOCKED);
    else
        softirq_raise(SOFTIRQ_SCHEDULE);
    return 0;
}

/* Is one of the ports pending?  -EINVAL, -EFAULT. */
static int any_pending(struct domain *d, const struct sched_poll *poll,
                       evtchn_port_t *ret_port)
{
    evtchn_port_t port = 0;
    int rc;

    for (unsigned int i = 0; i < poll->nr_ports; i++) {
        if (copy_from_guest(&port, poll->ports.p + i, sizeof(port)))
            return -EFAULT;
        rc = evtchn_port_pending(d, port);
        if (rc)
            return rc;
    }
    *ret_port = port;
    return 0;
}

static void poll_end(struct vcpu *v)
{
    atomic_and(&v->sched.pause_flags, ~(unsigned long)VPF_POLL);
    atomic_and(&v->domain->ev.pollers, ~BIT(v->id));
}

static long op_poll(void __guest *arg)
{
    struct vcpu *v = current;
    struct sched_poll poll;
    evtchn_port_t port = 0;
    int rc;

    if (copy_from_guest(&poll, arg, sizeof(poll)))
        return -EFAULT;
    if (poll.nr_ports > MAX_POLL_PORTS)
        return -EINVAL;
    /* Stopped, and on this CPU: no other has work by it. */
    timer_move(&v->sched.poll_timer, smp_processor_id());
    atomic_or(&v->sched.pause_flags, VPF_POLL);
    v->ev.poll_port = 0;
    atomic_or(&v->domain->ev.pollers, BIT(v->id));
    /* Full barrier above: pairs with the sender's, pending then pollers. */
    rc = any_pending(v->domain, &poll, &port);
    if (rc || vcpu_event_deliverable(v)) {
        poll_end(v);
        return rc < 0 ? rc : 0;
    }
    /* Events at other ports need not wake a vcpu that waits for one. */
    if (poll.nr_ports == 1)
        WRITE_ONCE(v->ev.poll_port, port);
    if (poll.timeout)
        timer_set(&v->sched.poll_timer, MIN(poll.timeout, S_TIME_MAX));
    softirq_raise(SOFTIRQ_SCHEDULE);
    return 0;
}

static long op_shutdown(void __guest *arg)
{
    struct sched_shutdown op;

    if (copy_from_guest(&op, arg, sizeof(op)))
        return -EFAULT;
    if (op.reason > SHUTDOWN_MAX)
        return -EINVAL;
    domain_shutdown(current->domain, op.reason);
    return 0;
}

long do_sched_op(int cmd, void __guest *arg)
{
    switch (cmd) {
    case SCHEDOP_yield:    return vcpu_yield();
    case SCHEDOP_block:    return op_block();
    case SCHEDOP_shutdown: return op_shutdown(arg);
    case SCHEDOP_poll:     return op_poll(arg);
    default:               return -ENOSYS;
    }
}

long do_set_timer_op(s_time_t timeout)
{
    return vcpu_set_singleshot(current, timeout ? timeout : S_TIME_MAX);
}
