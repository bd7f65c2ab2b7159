/*
 * How a port's state is shown to the guest: what each of the two ABIs, 2-level
 * and FIFO, implements.  The sender's lock is held, which keeps the port bound;
 * the receiver's need not be.
 */
#ifndef EVENT_OPS_H
#define EVENT_OPS_H

#include "lib/abi.h"

struct domain;
struct evtchn;

struct evtchn_ops {
    unsigned int max_ports;
    /* Make the port pending and tell its vcpu; false: it was already. */
    bool (*set_pending)(struct domain *d, evtchn_port_t port,
                        struct evtchn *chn);
    void (*clear_pending)(struct domain *d, evtchn_port_t port,
                          struct evtchn *chn);
    /* Unmask, and tell the vcpu if it is pending. */
    void (*unmask)(struct domain *d, evtchn_port_t port, struct evtchn *chn);
    bool (*is_pending)(const struct domain *d, evtchn_port_t port);
    /* The guest has still to take it out of a queue: it cannot be given to
     * something else.  NULL: there are no queues. */
    bool (*is_queued)(const struct domain *d, evtchn_port_t port);
};

extern const struct evtchn_ops evtchn_2l_ops;

#endif
