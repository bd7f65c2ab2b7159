/*
 * Domains: their numbers, references, life and end.
 *
 * Structures are found through slots that are never freed and hold the
 * reference count: so a lookup takes no lock.  It may raise a count that is
 * not zero; whoever brings it to zero frees the structure, then the slot.
 */
#include "domain/domain.h"
#include "domain/private.h"
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

struct slot {
    struct domain *d;                /* (c) while refs is not zero */
    unsigned int refs;               /* (a) */
    unsigned int pad;
};

#define SLOTS_PER_PAGE (PAGE_SIZE / sizeof(struct slot))
#define NR_SLOT_PAGES  (DOMID_FIRST_RESERVED / SLOTS_PER_PAGE + 1)

/* (l) list_lock to change, read without */
static struct slot *slot_page[NR_SLOT_PAGES];    /* (l) */
static unsigned int slots_used[NR_SLOT_PAGES];   /* (l) */
static domid_t last_id = DOMID_FIRST_RESERVED - 1;       /* (l) given last */
static struct spinlock list_lock = SPINLOCK_INIT(LOCK_DOMLIST);

static struct domain xen_domain = { .id = DOMID_XEN };
static struct domain io_domain = { .id = DOMID_IO };
static struct domain idle_vcpus = { .id = DOMID_IDLE, .max_vcpus = NR_CPUS };
struct domain *dom_xen = &xen_domain, *dom_io = &io_domain;
struct domain *idle_domain = &idle_vcpus;
struct domain *hardware_domain;
const struct guest_ops *guest_ops;

void domain_init_boot(void)
{
    struct domain *const pseudo[] = { dom_xen, dom_io, idle_domain };

    for (unsigned int i = 0; i < ARRAY_SIZE(pseudo); i++) {
        spin_lock_init(&pseudo[i]->lock, LOCK_DOMAIN);
        spin_lock_init(&pseudo[i]->mm.page_lock, LOCK_PAGES);
        pseudo[i]->sched.weight = 256;
        pseudo[i]->mm.first = NO_FRAME;
    }
}

static struct slot *slot_of(domid_t id)
{
    struct slot *page;

    if (id >= DOMID_FIRST_RESERVED)
        return NULL;
    page = READ_ONCE(slot_page[id / SLOTS_PER_PAGE]);
    return page ? &page[id % SLOTS_PER_PAGE] : NULL;
}

/* Its domain with a reference, or NULL. */
static struct domain *slot_get(struct slot *s)
{
    unsigned int refs = s ? READ_ONCE(s->refs) : 0, old;

    while (refs) {
        old = cmpxchg(&s->refs, refs, refs + 1);
        if (old == refs)
            return s->d;
        refs = old;
    }
    return NULL;
}

/* Find the slot of id, or the next free one if that is DOMID_INVALID. */
static int slot_take_locked(domid_t id, domid_t *ret_id)
{
    bool any = id == DOMID_INVALID;
    unsigned int tries = any ? DOMID_FIRST_RESERVED : 1, chunk;

    while (tries--) {
        if (any)
            id = last_id = last_id < DOMID_FIRST_RESERVED - 1 ? last_id + 1 : 1;
        chunk = id / SLOTS_PER_PAGE;
        if (!slot_page[chunk]) {
            struct slot *page = hv_page_alloc();

            if (!page)
                return -ENOMEM;
            smp_wmb();               /* cleared before it can be found */
            WRITE_ONCE(slot_page[chunk], page);
        }
        if (!slot_of(id)->d) {
            slots_used[chunk]++;
            *ret_id = id;
            return 0;
        }
    }
    return any ? -ENOMEM : -EEXIST;
}

static int domid_alloc(struct domain *d, domid_t id)
{
    int rc = -EINVAL;

    spin_lock(&list_lock);
    if (id < DOMID_FIRST_RESERVED || id == DOMID_INVALID)
        rc = slot_take_locked(id, &d->id);
    if (!rc) {
        slot_of(d->id)->d = d;
        d->refs = &slot_of(d->id)->refs;
    }
    spin_unlock(&list_lock);
    return rc;
}

static void domid_free(struct domain *d)
{
    spin_lock(&list_lock);
    slot_of(d->id)->d = NULL;
    slots_used[d->id / SLOTS_PER_PAGE]--;
    spin_unlock(&list_lock);
}

static int shared_info_init(struct domain *d)
{
    d->shared = hv_page_alloc();
    if (!d->shared)
        return -ENOMEM;
    d->mm.shared_info_mfn = virt_to_mfn(d->shared);
    page_share(mfn_to_page(d->mm.shared_info_mfn), d, true);
    clock_update_wallclock(d);
    return 0;
}

static void shared_info_destroy(struct domain *d)
{
    struct page_info *pg = mfn_to_page(d->mm.shared_info_mfn);

    if (page_unshare(pg))
        frames_free(pg, 0);
}

int domain_create(const struct domain_params *p, struct domain **ret_d)
{
    struct domain *d;
    int rc;

    if (!p->max_vcpus || p->max_vcpus > MAX_VCPUS)
        return -EINVAL;
    d = kzalloc(sizeof(*d));
    if (!d)
        return -ENOMEM;
    spin_lock_init(&d->lock, LOCK_DOMAIN);
    d->max_vcpus = p->max_vcpus;
    d->privileged = p->privileged;
    d->hardware = p->hardware;
    d->shutdown_code = SHUTDOWN_NONE;
    d->control_pauses = d->pause_count = 1;
    d->sched.weight = 256;
    memcpy(d->uuid, p->uuid, sizeof(d->uuid));

    rc = domid_alloc(d, p->id);
    if (rc)
        goto err_free;
    rc = domain_mm_init(d);
    if (rc)
        goto err_domid;
    rc = shared_info_init(d);
    if (rc)
        goto err_mm;
    rc = evtchn_init(d, p->max_evtchn_port);
    if (rc)
        goto err_shared;
    rc = grant_init(d, p->max_grant_frames, p->max_maptrack_frames);
    if (rc)
        goto err_evtchn;
    rc = pirq_init(d);
    if (rc)
        goto err_grant;
    rc = guest_ops->domain_init(d);
    if (rc)
        goto err_pirq;
    smp_wmb();                       /* all of d before it can be found */
    WRITE_ONCE(*d->refs, 1);
    *ret_d = d;
    return 0;

 err_pirq:
    pirq_destroy(d);
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
    if (id == DOMID_SELF)
        id = current->domain->id;
    return slot_get(slot_of(id));
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
        if (READ_ONCE(slots_used[id / SLOTS_PER_PAGE]))
            d = slot_get(slot_of(id++));
        else
            id = (id / SLOTS_PER_PAGE + 1) * SLOTS_PER_PAGE;
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
    int rc = 0;

    spin_lock(&d->lock);
    if (d->control_pauses == MAX_CONTROL_PAUSES) {
        rc = -EOVERFLOW;
    } else {
        d->control_pauses++;
        pause_locked(d);
    }
    spin_unlock(&d->lock);
    if (!rc)
        domain_sync(d);
    return rc;
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
        if (d->shutdown_code == SHUTDOWN_NONE)
            d->shutdown_code = reason;
        pause_locked(d);
    }
    spin_unlock(&d->lock);
    if (first)
        evtchn_send_global_virq(VIRQ_DOM_EXC);
}

void domain_resume(struct domain *d)
{
    spin_lock(&d->lock);
    if (d->is_shut_down) {
        d->is_shut_down = false;
        d->shutdown_code = SHUTDOWN_NONE;
        unpause_locked(d);
    }
    spin_unlock(&d->lock);
}

void domain_crash(struct domain *d, const char *why, ...)
{
    char text[160];
    va_list ap;

    if (!d->is_shut_down) {
        va_start(ap, why);
        vsnprintf(text, sizeof(text), why, ap);
        va_end(ap);
        printk(LOG_ERR, "d%u crashed: %s\n", d->id, text);
        if (d == current->domain)
            guest_ops->show(current);
    }
    domain_shutdown(d, SHUTDOWN_crash);
}

/* One step after the other; each may ask to be called again. */
static int relinquish(struct domain *d)
{
    int rc = evtchn_close_all(d);

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
