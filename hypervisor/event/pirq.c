/*
 * Physical interrupts as events of the hardware domain.
 *
 * A pirq is mapped (the domain may use the interrupt), then bound (it has a
 * port and a vector).  d->lock orders the steps, which call into x86/irq.c;
 * the interrupt handler sees a port under the event lock or sees none.
 */
#include "domain/domain.h"
#include "event/private.h"
#include "mm/buddy.h"
#include "x86/irq.h"

struct pirq {
    bool mapped, msi;                /* (d) */
    evtchn_port_t port;              /* (e) 0: not bound */
};

/* Of a pirq that d has; NULL. */
static struct pirq *pirq_of(struct domain *d, unsigned int pirq)
{
    if (!d->pirqs || pirq >= NR_IRQS || !d->pirqs[pirq].mapped)
        return NULL;
    return &d->pirqs[pirq];
}

static void pirq_arrived(void *data, unsigned int irq)
{
    struct domain *d = data;
    unsigned long flags = spin_lock_irqsave(&d->ev.lock);

    if (d->pirqs[irq].port)
        evtchn_set_pending(d, d->pirqs[irq].port);
    spin_unlock_irqrestore(&d->ev.lock, flags);
}

int pirq_map_gsi_locked(struct domain *d, unsigned int gsi)
{
    if (gsi >= MIN(nr_gsis, (unsigned int)NR_IRQS))
        return -EINVAL;
    d->pirqs[gsi].mapped = true;
    return 0;
}

int pirq_map_msi_locked(struct domain *d, const struct msi_desc *m,
                        unsigned int *ret_pirq)
{
    int rc = irq_alloc_msi(m, ret_pirq);

    if (!rc)
        d->pirqs[*ret_pirq] = (struct pirq){ .mapped = true, .msi = true };
    return rc;
}

/* Take the port from it, and the interrupt from the CPU. */
static void unbind_locked(struct domain *d, unsigned int pirq)
{
    struct pirq *p = &d->pirqs[pirq];
    unsigned long flags = spin_lock_irqsave(&d->ev.lock);
    evtchn_port_t port = p->port;

    p->port = 0;
    if (port)
        evtchn_free_locked(d, port);
    spin_unlock_irqrestore(&d->ev.lock, flags);
    if (port)
        irq_unbind(pirq);
}

int pirq_unmap_locked(struct domain *d, unsigned int pirq)
{
    struct pirq *p = pirq_of(d, pirq);

    if (!p)
        return -EINVAL;
    unbind_locked(d, pirq);
    if (p->msi)
        irq_free_msi(pirq);
    p->mapped = p->msi = false;
    return 0;
}

int pirq_bind(struct domain *d, unsigned int pirq, evtchn_port_t *ret_port)
{
    struct evtchn new = { .state = EVTCHNSTAT_pirq, .data = pirq };
    struct pirq *p;
    int rc = -EINVAL;

    if (!d->pirqs)
        return -EPERM;
    spin_lock(&d->lock);
    p = pirq_of(d, pirq);
    if (p)
        rc = evtchn_new(d, &new, &p->port, ret_port);
    if (!rc) {
        rc = irq_bind(pirq, pirq_arrived, d);
        if (rc)
            unbind_locked(d, pirq);
    }
    spin_unlock(&d->lock);
    return rc;
}

bool pirq_close(struct domain *d, evtchn_port_t port)
{
    unsigned int i = 0;

    if (!d->pirqs || !port)
        return false;
    spin_lock(&d->lock);
    while (i < NR_IRQS && d->pirqs[i].port != port)
        i++;
    if (i < NR_IRQS)
        unbind_locked(d, i);
    spin_unlock(&d->lock);
    return i < NR_IRQS;
}

void pirq_follow(struct domain *d, unsigned int pirq, const struct vcpu *v)
{
    spin_lock(&d->lock);
    if (pirq_of(d, pirq))
        irq_set_affinity(pirq, v->sched.cpu);
    spin_unlock(&d->lock);
}

int pirq_eoi_locked(struct domain *d, unsigned int pirq)
{
    struct pirq *p = pirq_of(d, pirq);

    if (p && p->port)
        irq_eoi(pirq);
    return p ? 0 : -EINVAL;
}

int pirq_needs_eoi_locked(struct domain *d, unsigned int pirq)
{
    return pirq_of(d, pirq) ? irq_needs_eoi(pirq) : -EINVAL;
}

void pirq_relinquish(struct domain *d)
{
    spin_lock(&d->lock);
    for (unsigned int i = 0; i < NR_IRQS; i++)
        pirq_unmap_locked(d, i);
    spin_unlock(&d->lock);
}

int pirq_init(struct domain *d)
{
    if (!d->hardware)
        return 0;
    d->pirqs = kzalloc(NR_IRQS * sizeof(*d->pirqs));
    return d->pirqs ? 0 : -ENOMEM;
}

void pirq_destroy(struct domain *d)
{
    kfree(d->pirqs);
}
