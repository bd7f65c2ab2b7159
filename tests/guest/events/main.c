/*
 * Event channels: ports of one's own, masks, upcalls, limits.
 */
#include "guest.h"

static long op(unsigned long cmd, void *arg)
{
    return HC(event_channel_op, cmd, arg);
}

static void unmask(void)
{
    shared_info->vcpu_info[0].evtchn_upcall_mask = 0;
    if (shared_info->vcpu_info[0].evtchn_upcall_pending)
        HC(xen_version, (unsigned long)XENVER_version, 0UL);
}

static bool pending(unsigned int port)
{
    return shared_info->evtchn_pending[port / 64] & (1UL << (port % 64));
}

static void clear(unsigned int port)
{
    shared_info->evtchn_pending[port / 64] &= ~(1UL << (port % 64));
    shared_info->vcpu_info[0].evtchn_pending_sel = 0;
    shared_info->vcpu_info[0].evtchn_upcall_pending = 0;
}

static void test_loop(void)
{
    struct evtchn_alloc_unbound a = { .dom = DOMID_SELF,
                                      .remote_dom = DOMID_SELF };
    struct evtchn_bind_interdomain b = { .remote_dom = DOMID_SELF };
    struct evtchn_status s = { .dom = DOMID_SELF };
    struct evtchn_send send;
    struct evtchn_close close;

    check_eq(op(EVTCHNOP_alloc_unbound, &a), 0, "an unbound port");
    check(a.port > 0, "its number is not 0");
    b.remote_port = a.port;
    check_eq(op(EVTCHNOP_bind_interdomain, &b), 0, "bound to another of ours");
    s.port = b.local_port;
    check_eq(op(EVTCHNOP_status, &s), 0, "its status");
    check_eq(s.status, EVTCHNSTAT_interdomain, "is interdomain");

    check(pending(b.local_port), "which starts pending: nothing is lost");
    clear(b.local_port);
    nr_events = 0;
    send.port = b.local_port;
    check_eq(op(EVTCHNOP_send, &send), 0, "send");
    check(pending(a.port), "the other end is pending");
    check(!pending(b.local_port), "this end is not");
    check_eq(nr_events, 0, "no upcall while the vcpu masks them");
    unmask();
    check_eq(nr_events, 1, "one upcall after");
    clear(a.port);

    shared_info->evtchn_mask[a.port / 64] |= 1UL << (a.port % 64);
    nr_events = 0;
    op(EVTCHNOP_send, &send);
    check(pending(a.port), "a masked port becomes pending");
    check_eq(nr_events, 0, "and calls nobody");
    check_eq(op(EVTCHNOP_unmask, &(struct evtchn_unmask){ a.port }), 0,
             "unmask it");
    check_eq(nr_events, 1, "then it calls");
    clear(a.port);

    close.port = a.port;
    check_eq(op(EVTCHNOP_close, &close), 0, "close one end");
    check_eq(op(EVTCHNOP_status, &s), 0, "the other end");
    check_eq(s.status, EVTCHNSTAT_unbound, "is unbound again");
    close.port = b.local_port;
    check_eq(op(EVTCHNOP_close, &close), 0, "close it");
    check_eq(op(EVTCHNOP_close, &close), -XEN_EINVAL, "not twice");
    check_eq(op(EVTCHNOP_send, &send), -XEN_EINVAL, "nor send to it");
}

static void test_bindings(void)
{
    struct evtchn_bind_virq v = { .virq = VIRQ_TIMER };
    struct evtchn_bind_ipi i = { .vcpu = 0 };
    struct evtchn_send send;

    check_eq(op(EVTCHNOP_bind_virq, &v), 0, "bind the timer");
    check_eq(op(EVTCHNOP_bind_virq, &v), -XEN_EEXIST, "once");
    v.virq = 1000;
    check_eq(op(EVTCHNOP_bind_virq, &v), -XEN_EINVAL, "no such VIRQ");
    v.virq = VIRQ_DEBUG;
    v.vcpu = 77;
    check_eq(op(EVTCHNOP_bind_virq, &v), -XEN_ENOENT, "no such vcpu");
    check_eq(op(EVTCHNOP_bind_ipi, &i), 0, "an IPI port");
    nr_events = 0;
    send.port = i.port;
    check_eq(op(EVTCHNOP_send, &send), 0, "send to oneself");
    check(nr_events == 1 && pending(i.port), "and be called");
    clear(i.port);
    i.vcpu = 99;
    check_eq(op(EVTCHNOP_bind_ipi, &i), -XEN_ENOENT, "no such vcpu");
}

static void test_refusals(void)
{
    struct evtchn_bind_interdomain b = { .remote_dom = 999,
                                         .remote_port = 1 };
    struct evtchn_status s = { .dom = DOMID_SELF, .port = 1000000 };
    struct evtchn_send send = { .port = 0 };

    check_eq(op(EVTCHNOP_bind_interdomain, &b), -XEN_ESRCH, "no such domain");
    b.remote_dom = DOMID_SELF;
    b.remote_port = 4000;
    check_eq(op(EVTCHNOP_bind_interdomain, &b), -XEN_EINVAL, "no such port");
    check_eq(op(EVTCHNOP_status, &s), -XEN_EINVAL, "no status of no port");
    check_eq(op(EVTCHNOP_send, &send), -XEN_EINVAL, "port 0 is none");
    check_eq(op(9999, &send), -XEN_ENOSYS, "no such operation");
}

/* Every port that there is, and then an error; all can be closed again. */
static void test_exhaust(void)
{
    struct evtchn_alloc_unbound a = { .dom = DOMID_SELF,
                                      .remote_dom = DOMID_SELF };
    unsigned int n = 0, first = 0, closed = 0;
    long rc;

    while (!(rc = op(EVTCHNOP_alloc_unbound, &a)) && n < 200000) {
        if (!n++)
            first = a.port;
    }
    check_eq(rc, -XEN_ENOSPC, "in the end there is no port left");
    check(n > 1000, "after %u of them", n);
    for (; closed < n; first++)
        if (!op(EVTCHNOP_close, &(struct evtchn_close){ first }))
            closed++;
        else if (first > 300000)
            break;
    check_eq(closed, n, "all are closed");
}

void test_main(void)
{
    test_loop();
    test_bindings();
    test_refusals();
    test_exhaust();
}
