/*
 * The 2-level ABI: bits in shared_info, and a word in vcpu_info that says
 * which words of them to look at.
 *
 * A sender sets pending, reads mask, sets the selector, sets upcall_pending;
 * a guest clears upcall_pending, takes the selector, reads pending and mask.
 * A guest that unmasks looks at pending after that.  So each step here is an
 * atomic operation with a full barrier.
 */
#include "event/private.h"
#include "x86/atomic.h"

static void notify(struct domain *d, evtchn_port_t port, struct evtchn *chn)
{
    struct vcpu *v = d->vcpu[READ_ONCE(chn->vcpu)];

    if (!test_and_set_bit(port / 64, &v->info->evtchn_pending_sel))
        vcpu_mark_events(v);
}

static bool set_pending(struct domain *d, evtchn_port_t port,
                        struct evtchn *chn)
{
    if (test_and_set_bit(port, d->shared->evtchn_pending))
        return false;
    if (!test_bit(port, d->shared->evtchn_mask))
        notify(d, port, chn);
    return true;
}

static void clear_pending(struct domain *d, evtchn_port_t port,
                          struct evtchn *chn)
{
    (void)chn;
    test_and_clear_bit(port, d->shared->evtchn_pending);
}

static void unmask(struct domain *d, evtchn_port_t port, struct evtchn *chn)
{
    if (test_and_clear_bit(port, d->shared->evtchn_mask) &&
        test_bit(port, d->shared->evtchn_pending))
        notify(d, port, chn);
}

static bool is_pending(const struct domain *d, evtchn_port_t port)
{
    return test_bit(port, d->shared->evtchn_pending);
}

const struct evtchn_ops evtchn_2l_ops = {
    .max_ports = EVTCHN_2L_NR_CHANNELS,
    .set_pending = set_pending,
    .clear_pending = clear_pending,
    .unmask = unmask,
    .is_pending = is_pending,
};
