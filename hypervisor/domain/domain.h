/*
 * Domains and virtual CPUs: the parts that every subsystem has in them.
 *
 * A domain lives from domain_create to the last reference after
 * domain_destroy.  Each subsystem owns its part and initialises it in
 * domain_create's ladder.
 */
#ifndef DOMAIN_DOMAIN_H
#define DOMAIN_DOMAIN_H

#include "lib/abi.h"
#include "lib/list.h"
#include "x86/spinlock.h"
#include "domain/pv_state.h"
#include "event/evtchn.h"
#include "grant/table.h"
#include "mm/domain_mm.h"
#include "sched/sched.h"

/* Arguments of a hypercall that asks to be executed again: the first nr of
 * them change, the others stay. */
struct continuation {
    unsigned int nr;
    unsigned long args[6];
};

/* (c) constant after create  (d) d->lock  (a) atomic  (o) the vcpu itself */
struct vcpu {
    struct cpu_user_regs regs;       /* (o) while it is not running */
    struct domain *domain;           /* (c) */
    unsigned int id;                 /* (c) */
    struct sched_vcpu sched;         /* core.c and bvt.c; has .cpu */
    struct vcpu_events ev;           /* VIRQ ports, FIFO control block */
    struct vcpu_clock clock;         /* runstate, timers, time areas */
    struct pv_vcpu pv;
    struct vcpu_info *info;          /* (d) direct map; never NULL: a dummy
                                        page before registration */
    void *info_page;                 /* (d) page of it, held; NULL:
                                        shared_info */
    mfn_t guest_root[2];             /* (o) kernel, user; 0: none */
    mfn_t hw_root[2];                /* (o) what CR3 gets; isolation: copies */
    mfn_t put_table[3];              /* (o) tables of level 2 to 4 to take
                                        apart still (mm/page_type.h); 0: none */
    void *fpu;                       /* (c) area of fpu_area_size */
    struct continuation cont;        /* (o) */
    bool initialised;                /* (d) has a context */
    bool being_set;                  /* (d) somebody gives it one */
};

/* Why nothing of a domain runs. */
enum dying { DOMAIN_ALIVE, DOMAIN_DYING, DOMAIN_DEAD };

struct domain {
    domid_t id;                      /* (c) */
    bool privileged;                 /* (c) may use control hypercalls */
    bool hardware;                   /* (c) owns devices and other MMIO */
    bool is_shut_down;               /* (d) */
    uint8_t shutdown_code;           /* (d) SHUTDOWN_*, of one shut down */
    uint8_t dying;                   /* (a) enum dying */
    unsigned int control_pauses;     /* (d) by pausedomain; 1 at creation */
    bool started;                    /* (d) was once free of these */
    unsigned int pause_count;        /* (d) what each vcpu's count has of it */
    unsigned int *refs;              /* (c) the count; a pseudo-domain: NULL */
    struct spinlock lock;            /* LOCK_DOMAIN */
    unsigned int max_vcpus;          /* (c) */
    struct vcpu *vcpu[MAX_VCPUS];    /* (c) once set */
    uint8_t uuid[16];                /* (d) */
    struct shared_info *shared;      /* (c) */
    cpumask_t dirty_cpus;            /* (a) CPUs that may hold its roots */
    struct domain_mm mm;
    struct evtchn_table ev;
    struct grant_table grant;
    struct domain_sched sched;
    struct pv_domain pv;
    struct pirq *pirqs;              /* (d) by number, NULL for guests */
    /* XENMEM_set_memory_map, (d) */
    struct e820_entry *e820;
    unsigned int nr_e820;
};

extern struct domain *hardware_domain;   /* dom0, NULL before it exists */
extern unsigned int nr_domains;          /* dying ones, too */

/* All or nothing; DOMID_INVALID: the next free number.  Of c only numbers and
 * handle count.  hardware: it owns the machine and may control all.
 * -ENOMEM, -EINVAL, -EEXIST. */
int domain_create(domid_t id, const struct xen_domctl_createdomain *c,
                  bool hardware, struct domain **ret_d);
/* Kill, then release in bounded steps: -ERESTART until done. */
int domain_kill(struct domain *d);

/* By number, with a reference; NULL.  DOMID_SELF is the caller's. */
struct domain *domain_get_by_id(domid_t id);
/* The same, if the caller may act for it: itself, or any when it is privileged.
 * -ESRCH, -EPERM. */
int domain_get_managed(domid_t id, struct domain **ret_d);
void domain_get(struct domain *d);
void domain_put(struct domain *d);   /* the last one frees the structure */
/* Walk all, without holding a lock: the next domain with id >= id,
 * referenced; NULL at the end. */
struct domain *domain_next(domid_t id);

static inline struct vcpu *domain_vcpu(struct domain *d, unsigned int id)
{
    return id < d->max_vcpus ? d->vcpu[id] : NULL;
}

/* Counted; returns when no vcpu of it runs, the caller's own excepted.
 * Takes d->lock; not for a guest's own requests, which could deadlock. */
void domain_pause(struct domain *d);
void domain_unpause(struct domain *d);
/* The tool stack's pause, counted for itself; -EINVAL: is not so paused. */
int domain_control_pause(struct domain *d);
int domain_control_unpause(struct domain *d);
/* Wait until vcpus that must not run have left their CPUs. */
void domain_sync(struct domain *d);

/* The domain has ended (SHUTDOWN_poweroff, ...): pause it, tell dom0.  If it is
 * the hardware domain, the machine ends in the same way. */
void domain_shutdown(struct domain *d, uint8_t reason);
int domain_resume(struct domain *d);

/* The guest broke its own machine state: show it, shut it down as crashed.
 * The running vcpu leaves the hypervisor through the scheduler afterwards. */
void domain_crash(struct domain *d, const char *why, ...) __printf(2, 3);

/* Make vcpu `id`, down and without a context; -EEXIST, -ENOMEM, -EINVAL. */
int vcpu_create(struct domain *d, unsigned int id);
/* Give up the frames that the vcpu of a dying domain holds: -ERESTART. */
int vcpu_relinquish(struct vcpu *v);
/* Free the vcpu's structure; it never runs again. */
void vcpu_destroy(struct vcpu *v);
/* A whole context from the caller's memory for v, which does not run; again:
 * it may have one.  Its flags say whether it is up.  -EEXIST, -EINVAL, -EFAULT,
 * -ENOMEM; -ERESTART: call again with the same. */
int vcpu_set_context(struct vcpu *v, const void __guest *from, bool again);
/* Place vcpu_info at an offset in a frame of the domain (once). -EINVAL. */
int vcpu_register_info(struct vcpu *v, gfn_t gfn, unsigned int offset);
bool vcpu_has_info(const struct vcpu *v);
/* An event or NMI waits that the running vcpu v does not hold off. */
bool vcpu_event_deliverable(const struct vcpu *v);
/* Let it take an NMI, once its last one has ended; -EINVAL: has no handler. */
int vcpu_send_nmi(struct vcpu *v);
/* It has a context: let it run; -EINVAL without one. */
int vcpu_up(struct vcpu *v);
/* Let it stop, without waiting; the last one's end is a power-off. */
int vcpu_down(struct vcpu *v);

extern struct domain *dom_xen, *dom_io, *idle_domain;

/*
 * Ask that the running hypercall be executed again with these arguments
 * (nr of them; the others stay).  Returns -ERESTART, to be returned.
 */
long hypercall_again(unsigned int nr, ...);
/* Has this CPU something more urgent to do?  Ask between pieces of work. */
bool hypercall_should_yield(void);

long do_vcpu_op(unsigned int cmd, unsigned int vcpuid, void __guest *arg);

#endif
