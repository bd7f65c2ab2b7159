/*
 * Between the files of event/: what a port is.
 */
#ifndef EVENT_PRIVATE_H
#define EVENT_PRIVATE_H

#include "domain/domain.h"
#include "event/ops.h"

/* (q) lock of the domain's queues, FIFO only; the rest (e), or see there */
struct evtchn {
    union {
        struct domain *remote;       /* interdomain */
        domid_t remote_id;           /* unbound */
    };
    uint32_t data;                   /* remote port, virq or pirq */
    uint8_t state : 4;               /* EVTCHNSTAT_* */
    uint8_t priority : 4;            /* read without it, too */
    uint8_t vcpu;                    /* (a) who is told */
    uint16_t late : 1;               /* (q) came before its word was there */
    uint16_t queue : 15;             /* (q) where it was put last; outlives
                                        the port's use */
};
_Static_assert(sizeof(struct evtchn) == 16, "there are many");

/* Of a port below nr_ports. */
static inline struct evtchn *evtchn_at(const struct domain *d,
                                       evtchn_port_t port)
{
    return &d->ev.port[port];
}

/* Of a port that is in use; else NULL. */
static inline struct evtchn *evtchn_used(const struct domain *d,
                                         evtchn_port_t port)
{
    if (port >= d->ev.nr_ports ||
        evtchn_at(d, port)->state == EVTCHNSTAT_closed)
        return NULL;
    return evtchn_at(d, port);
}

/* Take the lowest free port for what new says.  -ENOSPC; -ESRCH: d is dying. */
int evtchn_alloc_locked(struct domain *d, const struct evtchn *new,
                        evtchn_port_t *ret_port);
/* The same, taking the lock.  *slot, if not NULL, is where the port is noted
 * under it; -EEXIST: there is one. */
int evtchn_new(struct domain *d, const struct evtchn *new,
               evtchn_port_t *slot, evtchn_port_t *ret_port);
void evtchn_free_locked(struct domain *d, evtchn_port_t port);
/* Under the lock of the domain that sends. */
void evtchn_set_pending(struct domain *d, evtchn_port_t port);

/* Operations that only EVENT_CHANNEL_OP needs. */
int evtchn_bind_interdomain(struct domain *d, struct domain *rd,
                            evtchn_port_t remote_port, evtchn_port_t *ret_port);
int evtchn_bind_ipi(struct domain *d, unsigned int vcpu,
                    evtchn_port_t *ret_port);
int evtchn_bind_vcpu(struct domain *d, evtchn_port_t port, unsigned int vcpu);
/* A port that is not in use is closed.  -EINVAL: beyond d's limit. */
int evtchn_status(struct domain *d, evtchn_port_t port,
                  struct evtchn_status *ret_status);
int evtchn_unmask(struct domain *d, evtchn_port_t port);

/*
 * evtchn_fifo.c.  The control block of a vcpu; the first one switches d from
 * 2-level to FIFO.  -ENOENT: no such vcpu; -EINVAL: it has one, or the place
 * is none; -ENOMEM.
 */
int evtchn_init_control(struct domain *d, struct evtchn_init_control *op);
/* The next page of event words.  -EOPNOTSUPP: not FIFO; -EINVAL; -ENOSPC. */
int evtchn_expand_array(struct domain *d, gfn_t gfn);
/* -ENOSYS: not FIFO; -EINVAL. */
int evtchn_set_priority(struct domain *d, evtchn_port_t port,
                        unsigned int priority);
/* What d had as its d->ev.fifo, and no more. */
void evtchn_fifo_destroy(struct domain *d, struct evtchn_fifo *f);

/* virq.c: one for the whole system, always noted at vcpu 0? */
bool virq_is_global(unsigned int virq);

/* pirq.c: close a port if it is a pirq's, false: it is not; send the interrupt
 * where v runs. */
bool pirq_close(struct domain *d, evtchn_port_t port);
void pirq_follow(struct domain *d, unsigned int pirq, const struct vcpu *v);

#endif
