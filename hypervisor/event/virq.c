/*
 * Virtual interrupts: events whose source is the hypervisor.
 */
#include "event/private.h"

bool virq_is_global(unsigned int virq)
{
    return virq != VIRQ_TIMER && virq != VIRQ_DEBUG &&
           virq != VIRQ_XENOPROF && virq != VIRQ_XENPMU;
}

void evtchn_send_virq(struct vcpu *v, unsigned int virq)
{
    struct domain *d = v->domain;
    unsigned long flags = spin_lock_irqsave(&d->ev.lock);

    if (v->ev.virq_port[virq])
        evtchn_set_pending(d, v->ev.virq_port[virq]);
    spin_unlock_irqrestore(&d->ev.lock, flags);
}

void evtchn_send_global_virq(unsigned int virq)
{
    struct domain *d = READ_ONCE(hardware_domain);

    if (d && d->vcpu[0])
        evtchn_send_virq(d->vcpu[0], virq);
}

int evtchn_bind_virq(struct domain *d, unsigned int virq, unsigned int vcpu,
                     evtchn_port_t *ret_port)
{
    struct vcpu *v = domain_vcpu(d, vcpu);
    struct evtchn new = { .state = EVTCHNSTAT_virq, .vcpu = vcpu,
                          .data = virq };

    if (virq >= NR_VIRQS || (virq_is_global(virq) && vcpu))
        return -EINVAL;
    if (virq_is_global(virq) && !d->privileged)
        return -EPERM;
    return v ? evtchn_new(d, &new, &v->ev.virq_port[virq], ret_port) : -ENOENT;
}
