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
struct evtchn_fifo;
struct evtchn;
struct msi_desc;

/*
 * (c) constant after create  (e) under lock  (a) atomic, read without it
 */
struct evtchn_table {
    struct spinlock lock;                /* LOCK_EVTCHN */
    const struct evtchn_ops *ops;    /* (e) to FIFO while ports are in use,
                                        to 2-level when none is */
    struct evtchn_fifo *fifo;        /* (e) NULL: 2-level */
    struct evtchn *port;             /* (c) the array; what is in it: (e) */
    unsigned int nr_ports;           /* (c) in use or not */
    unsigned int nr_used;            /* (e) of these */
    unsigned int first_free;         /* (e) no port below it is free */
    vcpumask_t pollers;              /* (a) vcpus in SCHEDOP_poll */
};

/* (e) lock of the domain's table  (o) the vcpu itself */
struct vcpu_events {
    evtchn_port_t virq_port[NR_VIRQS];   /* (e) 0: none */
    evtchn_port_t poll_port;             /* (o) 0: several */
};

int evtchn_init(struct domain *d, unsigned int max_port);
/* Close all ports and go back to 2-level, in bounded steps: -ERESTART. */
int evtchn_reset(struct domain *d);
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
/* 1: pending, 0: not, -EINVAL: nobody has allocated it. */
int evtchn_port_pending(struct domain *d, evtchn_port_t port);

long do_event_channel_op(int cmd, void __guest *arg);
long do_physdev_op(int cmd, void __guest *arg);

/*
 * pirq.c.  A pirq has the number of the machine's interrupt; only the
 * hardware domain has any.  With _locked, the caller holds d->lock.
 */
int pirq_init(struct domain *d);
/* Unmap all. */
void pirq_relinquish(struct domain *d);
void pirq_destroy(struct domain *d);
/* Give the hardware domain an interrupt.  -EINVAL; -ENOSPC. */
int pirq_map_gsi_locked(struct domain *d, unsigned int gsi);
int pirq_map_msi_locked(struct domain *d, const struct msi_desc *m,
                        unsigned int *ret_pirq);
/* Take it back, closing its port.  These four: -EINVAL: d has it not. */
int pirq_unmap_locked(struct domain *d, unsigned int pirq);
/* -EPERM: not the hardware domain; -EEXIST: it has a port; -EBUSY, -ENOSPC:
 * no vector. */
int pirq_bind(struct domain *d, unsigned int pirq, evtchn_port_t *ret_port);
int pirq_eoi_locked(struct domain *d, unsigned int pirq);
int pirq_needs_eoi_locked(struct domain *d, unsigned int pirq);    /* 0, 1 */

#endif
