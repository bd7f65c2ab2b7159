/*
 * HYPERVISOR_event_channel_op: the table of operations.  The dispatcher copies
 * the argument in and, where it has results, out.
 */
#include "domain/domain.h"
#include "event/private.h"
#include "mm/guest_copy.h"
#include "x86/percpu.h"

union event_arg {
    domid_t dom;                     /* begins some of them: whose ports */
    struct evtchn_alloc_unbound alloc_unbound;
    struct evtchn_bind_interdomain bind_interdomain;
    struct evtchn_bind_virq bind_virq;
    struct evtchn_bind_ipi bind_ipi;
    struct evtchn_bind_pirq bind_pirq;
    struct evtchn_bind_vcpu bind_vcpu;
    struct evtchn_close close;
    struct evtchn_send send;
    struct evtchn_status status;
    struct evtchn_unmask unmask;
    struct evtchn_reset reset;
    struct evtchn_init_control init_control;
    struct evtchn_expand_array expand_array;
    struct evtchn_set_priority set_priority;
};

static int op_bind_interdomain(struct domain *d, union event_arg *a)
{
    struct evtchn_bind_interdomain *op = &a->bind_interdomain;
    struct domain *rd = domain_get_by_id(op->remote_dom);
    int rc;

    if (!rd)
        return -ESRCH;
    rc = evtchn_bind_interdomain(d, rd, op->remote_port, &op->local_port);
    domain_put(rd);
    return rc;
}

static int act(struct domain *d, unsigned int cmd, union event_arg *a)
{
    switch (cmd) {
    case EVTCHNOP_alloc_unbound:
        if (a->alloc_unbound.remote_dom == DOMID_SELF)
            a->alloc_unbound.remote_dom = current->domain->id;
        return evtchn_alloc_unbound(d, a->alloc_unbound.remote_dom,
                                    &a->alloc_unbound.port);
    case EVTCHNOP_bind_interdomain: return op_bind_interdomain(d, a);
    case EVTCHNOP_bind_virq:
        return evtchn_bind_virq(d, a->bind_virq.virq, a->bind_virq.vcpu,
                                &a->bind_virq.port);
    case EVTCHNOP_bind_ipi:
        return evtchn_bind_ipi(d, a->bind_ipi.vcpu, &a->bind_ipi.port);
    case EVTCHNOP_bind_pirq:
        return pirq_bind(d, a->bind_pirq.pirq, &a->bind_pirq.port);
    case EVTCHNOP_bind_vcpu:
        return evtchn_bind_vcpu(d, a->bind_vcpu.port, a->bind_vcpu.vcpu);
    case EVTCHNOP_close:            return evtchn_close(d, a->close.port);
    case EVTCHNOP_send:             return evtchn_send(d, a->send.port);
    case EVTCHNOP_status:
        return evtchn_status(d, a->status.port, &a->status);
    case EVTCHNOP_unmask:           return evtchn_unmask(d, a->unmask.port);
    case EVTCHNOP_reset:
        return d == current->domain || d->control_pauses ? evtchn_reset(d)
                                                         : -EINVAL;
    case EVTCHNOP_init_control:
        return evtchn_init_control(d, &a->init_control);
    case EVTCHNOP_expand_array:
        return evtchn_expand_array(d, a->expand_array.array_gfn);
    case EVTCHNOP_set_priority:
        return evtchn_set_priority(d, a->set_priority.port,
                                   a->set_priority.priority);
    default:                        return -ENOSYS;
    }
}

#define NO_PORT 0xff
#define ROW(op, reports, of_dom, port_at) \
    [EVTCHNOP_##op] = { sizeof(struct evtchn_##op), reports, of_dom, port_at }
#define ROW_PORT(op, of_dom, field) \
    ROW(op, true, of_dom, offsetof(struct evtchn_##op, field))

static const struct {
    uint8_t size;
    bool reports;                    /* the argument goes back */
    bool of_dom;                     /* it names the domain meant */
    uint8_t port_at;                 /* where the new port is in it */
} rows[] = {
    ROW_PORT(alloc_unbound, true, port),
    ROW_PORT(bind_interdomain, false, local_port),
    ROW_PORT(bind_virq, false, port),
    ROW_PORT(bind_ipi, false, port),
    ROW_PORT(bind_pirq, false, port),
    ROW(bind_vcpu, false, false, NO_PORT),
    ROW(close, false, false, NO_PORT),
    ROW(send, false, false, NO_PORT),
    ROW(status, true, true, NO_PORT),
    ROW(unmask, false, false, NO_PORT),
    ROW(reset, false, true, NO_PORT),
    ROW(init_control, true, false, NO_PORT),
    ROW(expand_array, false, false, NO_PORT),
    ROW(set_priority, false, false, NO_PORT),
};

long do_event_channel_op(int cmd, void __guest *arg)
{
    struct domain *d = current->domain;
    unsigned int i = cmd;
    union event_arg a;
    int rc = 0;

    if (i >= ARRAY_SIZE(rows) || !rows[i].size)
        return -ENOSYS;
    if (copy_from_guest(&a, arg, rows[i].size))
        return -EFAULT;
    if (rows[i].of_dom)
        rc = domain_get_managed(a.dom, &d);
    if (rc)
        return rc;
    rc = act(d, i, &a);
    if (!rc && rows[i].reports && copy_to_guest(arg, &a, rows[i].size)) {
        /* The guest cannot close a port that it never learnt. */
        if (rows[i].port_at != NO_PORT)
            evtchn_close(d, *(evtchn_port_t *)((char *)&a + rows[i].port_at));
        rc = -EFAULT;
    }
    if (rows[i].of_dom)
        domain_put(d);
    return rc == -ERESTART ? hypercall_again(0) : rc;
}
