/*
 * HYPERVISOR_event_channel_op: the table of operations.  The dispatcher copies
 * the argument in and, where it has results, out.
 */
#include "domain/domain.h"
#include "domain/rights.h"
#include "event/private.h"
#include "mm/guest_copy.h"
#include "x86/percpu.h"

union event_arg {
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
};

/* The domain of a number, if the caller may manage it: referenced. */
static int get_managed(domid_t id, struct domain **ret_d)
{
    struct domain *d = domain_get_by_id(id);

    if (!d)
        return -ESRCH;
    if (!may_manage(current->domain, d)) {
        domain_put(d);
        return -EPERM;
    }
    *ret_d = d;
    return 0;
}

static int op_alloc_unbound(struct domain *caller, union event_arg *a)
{
    struct evtchn_alloc_unbound *op = &a->alloc_unbound;
    domid_t remote = op->remote_dom == DOMID_SELF ? caller->id
                                                  : op->remote_dom;
    struct domain *d;
    int rc = get_managed(op->dom, &d);

    if (rc)
        return rc;
    rc = evtchn_alloc_unbound(d, remote, &op->port);
    domain_put(d);
    return rc;
}

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

static int op_status(union event_arg *a)
{
    struct domain *d;
    int rc = get_managed(a->status.dom, &d);

    if (rc)
        return rc;
    rc = evtchn_status(d, a->status.port, &a->status);
    domain_put(d);
    return rc;
}

static int op_reset(union event_arg *a)
{
    struct domain *d;
    int rc = get_managed(a->reset.dom, &d);

    if (rc)
        return rc;
    rc = evtchn_close_all(d);        /* -ERESTART: called again, the same */
    domain_put(d);
    return rc;
}

static int act(struct domain *d, unsigned int cmd, union event_arg *a)
{
    switch (cmd) {
    case EVTCHNOP_alloc_unbound:    return op_alloc_unbound(d, a);
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
    case EVTCHNOP_status:           return op_status(a);
    case EVTCHNOP_unmask:           return evtchn_unmask(d, a->unmask.port);
    case EVTCHNOP_reset:            return op_reset(a);
    default:                        return -ENOSYS;
    }
}

/* NO_PORT: the operation makes none. */
#define NO_PORT 0xff
#define ROW(op, reports, port_at) \
    [EVTCHNOP_##op] = { sizeof(struct evtchn_##op), reports, port_at }
#define ROW_PORT(op, field) ROW(op, true, offsetof(struct evtchn_##op, field))

static const struct {
    uint8_t size;
    bool reports;                    /* the argument goes back */
    uint8_t port_at;                 /* where the new port is in it */
} rows[] = {
    ROW_PORT(alloc_unbound, port),
    ROW_PORT(bind_interdomain, local_port),
    ROW_PORT(bind_virq, port),
    ROW_PORT(bind_ipi, port),
    ROW_PORT(bind_pirq, port),
    ROW(bind_vcpu, false, NO_PORT),
    ROW(close, false, NO_PORT),
    ROW(send, false, NO_PORT),
    ROW(status, true, NO_PORT),
    ROW(unmask, false, NO_PORT),
    ROW(reset, false, NO_PORT),
};

/* The guest cannot close a port that it never learnt. */
static void close_unreported(struct domain *d, unsigned int cmd,
                             const union event_arg *a)
{
    evtchn_port_t port;

    if (rows[cmd].port_at == NO_PORT)
        return;
    port = *(const evtchn_port_t *)((const char *)a + rows[cmd].port_at);
    if (cmd != EVTCHNOP_alloc_unbound) {
        evtchn_close(d, port);
    } else if (!get_managed(a->alloc_unbound.dom, &d)) {
        evtchn_close(d, port);
        domain_put(d);
    }
}

long do_event_channel_op(int cmd, void __guest *arg)
{
    struct domain *d = current->domain;
    unsigned int i = cmd;
    union event_arg a;
    int rc;

    if (i >= ARRAY_SIZE(rows) || !rows[i].size)
        return -ENOSYS;
    if (copy_from_guest(&a, arg, rows[i].size))
        return -EFAULT;
    rc = act(d, i, &a);
    if (!rc && rows[i].reports && copy_to_guest(arg, &a, rows[i].size)) {
        close_unreported(d, i, &a);
        rc = -EFAULT;
    }
    return rc;
}
