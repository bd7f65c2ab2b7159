/*
 * Event channels: the ports of a domain and what is bound to them.
 */
#ifndef EVENT_EVTCHN_H
#define EVENT_EVTCHN_H

#include "lib/abi.h"
#include "x86/spinlock.h"

struct domain;
struct vcpu;
struct evtchn_ops;
struct evtchn;

/* (c) constant after create  (e) under lock  (a) atomic, read without it */
struct evtchn_table {
    struct spinlock lock;                /* LOCK_EVTCHN */
    const struct evtchn_ops *ops;    /* (e) changes once, 2-level to FIFO */
    struct evtchn **bucket;          /* (c) the array; the buckets: (e) */
    unsigned int nr_ports;           /* (a) only grows */
    unsigned int max_ports;          /* (c) */
    void *fifo;                      /* (e) */
};

struct vcpu_events {
    evtchn_port_t virq_port[NR_VIRQS];   /* (e) 0: none */
    evtchn_port_t poll_port;
    void *fifo;                          /* (e) control block */
};

/* Physical interrupts that a domain may bind: pirq.c. */
struct domain_pirqs {
    struct pirq *table;              /* by number, NULL for guests */
    unsigned long *eoi_map;          /* shared page: bit set: needs EOI */
};

int evtchn_init(struct domain *d, unsigned int max_ports);
/* Close every port, in bounded steps: -ERESTART. */
int evtchn_relinquish(struct domain *d);
void evtchn_destroy(struct domain *d);

int evtchn_alloc_unbound(struct domain *d, domid_t remote,
                         evtchn_port_t *ret_port);
int evtchn_close(struct domain *d, evtchn_port_t port);
int evtchn_send(struct domain *d, evtchn_port_t port);
int evtchn_bind_virq(struct domain *d, unsigned int virq, unsigned int vcpu,
                     evtchn_port_t *ret_port);
/* Nothing if the guest has not bound it. */
void evtchn_send_virq(struct vcpu *v, unsigned int virq);
/* A virq of the whole system (DOM_EXC, CON_RING, ...) to the domain that
 * bound it, or to the hardware domain's vcpu 0. */
void evtchn_send_global_virq(unsigned int virq);
/* Mark an event pending for the vcpu: upcall flag, then kick. */
void vcpu_mark_events(struct vcpu *v);
bool evtchn_port_pending(struct domain *d, evtchn_port_t port);
void evtchn_show(struct domain *d);

long do_event_channel_op(int cmd, void __guest *arg);
long do_physdev_op(int cmd, void __guest *arg);

int pirq_init(struct domain *d);
void pirq_destroy(struct domain *d);

#endif
