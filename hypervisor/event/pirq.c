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
#include "mm/frame_table.h"
#include "mm/page_type.h"
#include "x86/atomic.h"
#include "x86/irq.h"

struct pirq {
    bool mapped, msi;                /* (d) */
    evtchn_port_t port;              /* (e) 0: not bound */
};

/* Of a pirq that d has; NULL. */
static struct pirq *pirq_of(struct domain *d, unsigned int pirq)
{
    if (!d->pirq.table || pirq >= NR_IRQS || !d->pirq.table[pirq].mapped)
        return NULL;
    return &d->pirq.table[pirq];
}

static void pirq_arrived(void *data, unsigned int irq)
{
    struct domain *d = data;
    evtchn_port_t port;
    unsigned long flags = spin_lock_irqsave(&d->ev.lock);

    port = d->pirq.table[irq].port;
    if (port)
        evtchn_set_pending(d, port);
    spin_unlock_irqrestore(&d->ev.lock, flags);
}

/* The guest reads the bit after each interrupt: it needs no other store. */
static void show_eoi_locked(struct domain *d, unsigned int pirq, bool needed)
{
    unsigned long *map;

    if (!d->pirq.eoi_pg)
        return;
    map = page_to_virt(d->pirq.eoi_pg);
    if (needed)
        test_and_set_bit(pirq, map);
    else
        test_and_clear_bit(pirq, map);
}

int pirq_map_gsi(struct domain *d, unsigned int gsi)
{
    if (!d->pirq.table)
        return -EPERM;
    if (gsi >= MIN(nr_gsis, (unsigned int)NR_IRQS))
        return -EINVAL;
    spin_lock(&d->lock);
    d->pirq.table[gsi].mapped = true;
    spin_unlock(&d->lock);
    return 0;
}

int pirq_map_msi(struct domain *d, const struct msi_desc *m,
                 unsigned int *ret_pirq)
{
    unsigned int irq;
    int rc;

    if (!d->pirq.table)
        return -EPERM;
    spin_lock(&d->lock);
    rc = irq_alloc_msi(m, &irq);
    if (!rc) {
        d->pirq.table[irq] = (struct pirq){ .mapped = true, .msi = true };
        *ret_pirq = irq;
    }
    spin_unlock(&d->lock);
    return rc;
}

/* Take the port from it, and the interrupt from the CPU. */
static void unbind_locked(struct domain *d, unsigned int pirq)
{
    struct pirq *p = &d->pirq.table[pirq];
    unsigned long flags = spin_lock_irqsave(&d->ev.lock);
    evtchn_port_t port = p->port;

    p->port = 0;
    if (port)
        evtchn_free_locked(d, port);
    spin_unlock_irqrestore(&d->ev.lock, flags);
    if (port) {
        irq_unbind(pirq);
        show_eoi_locked(d, pirq, false);
    }
}

static void unmap_locked(struct domain *d, unsigned int pirq)
{
    struct pirq *p = &d->pirq.table[pirq];

    unbind_locked(d, pirq);
    if (p->msi)
        irq_free_msi(pirq);
    p->mapped = p->msi = false;
}

int pirq_unmap(struct domain *d, unsigned int pirq)
{
    bool mapped;

    spin_lock(&d->lock);
    mapped = pirq_of(d, pirq);
    if (mapped)
        unmap_locked(d, pirq);
    spin_unlock(&d->lock);
    return mapped ? 0 : -EINVAL;
}

static int take_port(struct domain *d, unsigned int pirq, struct pirq *p)
{
    unsigned long flags = spin_lock_irqsave(&d->ev.lock);
    evtchn_port_t port;
    int rc = p->port ? -EEXIST : evtchn_alloc_locked(d, &port);

    if (!rc) {
        evtchn_at(d, port)->state = EVTCHNSTAT_pirq;
        evtchn_at(d, port)->data = pirq;
        p->port = port;
    }
    spin_unlock_irqrestore(&d->ev.lock, flags);
    return rc;
}

int pirq_bind(struct domain *d, unsigned int pirq, evtchn_port_t *ret_port)
{
    int rc = d->pirq.table ? evtchn_make_room(d) : -EPERM;
    struct pirq *p;

    if (rc)
        return rc;
    spin_lock(&d->lock);
    p = pirq_of(d, pirq);
    rc = p ? take_port(d, pirq, p) : -EINVAL;
    if (!rc) {
        *ret_port = p->port;
        rc = irq_bind(pirq, pirq_arrived, d);
        if (rc)
            unbind_locked(d, pirq);
        else
            show_eoi_locked(d, pirq, irq_needs_eoi(pirq));
    }
    spin_unlock(&d->lock);
    return rc;
}

int pirq_close(struct domain *d, evtchn_port_t port)
{
    struct evtchn *chn;
    unsigned int pirq = 0;
    bool is_pirq;
    unsigned long flags;

    spin_lock(&d->lock);
    flags = spin_lock_irqsave(&d->ev.lock);
    chn = evtchn_used(d, port);
    is_pirq = chn && chn->state == EVTCHNSTAT_pirq;
    if (is_pirq)
        pirq = chn->data;
    spin_unlock_irqrestore(&d->ev.lock, flags);
    if (is_pirq)
        unbind_locked(d, pirq);
    spin_unlock(&d->lock);
    return is_pirq ? 0 : -EINVAL;
}

void pirq_follow(struct domain *d, unsigned int pirq, const struct vcpu *v)
{
    spin_lock(&d->lock);
    if (pirq_of(d, pirq))
        irq_set_affinity(pirq, v->sched.cpu);
    spin_unlock(&d->lock);
}

int pirq_eoi(struct domain *d, unsigned int pirq)
{
    bool mapped;

    spin_lock(&d->lock);
    mapped = pirq_of(d, pirq);
    if (mapped && d->pirq.table[pirq].port)
        irq_eoi(pirq);
    spin_unlock(&d->lock);
    return mapped ? 0 : -EINVAL;
}

int pirq_needs_eoi(struct domain *d, unsigned int pirq, bool *ret_needs)
{
    bool mapped;

    spin_lock(&d->lock);
    mapped = pirq_of(d, pirq);
    if (mapped)
        *ret_needs = irq_needs_eoi(pirq);
    spin_unlock(&d->lock);
    return mapped ? 0 : -EINVAL;
}

int pirq_set_eoi_page(struct domain *d, gfn_t gfn)
{
    struct page_info *pg;
    int rc;

    rc = page_get_typed(gfn, PGT_WRITABLE, d, &pg);
    if (rc)
        return rc;
    spin_lock(&d->lock);
    if (d->pirq.eoi_pg || d->dying) {
        rc = -EBUSY;
    } else {
        d->pirq.eoi_pg = pg;
        for (unsigned int i = 0; i < NR_IRQS; i++) {
            struct pirq *p = pirq_of(d, i);

            show_eoi_locked(d, i, p && p->port && irq_needs_eoi(i));
        }
    }
    spin_unlock(&d->lock);
    if (rc)
        page_put_typed(pg);
    return rc;
}

void pirq_relinquish(struct domain *d)
{
    struct page_info *pg;

    spin_lock(&d->lock);
    for (unsigned int i = 0; i < NR_IRQS; i++)
        if (pirq_of(d, i))
            unmap_locked(d, i);
    pg = d->pirq.eoi_pg;
    d->pirq.eoi_pg = NULL;
    spin_unlock(&d->lock);
    if (pg)
        page_put_typed(pg);
}

int pirq_init(struct domain *d)
{
    if (!d->hardware)
        return 0;
    d->pirq.table = kzalloc(NR_IRQS * sizeof(*d->pirq.table));
    return d->pirq.table ? 0 : -ENOMEM;
}

void pirq_destroy(struct domain *d)
{
    kfree(d->pirq.table);
}
