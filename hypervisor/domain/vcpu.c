/*
 * Virtual CPUs: creation, vcpu_info, up and down, continuations.
 */
#include <stdarg.h>

#include "domain/domain.h"
#include "domain/guest_ops.h"
#include "lib/string.h"
#include "mm/buddy.h"
#include "mm/guest_copy.h"
#include "mm/page_type.h"
#include "sched/softirq.h"
#include "x86/atomic.h"
#include "x86/fpu.h"
#include "x86/percpu.h"
#include "x86/regs.h"

/* Of vcpus that have not registered theirs: events are masked for good. */
static struct vcpu_info dummy_info = { .evtchn_upcall_mask = 1 };

bool vcpu_has_info(const struct vcpu *v)
{
    return v->info != &dummy_info;
}

int vcpu_create(struct domain *d, unsigned int id)
{
    struct vcpu *v;
    int rc;

    if (id >= d->max_vcpus)
        return -EINVAL;
    if (d->vcpu[id])
        return -EEXIST;
    v = kzalloc(sizeof(*v));
    if (!v)
        return -ENOMEM;
    v->domain = d;
    v->id = id;
    v->info = d->shared && id < XEN_LEGACY_MAX_VCPUS
              ? &d->shared->vcpu_info[id] : &dummy_info;
    if (d != idle_domain) {
        v->sched.pause_flags = VPF_DOWN;
        v->fpu = kzalloc(fpu_area_size);
        rc = v->fpu ? guest_ops->vcpu_init(v) : -ENOMEM;
        if (rc) {
            kfree(v->fpu);
            kfree(v);
            return rc;
        }
    }
    sched_init_vcpu(v);
    clock_init_vcpu(v);
    spin_lock(&d->lock);
    v->sched.pause_count += d->pause_count;
    WRITE_ONCE(d->vcpu[id], v);
    spin_unlock(&d->lock);
    return 0;
}

int vcpu_relinquish(struct vcpu *v)
{
    v->info = &dummy_info;
    v->clock.runstate_area = v->clock.time_area = NULL;
    page_unhold(v->info_page);
    v->info_page = NULL;
    return guest_ops->vcpu_relinquish(v);
}

void vcpu_destroy(struct vcpu *v)
{
    guest_ops->vcpu_destroy(v);
    clock_destroy_vcpu(v);
    sched_destroy_vcpu(v);
    kfree(v->fpu);
    kfree(v);
}

/* The domain's lock is not held: a whole tree of tables may be validated. */
static int set_context(struct vcpu *v, const struct vcpu_guest_context *c,
                       bool again)
{
    struct domain *d = v->domain;
    int rc = 0;

    spin_lock(&d->lock);
    if (v->being_set)
        rc = -EBUSY;
    else if (v->initialised && !again)
        rc = -EEXIST;
    else
        v->being_set = true;
    spin_unlock(&d->lock);
    if (rc)
        return rc;
    rc = guest_ops->set_context(v, c);
    spin_lock(&d->lock);
    v->being_set = false;
    if (!rc) {
        clock_update_wallclock(d);   /* tools have cleared the page */
        smp_wmb();                   /* vcpu_up looks without the lock */
        WRITE_ONCE(v->initialised, true);
        if (c->flags & VGCF_online)
            vcpu_unblock(v, VPF_DOWN);
        else
            atomic_or(&v->sched.pause_flags, VPF_DOWN);
    }
    spin_unlock(&d->lock);
    return rc;
}

int vcpu_set_context(struct vcpu *v, const void __guest *from, bool again)
{
    struct vcpu_guest_context *c = kzalloc(sizeof(*c));
    int rc;

    if (!c)
        return -ENOMEM;
    rc = copy_from_guest(c, from, sizeof(*c)) ? -EFAULT :
         set_context(v, c, again);
    kfree(c);
    return rc;
}

int vcpu_register_info(struct vcpu *v, gfn_t gfn, unsigned int offset)
{
    struct domain *d = v->domain;
    struct vcpu_info *info;
    char *page;

    if (offset > PAGE_SIZE - sizeof(*info) ||
        offset % __alignof__(struct vcpu_info))
        return -EINVAL;
    page = page_hold(guest_ops->gfn_to_mfn(d, gfn), d);
    if (!page)
        return -EINVAL;
    spin_lock(&d->lock);
    if (v->info_page || d->dying ||
        (v != current && !(READ_ONCE(v->sched.pause_flags) & VPF_DOWN))) {
        spin_unlock(&d->lock);
        page_unhold(page);
        return -EINVAL;
    }
    info = (struct vcpu_info *)(page + offset);
    if (vcpu_has_info(v))
        memcpy(info, v->info, sizeof(*info));
    else
        info->evtchn_upcall_mask = 1;
    v->info_page = page;
    WRITE_ONCE(v->info, info);
    smp_mb();                        /* the place before what is set there */
    /* An event may have gone to the old place: the guest looks at all. */
    info->evtchn_pending_sel = ~0UL;
    vcpu_mark_events(v);
    spin_unlock(&d->lock);
    return 0;
}

int vcpu_send_nmi(struct vcpu *v)
{
    if (!READ_ONCE(v->pv.traps[VEC_NMI].address))
        return -EINVAL;
    /* One waits: then it has been told of, and its CPU is left alone.  Full
     * barrier: pairs with op_block, pending then flags. */
    if (xchg(&v->pv.nmi_pending, true))
        return 0;
    vcpu_kick(v);
    /* Wherever it runs later, the context switch looks. */
    softirq_raise_on(READ_ONCE(v->sched.cpu), SOFTIRQ_NMI);
    return 0;
}

int vcpu_up(struct vcpu *v)
{
    if (!READ_ONCE(v->initialised))
        return -EINVAL;
    vcpu_unblock(v, VPF_DOWN);
    return 0;
}

int vcpu_down(struct vcpu *v)
{
    struct domain *d = v->domain;
    bool last = true;

    spin_lock(&d->lock);
    for (unsigned int i = 0; last && i < d->max_vcpus; i++)
        last = !d->vcpu[i] || d->vcpu[i] == v ||
               (READ_ONCE(d->vcpu[i]->sched.pause_flags) & VPF_DOWN);
    if (!last && !(atomic_or(&v->sched.pause_flags, VPF_DOWN) & VPF_DOWN)) {
        vcpu_pause_nosync(v);        /* off its CPU */
        vcpu_unpause(v);
    }
    spin_unlock(&d->lock);
    if (last)
        domain_shutdown(d, SHUTDOWN_poweroff);
    return 0;
}

long hypercall_again(unsigned int nr, ...)
{
    struct continuation *c = &current->cont;
    va_list ap;

    va_start(ap, nr);
    for (unsigned int i = 0; i < nr; i++)
        c->args[i] = va_arg(ap, unsigned long);
    va_end(ap);
    c->nr = nr;
    return -ERESTART;
}

bool vcpu_event_deliverable(const struct vcpu *v)
{
    return (READ_ONCE(v->info->evtchn_upcall_pending) &&
            !READ_ONCE(v->info->evtchn_upcall_mask)) ||
           (READ_ONCE(v->pv.nmi_pending) && !v->pv.nmi_masked);
}

bool hypercall_should_yield(void)
{
    return READ_ONCE(this_percpu()->softirq_pending) ||
           vcpu_event_deliverable(current);
}
