/*
 * Domains: their numbers, references, life and end.
 *
 * Structures are found through slots that are never freed and hold the
 * reference count: so a lookup takes no lock.  It may raise a count that is
 * not zero; whoever brings it to zero frees the structure, then the slot.
 */
#include "domain/domain.h"
#include "domain/guest_ops.h"
#include "lib/env.h"
#include "lib/string.h"
#include "mm/buddy.h"
#include "mm/frame_table.h"
#include "mm/pagetable.h"
#include "x86/atomic.h"
#include "x86/crash.h"
#include "x86/percpu.h"
#include "x86/tlb.h"

static struct slot {
    struct domain *d;                /* (c) while refs is not zero */
    unsigned int refs;               /* (a) */
} slots[DOMID_FIRST_RESERVED];

/* (l) list_lock to change, read without */
static struct spinlock list_lock = SPINLOCK_INIT(LOCK_DOMLIST);
static domid_t last_id;              /* (l) given last */

#define CHUNK 128                    /* slots; a search skips empty ones */
static uint8_t used[DOMID_FIRST_RESERVED / CHUNK + 1];   /* (l) of a chunk */

#define PSEUDO_DOMAIN \
    .lock = SPINLOCK_INIT(LOCK_DOMAIN), .sched.weight = SCHED_WEIGHT_DEFAULT, \
    .mm = { .page_lock = SPINLOCK_INIT(LOCK_PAGES), .first = NO_FRAME }

static struct domain xen_domain = { .id = DOMID_XEN, PSEUDO_DOMAIN };
static struct domain io_domain = { .id = DOMID_IO, PSEUDO_DOMAIN };
static struct domain idle_vcpus = { .id = DOMID_IDLE, PSEUDO_DOMAIN,
                                    .max_vcpus = NR_CPUS };
struct domain *dom_xen = &xen_domain, *dom_io = &io_domain;
struct domain *idle_domain = &idle_vcpus;
struct domain *hardware_domain;
unsigned int nr_domains;             /* (l) */
const struct guest_ops *guest_ops;

/* Take the slot of id, or the next free one if that is DOMID_INVALID. */
static int domid_alloc(struct domain *d, domid_t id)
{
    unsigned int tries = DOMID_FIRST_RESERVED;
    bool any = id == DOMID_INVALID;
    int rc = any ? -ENOMEM : -EEXIST;

    if (!any && id >= DOMID_FIRST_RESERVED)
        return -EINVAL;
    spin_lock(&list_lock);
    if (any) {
        do
            id = last_id = last_id % (DOMID_FIRST_RESERVED - 1) + 1;
        while (slots[id].d && --tries);
    }
    if (!slots[id].d) {
        slots[id].d = d;
        used[id / CHUNK]++;
        nr_domains++;
        d->id = id;
        d->refs = &slots[id].refs;
        rc = 0;
    }
    spin_unlock(&list_lock);
    return rc;
}

static void domid_free(struct domain *d)
{
    spin_lock(&list_lock);
    slots[d->id].d = NULL;
    used[d->id / CHUNK]--;
    nr_domains--;
    spin_unlock(&list_lock);
}

static int shared_info_init(struct domain *d)
{
    d->shared = hv_page_alloc();
    if (!d->shared)
        return -ENOMEM;
    d->mm.shared_info_mfn = virt_to_mfn(d->shared);
    page_share(mfn_to_page(d->mm.shared_info_mfn), d, true);
    return 0;
}

static void shared_info_destroy(struct domain *d)
{
    struct page_info *pg = mfn_to_page(d->mm.shared_info_mfn);

    if (page_unshare(pg))
        frames_free(pg, 0);
}

int domain_create(domid_t id, const struct xen_domctl_createdomain *c,
                  bool hardware, struct domain **ret_d)
{
    struct domain *d;
    int rc;

    if (!c->max_vcpus || c->max_vcpus > MAX_VCPUS)
        return -EINVAL;
    d = kzalloc(sizeof(*d));
    if (!d)
        return -ENOMEM;
    spin_lock_init(&d->lock, LOCK_DOMAIN);
    d->max_vcpus = c->max_vcpus;
    d->privileged = d->hardware = hardware;
    d->control_pauses = d->pause_count = 1;
    d->sched.weight = SCHED_WEIGHT_DEFAULT;
    memcpy(d->uuid, c->handle, sizeof(d->uuid));

    rc = domid_alloc(d, id);
    if (rc)
        goto err_free;
    rc = domain_mm_init(d);
    if (rc)
        goto err_domid;
    rc = shared_info_init(d);
    if (rc)
        goto err_mm;
    rc = evtchn_init(d, c->max_evtchn_port);
    if (rc)
        goto err_shared;
    rc = grant_init(d, c->max_grant_frames, c->max_maptrack_frames);
    if (rc)
        goto err_evtchn;
    rc = pirq_init(d);
    if (rc)
        goto err_grant;
    smp_wmb();                       /* all of d before it can be found */
    WRITE_ONCE(*d->refs, 1);
    *ret_d = d;
    return 0;

 err_grant:
    grant_destroy(d);
 err_evtchn:
    evtchn_destroy(d);
 err_shared:
    shared_info_destroy(d);
 err_mm:
    domain_mm_destroy(d);
 err_domid:
    domid_free(d);
 err_free:
    kfree(d);
    return rc;
}

/* The last reference has gone: nobody can find d any more. */
static void domain_free(struct domain *d)
{
    for (unsigned int i = 0; i < d->max_vcpus; i++)
        if (d->vcpu[i])
            vcpu_destroy(d->vcpu[i]);
    guest_ops->domain_destroy(d);
    pirq_destroy(d);
    grant_destroy(d);
    evtchn_destroy(d);
    shared_info_destroy(d);
    domain_mm_destroy(d);
    kfree(d->e820);
    domid_free(d);
    kfree(d);
}

struct domain *domain_get_by_id(domid_t id)
{
    unsigned int refs, old;

    if (id == DOMID_SELF)
        id = current->domain->id;
    if (id >= DOMID_FIRST_RESERVED)
        return NULL;
    for (refs = READ_ONCE(slots[id].refs); refs; refs = old) {
        old = cmpxchg(&slots[id].refs, refs, refs + 1);
        if (old == refs)
            return slots[id].d;
    }
    return NULL;
}

int domain_get_managed(domid_t id, struct domain **ret_d)
{
    struct domain *d = domain_get_by_id(id);

    if (!d)
        return -ESRCH;
    if (d != current->domain && !current->domain->privileged) {
        domain_put(d);
        return -EPERM;
    }
    *ret_d = d;
    return 0;
}

struct domain *domain_next(domid_t id)
{
    struct domain *d = NULL;

    while (!d && id < DOMID_FIRST_RESERVED) {
        if (READ_ONCE(used[id / CHUNK]))
            d = domain_get_by_id(id++);
        else
            id = (id / CHUNK + 1) * CHUNK;
    }
    return d;
}

void domain_get(struct domain *d)
{
    if (d->refs)
        atomic_inc(d->refs);
}

void domain_put(struct domain *d)
{
    if (d->refs && !atomic_dec(d->refs))
        domain_free(d);
}

static void pause_locked(struct domain *d)
{
    d->pause_count++;
    for (unsigned int i = 0; i < d->max_vcpus; i++)
        if (d->vcpu[i])
            vcpu_pause_nosync(d->vcpu[i]);
}

static void unpause_locked(struct domain *d)
{
    d->pause_count--;
    for (unsigned int i = 0; i < d->max_vcpus; i++)
        if (d->vcpu[i])
            vcpu_unpause(d->vcpu[i]);
}

void domain_sync(struct domain *d)
{
    for (unsigned int i = 0; i < d->max_vcpus; i++) {
        struct vcpu *v = d->vcpu[i];

        if (v && v != current && READ_ONCE(v->sched.running)) {
            vcpu_pause(v);
            vcpu_unpause(v);
        }
    }
}

void domain_pause(struct domain *d)
{
    spin_lock(&d->lock);
    pause_locked(d);
    spin_unlock(&d->lock);
    domain_sync(d);
}

void domain_unpause(struct domain *d)
{
    spin_lock(&d->lock);
    unpause_locked(d);
    spin_unlock(&d->lock);
}

#define MAX_CONTROL_PAUSES 255

int domain_control_pause(struct domain *d)
{
    bool ok;

    spin_lock(&d->lock);
    ok = d->control_pauses < MAX_CONTROL_PAUSES;
    if (ok) {
        d->control_pauses++;
        pause_locked(d);
    }
    spin_unlock(&d->lock);
    domain_sync(d);
    return ok ? 0 : -EOVERFLOW;
}

int domain_control_unpause(struct domain *d)
{
    int rc = -EINVAL;

    spin_lock(&d->lock);
    if (d->control_pauses) {
        if (!--d->control_pauses)
            d->started = true;
        unpause_locked(d);
        rc = 0;
    }
    spin_unlock(&d->lock);
    return rc;
}

static void hardware_domain_ended(uint8_t reason)
{
    static const char *const words[] = {
        "powered off", "rebooted", "suspended", "crashed",
    };
    bool halt = reason == SHUTDOWN_poweroff ||
                (reason == SHUTDOWN_crash && opt_noreboot);

    printk(LOG_ERR, "The hardware domain has %s: the machine %s.\n",
           reason < ARRAY_SIZE(words) ? words[reason] : "ended",
           halt ? "halts" : "restarts");
    if (reason == SHUTDOWN_crash)
        guest_ops->show(current);
    if (halt)
        machine_halt();
    machine_reboot();
}

void domain_shutdown(struct domain *d, uint8_t reason)
{
    bool first;

    if (d == hardware_domain)
        hardware_domain_ended(reason);
    spin_lock(&d->lock);
    first = !d->is_shut_down;
    if (first) {
        d->is_shut_down = true;
        d->shutdown_code = reason;
        pause_locked(d);
    }
    spin_unlock(&d->lock);
    if (first)
        evtchn_send_global_virq(VIRQ_DOM_EXC);
}

int domain_resume(struct domain *d)
{
    spin_lock(&d->lock);
    if (d->is_shut_down) {
        d->is_shut_down = false;
        unpause_locked(d);
    }
    spin_unlock(&d->lock);
    return 0;
}

/* Also from where no interrupt may come; but printing takes long, and who has
 * the lock may wait for this CPU to flush. */
void domain_crash(struct domain *d, const char *why, ...)
{
    unsigned long flags = irq_save();
    char text[160];
    va_list ap;

    irq_enable();
    if (!d->is_shut_down) {
        va_start(ap, why);
        vsnprintf(text, sizeof(text), why, ap);
        va_end(ap);
        printk(LOG_ERR, "d%u crashed: %s\n", d->id, text);
        if (d == current->domain)
            guest_ops->show(current);
    }
    domain_shutdown(d, SHUTDOWN_crash);
    irq_restore(flags);
}

/* One step after the other; each may ask to be called again. */
static int relinquish(struct domain *d)
{
    int rc = evtchn_reset(d);

    if (!rc) {
        pirq_relinquish(d);
        rc = grant_relinquish(d);
    }
    for (unsigned int i = 0; !rc && i < d->max_vcpus; i++)
        if (d->vcpu[i])
            rc = vcpu_relinquish(d->vcpu[i]);
    return rc ? rc : domain_mm_relinquish(d);
}

int domain_kill(struct domain *d)
{
    int rc;

    if (d->dying == DOMAIN_DEAD)
        return 0;
    if (d->dying == DOMAIN_ALIVE) {
        WRITE_ONCE(d->dying, DOMAIN_DYING);
        domain_pause(d);
        domain_claim(d, 0);
        /* CPUs that idle on its roots let go of them. */
        tlb_flush_mask(d->dirty_cpus, FLUSH_ALL);
    }
    rc = relinquish(d);
    if (rc)
        return rc;
    if (d == hardware_domain)
        hardware_domain = NULL;
    WRITE_ONCE(d->dying, DOMAIN_DEAD);
    evtchn_send_global_virq(VIRQ_DOM_EXC);
    domain_put(d);                   /* the one that domain_create left */
    return 0;
}
