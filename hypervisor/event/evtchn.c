/*
 * Ports: allocate, bind, send, close.
 *
 * Binding and closing take the locks of both ends.  A send takes the sender's
 * alone: that keeps the channel together, and the receiver's bits change
 * atomically, its queues under a lock of their own.
 */
#include "domain/domain.h"
#include "event/private.h"
#include "lib/string.h"
#include "mm/buddy.h"
#include "x86/atomic.h"
#include "x86/percpu.h"

/* Lock one table or, in order of domid, two; rd may be NULL or d. */
static unsigned long lock_pair(struct domain *d, struct domain *rd)
{
    struct domain *first = !rd || d->id <= rd->id ? d : rd;
    struct domain *second = first == d ? rd : d;
    unsigned long flags = spin_lock_irqsave(&first->ev.lock);

    if (second && second != first)
        spin_lock(&second->ev.lock);
    return flags;
}

static void unlock_pair(struct domain *d, struct domain *rd,
                        unsigned long flags)
{
    if (rd && rd != d)
        spin_unlock(&rd->ev.lock);
    spin_unlock_irqrestore(&d->ev.lock, flags);
}

int evtchn_alloc_locked(struct domain *d, const struct evtchn *new,
                        evtchn_port_t *ret_port)
{
    struct evtchn_table *t = &d->ev;
    evtchn_port_t port = t->first_free;
    evtchn_port_t end = MIN(t->nr_ports, t->ops->max_ports);
    struct evtchn *chn;
    unsigned int queue;

    if (READ_ONCE(d->dying))
        return -ESRCH;
    while (port < end && evtchn_used(d, port))
        port++;
    t->first_free = port;
    while (port < end && (evtchn_used(d, port) ||
                          (t->ops->is_queued && t->ops->is_queued(d, port))))
        port++;
    if (port == end)
        return -ENOSPC;
    chn = evtchn_at(d, port);
    queue = chn->queue;
    *chn = *new;
    chn->queue = queue;
    chn->priority = EVTCHN_FIFO_PRIORITY_DEFAULT;
    t->nr_used++;
    *ret_port = port;
    return 0;
}

int evtchn_new(struct domain *d, const struct evtchn *new,
               evtchn_port_t *slot, evtchn_port_t *ret_port)
{
    unsigned long flags = spin_lock_irqsave(&d->ev.lock);
    int rc = slot && *slot ? -EEXIST : evtchn_alloc_locked(d, new, ret_port);

    if (!rc && slot)
        *slot = *ret_port;
    spin_unlock_irqrestore(&d->ev.lock, flags);
    return rc;
}

void evtchn_free_locked(struct domain *d, evtchn_port_t port)
{
    struct evtchn *chn = evtchn_at(d, port);

    d->ev.ops->clear_pending(d, port, chn);
    *chn = (struct evtchn){ .state = EVTCHNSTAT_closed, .queue = chn->queue };
    d->ev.nr_used--;
    d->ev.first_free = MIN(d->ev.first_free, port);
}

static void wake_pollers(struct domain *d, evtchn_port_t port)
{
    vcpumask_t mask = READ_ONCE(d->ev.pollers);

    for (; mask; mask &= mask - 1) {
        struct vcpu *v = d->vcpu[__builtin_ctzl(mask)];
        evtchn_port_t only = READ_ONCE(v->ev.poll_port);

        if (!only || only == port)
            vcpu_unblock(v, VPF_POLL);
    }
}

void evtchn_set_pending(struct domain *d, evtchn_port_t port)
{
    const struct evtchn_ops *ops;
    bool news = false;

    do {
        ops = READ_ONCE(d->ev.ops);
        news |= ops->set_pending(d, port, evtchn_at(d, port));
        /* Full barrier in it: pairs with the switch to FIFO, ops then bits. */
    } while (unlikely(ops != READ_ONCE(d->ev.ops)));
    if (news && unlikely(READ_ONCE(d->ev.pollers)))
        wake_pollers(d, port);
}

void vcpu_mark_events(struct vcpu *v)
{
    /* It was marked: then it has been kicked, or holds events off. */
    if (!xchg(&READ_ONCE(v->info)->evtchn_upcall_pending, 1))
        vcpu_kick(v);
}

int evtchn_alloc_unbound(struct domain *d, domid_t remote,
                         evtchn_port_t *ret_port)
{
    struct evtchn new = { .state = EVTCHNSTAT_unbound, .remote_id = remote };

    return evtchn_new(d, &new, NULL, ret_port);
}

int evtchn_bind_interdomain(struct domain *d, struct domain *rd,
                            evtchn_port_t remote_port, evtchn_port_t *ret_port)
{
    struct evtchn new = { .state = EVTCHNSTAT_interdomain, .remote = rd,
                          .data = remote_port };
    unsigned long flags = lock_pair(d, rd);
    struct evtchn *remote = evtchn_used(rd, remote_port);
    int rc = -EINVAL;

    if (remote && remote->state == EVTCHNSTAT_unbound &&
        remote->remote_id == d->id && !rd->dying)
        rc = evtchn_alloc_locked(d, &new, ret_port);
    if (!rc) {
        remote->remote = d;
        remote->data = *ret_port;
        remote->state = EVTCHNSTAT_interdomain;
        /* The other end may have sent before: nothing gets lost. */
        evtchn_set_pending(d, *ret_port);
    }
    unlock_pair(d, rd, flags);
    return rc;
}

int evtchn_bind_ipi(struct domain *d, unsigned int vcpu,
                    evtchn_port_t *ret_port)
{
    struct evtchn new = { .state = EVTCHNSTAT_ipi, .vcpu = vcpu };

    return domain_vcpu(d, vcpu) ? evtchn_new(d, &new, NULL, ret_port) : -ENOENT;
}

/* Undo what the port's state means elsewhere, and free it. */
static void close_locked(struct domain *d, evtchn_port_t port)
{
    struct evtchn *chn = evtchn_at(d, port), *remote;

    if (chn->state == EVTCHNSTAT_interdomain) {
        remote = evtchn_at(chn->remote, chn->data);
        remote->state = EVTCHNSTAT_unbound;
        remote->remote = NULL;
        remote->remote_id = d->id;
        remote->data = 0;
    } else if (chn->state == EVTCHNSTAT_virq) {
        unsigned int vcpu = virq_is_global(chn->data) ? 0 : chn->vcpu;

        d->vcpu[vcpu]->ev.virq_port[chn->data] = 0;
    }
    evtchn_free_locked(d, port);
}

int evtchn_close(struct domain *d, evtchn_port_t port)
{
    struct domain *rd = NULL, *peer;
    struct evtchn *chn;
    unsigned long flags;
    int rc = -EINVAL;

    if (pirq_close(d, port))
        return 0;
    for (;;) {
        flags = lock_pair(d, rd);
        chn = evtchn_used(d, port);
        if (!chn || chn->state != EVTCHNSTAT_interdomain ||
            chn->remote == d || chn->remote == rd)
            break;
        peer = chn->remote;
        domain_get(peer);            /* alive while a channel leads to it */
        unlock_pair(d, rd, flags);
        if (rd)
            domain_put(rd);
        rd = peer;
    }
    if (chn && chn->state != EVTCHNSTAT_pirq) {
        close_locked(d, port);
        rc = 0;
    }
    unlock_pair(d, rd, flags);
    if (rd)
        domain_put(rd);
    return rc;
}

int evtchn_send(struct domain *d, evtchn_port_t port)
{
    unsigned long flags = spin_lock_irqsave(&d->ev.lock);
    struct evtchn *chn = evtchn_used(d, port);
    int rc = 0;

    stat_inc(STAT_EVTCHN_SEND);
    if (!chn)
        rc = -EINVAL;
    else if (chn->state == EVTCHNSTAT_interdomain)
        evtchn_set_pending(chn->remote, chn->data);
    else if (chn->state == EVTCHNSTAT_ipi)
        evtchn_set_pending(d, port);
    else if (chn->state != EVTCHNSTAT_unbound)
        rc = -EINVAL;
    spin_unlock_irqrestore(&d->ev.lock, flags);
    return rc;
}

int evtchn_status(struct domain *d, evtchn_port_t port,
                  struct evtchn_status *ret_status)
{
    struct evtchn_status *s = ret_status;
    struct evtchn *chn;
    unsigned long flags;

    if (port >= d->ev.nr_ports)
        return -EINVAL;
    flags = spin_lock_irqsave(&d->ev.lock);
    chn = evtchn_used(d, port);
    s->status = chn ? chn->state : EVTCHNSTAT_closed;
    s->vcpu = chn ? chn->vcpu : 0;
    if (s->status == EVTCHNSTAT_unbound) {
        s->u.unbound.dom = chn->remote_id;
    } else if (s->status == EVTCHNSTAT_interdomain) {
        s->u.interdomain.dom = chn->remote->id;
        s->u.interdomain.port = chn->data;
    } else if (chn) {
        s->u.virq = chn->data;       /* or pirq: the same place */
    }
    spin_unlock_irqrestore(&d->ev.lock, flags);
    return 0;
}

int evtchn_bind_vcpu(struct domain *d, evtchn_port_t port, unsigned int vcpu)
{
    struct vcpu *v = domain_vcpu(d, vcpu);
    struct evtchn *chn;
    unsigned long flags;
    int rc = 0, pirq = -1;

    if (!v)
        return -ENOENT;
    flags = spin_lock_irqsave(&d->ev.lock);
    chn = evtchn_used(d, port);
    if (!chn || chn->state == EVTCHNSTAT_ipi ||
        (chn->state == EVTCHNSTAT_virq && !virq_is_global(chn->data)))
        rc = -EINVAL;
    else
        WRITE_ONCE(chn->vcpu, vcpu);
    if (!rc && chn->state == EVTCHNSTAT_pirq)
        pirq = chn->data;
    spin_unlock_irqrestore(&d->ev.lock, flags);
    if (pirq >= 0)
        pirq_follow(d, pirq, v);
    return rc;
}

int evtchn_unmask(struct domain *d, evtchn_port_t port)
{
    unsigned long flags = spin_lock_irqsave(&d->ev.lock);
    struct evtchn *chn = evtchn_used(d, port);

    if (chn)
        d->ev.ops->unmask(d, port, chn);
    spin_unlock_irqrestore(&d->ev.lock, flags);
    return chn ? 0 : -EINVAL;
}

int evtchn_port_pending(struct domain *d, evtchn_port_t port)
{
    unsigned long flags = spin_lock_irqsave(&d->ev.lock);
    int rc = evtchn_used(d, port) ? d->ev.ops->is_pending(d, port) : -EINVAL;

    spin_unlock_irqrestore(&d->ev.lock, flags);
    return rc;
}

int evtchn_reset(struct domain *d)
{
    struct evtchn_table *t = &d->ev;
    struct evtchn_fifo *f = NULL;
    unsigned long flags;
    bool done;

    for (evtchn_port_t port = 1; port < t->nr_ports; port++) {
        if (!evtchn_used(d, port))
            continue;
        evtchn_close(d, port);
        if (hypercall_should_yield())
            return -ERESTART;
    }
    flags = spin_lock_irqsave(&t->lock);
    done = !t->nr_used;              /* else some were bound meanwhile */
    if (done && t->fifo) {
        f = t->fifo;
        t->fifo = NULL;
        t->ops = &evtchn_2l_ops;
        memset(d->shared->evtchn_pending, 0, sizeof(d->shared->evtchn_pending));
    }
    spin_unlock_irqrestore(&t->lock, flags);
    if (f)
        evtchn_fifo_destroy(d, f);
    return done ? 0 : -ERESTART;
}

int evtchn_init(struct domain *d, unsigned int max_port)
{
    struct evtchn_table *t = &d->ev;

    spin_lock_init(&t->lock, LOCK_EVTCHN);
    t->ops = &evtchn_2l_ops;
    t->nr_ports = MIN(max_port, EVTCHN_FIFO_NR_CHANNELS - 1U) + 1;
    t->first_free = 1;               /* port 0 means none */
    t->port = kzalloc(t->nr_ports * sizeof(*t->port));
    return t->port ? 0 : -ENOMEM;
}

void evtchn_destroy(struct domain *d)
{
    kfree(d->ev.port);
}
