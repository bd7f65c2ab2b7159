/*
 * Who runs: the parts of vcpu and domain that the scheduler and the clock
 * keep, and what the rest may ask of them.
 */
#ifndef SCHED_SCHED_H
#define SCHED_SCHED_H

#include "lib/abi.h"
#include "lib/list.h"
#include "sched/timer.h"
#include "x86/spinlock.h"

struct domain;
struct vcpu;

/* Bits of sched_vcpu.pause_flags: any of them keeps a vcpu from running. */
#define VPF_BLOCKED      0x01        /* SCHEDOP_block: an event wakes it */
#define VPF_DOWN         0x02        /* VCPUOP_down, or not yet up */
#define VPF_POLL         0x04        /* SCHEDOP_poll */

#define SCHED_WEIGHT_DEFAULT 256

/* Of a domain: the knobs, (d), and what its cap has used, (a). */
struct domain_sched {
    uint16_t weight;                 /* of each vcpu: 1 to 65535 */
    uint16_t cap;                    /* percent of a CPU; 0: none */
    uint32_t warp_us;                /* BVT warp */
    uint32_t warp_limit_us;          /* longest run while warped; 0: none */
    uint32_t unwarp_us;              /* then so long without */
    bool warp_on;
    s_time_t cap_start, cap_used;    /* this cap period */
    struct timer cap_timer;          /* gives parked vcpus the next period */
};

/* BVT's view of a vcpu; virtual times wrap around.  (q) */
struct bvt_vcpu {
    struct list link;                /* in its queue, in order of evt */
    struct domain_sched *dom;        /* (c) */
    uint64_t avt, evt;               /* actual, effective virtual time */
    s_time_t warp_used, warp_end;
    bool queued, warped;
    bool parked;                     /* its domain's cap is used up */
};

/* (q) lock of its CPU's run queue  (a) atomic */
struct sched_vcpu {
    unsigned int cpu;                /* (q) */
    bool running;                    /* (q) on a CPU, or not saved yet */
    bool away;                       /* (q) goes elsewhere once it is saved */
    bool yield;                      /* (o) lets others go first, once */
    unsigned long pause_flags;       /* (a) VPF_* */
    unsigned int pause_count;        /* (a) own + domain's + control's */
    cpumask_t affinity, affinity_soft;   /* (q) */
    struct bvt_vcpu bvt;             /* (q) */
    struct timer poll_timer;
};

/* Runstate, single-shot timer, registered areas (clock.c). */
struct vcpu_clock {
    struct vcpu_runstate_info runstate;  /* (q) */
    void __guest *runstate_area;     /* guest virtual address, or NULL */
    void __guest *time_area;
    struct timer singleshot;
    bool time_area_stale;            /* (o) time_area lacks it still */
    bool runstate_stale;             /* (o) the same of runstate_area */
};

void sched_init_boot(void);          /* once, before any vcpu */
/* Creates the CPU's idle vcpu, which is current there from then on. */
void sched_init_cpu(unsigned int cpu);
void sched_init_vcpu(struct vcpu *v);
void sched_destroy_vcpu(struct vcpu *v);

/* It may run again: queue it if no pause flag and count is left. */
void vcpu_wake(struct vcpu *v);
/* Clear bits of pause_flags and wake. */
void vcpu_unblock(struct vcpu *v, unsigned long flags);
/* An event is pending: wake it if it blocks or polls, kick its CPU. */
void vcpu_kick(struct vcpu *v);
/* Counted; vcpu_pause returns when it runs nowhere (not for current).
 * vcpu_pause: interrupts on, and no lock held that a vcpu's way out takes. */
void vcpu_pause(struct vcpu *v);
void vcpu_pause_nosync(struct vcpu *v);
void vcpu_unpause(struct vcpu *v);
bool vcpu_runnable(const struct vcpu *v);
/* The running vcpu lets others run first. */
int vcpu_yield(void);
/* It was running here until now; its state has been saved (context switch
 * tells it, so that others who wait for it may go on).  Interrupts off. */
void sched_context_saved(struct vcpu *prev);

/* Masks are of CPUs; a soft one is a preference.  -EINVAL: no CPU online. */
int vcpu_set_affinity(struct vcpu *v, cpumask_t hard, cpumask_t soft);
/* Weight, cap and warp of d become those of s, now; s's other fields do not
 * matter.  -EINVAL.  The caller holds d->lock. */
int sched_adjust(struct domain *d, const struct domain_sched *s);
uint64_t vcpu_run_time(struct vcpu *v);      /* ns on a CPU so far */

/* What an idle CPU does for ever; also the tail of a CPU's start. */
void idle_loop(void) __noreturn;

/*
 * clock.c.  On its way into a vcpu the context switch calls
 * clock_update_vcpu, and when the roots are the vcpu's, runstate_write_area.
 * Both are short when there is nothing to do.  An area that could not be
 * reached (user mode has no kernel mappings) stays stale: whoever switches
 * to kernel mode calls runstate_write_area if clock_stale says so.
 */
void clock_init_boot(void);              /* wall clock: from the RTC */
void clock_init_vcpu(struct vcpu *v);
void clock_destroy_vcpu(struct vcpu *v);
void clock_update_vcpu(struct vcpu *v);  /* its vcpu_time_info, and area */
/* The wall clock in d's shared_info; the caller holds d->lock. */
void clock_update_wallclock(struct domain *d);
void clock_set_wallclock(uint64_t secs, uint32_t nsecs, s_time_t at);
/* State change RUNSTATE_*.  Holds the lock of its run queue. */
void runstate_change(struct vcpu *v, int state, s_time_t now);
void runstate_write_area(struct vcpu *v);
void clock_areas_changed(struct vcpu *v);    /* the guest has moved them */
/* Absolute system time; a past one fires at once, S_TIME_MAX never.  -EINVAL:
 * v is not current. */
int vcpu_set_singleshot(struct vcpu *v, s_time_t timeout);

static inline bool clock_stale(const struct vcpu_clock *c)
{
    return c->runstate_stale | c->time_area_stale;
}

long do_sched_op(int cmd, void __guest *arg);
long do_set_timer_op(s_time_t timeout);

#endif
