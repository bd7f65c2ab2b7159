/*
 * HYPERVISOR_event_channel_op.
 */
#include "domain/domain.h"
#include "domain/rights.h"
#include "event/private.h"
#include "mm/guest_copy.h"
#include "x86/percpu.h"

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

/* Tell the guest its new port; it cannot close one that it never learnt. */
static long report(struct domain *d, void __guest *arg, const void *op,
                   size_t size, evtchn_port_t port, int rc)
{
    if (!rc && copy_to_guest(arg, op, size)) {
        evtchn_close(d, port);
        rc = -EFAULT;
    }
    return rc;
}

static long op_alloc_unbound(struct domain *caller, void __guest *arg)
{
    struct evtchn_alloc_unbound op;
    struct domain *d;
    domid_t remote;
    long rc;

    if (copy_from_guest(&op, arg, sizeof(op)))
        return -EFAULT;
    rc = get_managed(op.dom, &d);
    if (rc)
        return rc;
    remote = op.remote_dom == DOMID_SELF ? caller->id : op.remote_dom;
    rc = evtchn_alloc_unbound(d, remote, &op.port);
    rc = report(d, arg, &op, sizeof(op), op.port, rc);
    domain_put(d);
    return rc;
}

static long op_bind_interdomain(struct domain *d, void __guest *arg)
{
    struct evtchn_bind_interdomain op;
    struct domain *rd;
    long rc;

    if (copy_from_guest(&op, arg, sizeof(op)))
        return -EFAULT;
    rd = domain_get_by_id(op.remote_dom);
    if (!rd)
        return -ESRCH;
    rc = evtchn_bind_interdomain(d, rd, op.remote_port, &op.local_port);
    rc = report(d, arg, &op, sizeof(op), op.local_port, rc);
    domain_put(rd);
    return rc;
}

static long op_bind_virq(struct domain *d, void __guest *arg)
{
    struct evtchn_bind_virq op;
    int rc;

    if (copy_from_guest(&op, arg, sizeof(op)))
        return -EFAULT;
    rc = evtchn_bind_virq(d, op.virq, op.vcpu, &op.port);
    return report(d, arg, &op, sizeof(op), op.port, rc);
}

static long op_bind_ipi(struct domain *d, void __guest *arg)
{
    struct evtchn_bind_ipi op;
    int rc;

    if (copy_from_guest(&op, arg, sizeof(op)))
        return -EFAULT;
    rc = evtchn_bind_ipi(d, op.vcpu, &op.port);
    return report(d, arg, &op, sizeof(op), op.port, rc);
}

static long op_bind_pirq(struct domain *d, void __guest *arg)
{
    struct evtchn_bind_pirq op;
    int rc;

    if (copy_from_guest(&op, arg, sizeof(op)))
        return -EFAULT;
    rc = d->hardware ? pirq_bind(d, op.pirq, &op.port) : -EPERM;
    return report(d, arg, &op, sizeof(op), op.port, rc);
}

static long op_close(struct domain *d, void __guest *arg)
{
    struct evtchn_close op;

    if (copy_from_guest(&op, arg, sizeof(op)))
        return -EFAULT;
    return evtchn_close(d, op.port);
}

static long op_send(struct domain *d, void __guest *arg)
{
    struct evtchn_send op;

    if (copy_from_guest(&op, arg, sizeof(op)))
        return -EFAULT;
    return evtchn_send(d, op.port);
}

static long op_status(struct domain *caller, void __guest *arg)
{
    struct evtchn_status op;
    struct domain *d;
    long rc;

    (void)caller;
    if (copy_from_guest(&op, arg, sizeof(op)))
        return -EFAULT;
    rc = get_managed(op.dom, &d);
    if (rc)
        return rc;
    if (op.port < d->ev.max_ports) {
        evtchn_status(d, op.port, &op);
        rc = copy_to_guest(arg, &op, sizeof(op)) ? -EFAULT : 0;
    } else {
        rc = -EINVAL;
    }
    domain_put(d);
    return rc;
}

static long op_bind_vcpu(struct domain *d, void __guest *arg)
{
    struct evtchn_bind_vcpu op;

    if (copy_from_guest(&op, arg, sizeof(op)))
        return -EFAULT;
    return evtchn_bind_vcpu(d, op.port, op.vcpu);
}

static long op_unmask(struct domain *d, void __guest *arg)
{
    struct evtchn_unmask op;

    if (copy_from_guest(&op, arg, sizeof(op)))
        return -EFAULT;
    return evtchn_unmask(d, op.port);
}

static long op_reset(struct domain *caller, void __guest *arg)
{
    struct evtchn_reset op;
    struct domain *d;
    long rc;

    (void)caller;
    if (copy_from_guest(&op, arg, sizeof(op)))
        return -EFAULT;
    rc = get_managed(op.dom, &d);
    if (rc)
        return rc;
    rc = evtchn_close_all(d);        /* -ERESTART: called again, the same */
    domain_put(d);
    return rc;
}

typedef long op_fn(struct domain *d, void __guest *arg);

static op_fn *const ops[] = {
    [EVTCHNOP_bind_interdomain] = op_bind_interdomain,
    [EVTCHNOP_bind_virq] = op_bind_virq,
    [EVTCHNOP_bind_pirq] = op_bind_pirq,
    [EVTCHNOP_close] = op_close,
    [EVTCHNOP_send] = op_send,
    [EVTCHNOP_status] = op_status,
    [EVTCHNOP_alloc_unbound] = op_alloc_unbound,
    [EVTCHNOP_bind_ipi] = op_bind_ipi,
    [EVTCHNOP_bind_vcpu] = op_bind_vcpu,
    [EVTCHNOP_unmask] = op_unmask,
    [EVTCHNOP_reset] = op_reset,
};

long do_event_channel_op(int cmd, void __guest *arg)
{
    unsigned int i = cmd;

    if (i >= ARRAY_SIZE(ops) || !ops[i])
        return -ENOSYS;
    return ops[i](current->domain, arg);
}
