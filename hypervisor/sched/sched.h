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
#define VPF_MIGRATING    0x08

/* BVT's view of a vcpu (bvt.c; times in ns, virtual times weighted). */
struct bvt_vcpu {
    s_time_t avt, evt;               /* actual, effective virtual time */
    bool warped;
    s_time_t warp_start;
    s_time_t cap_used;               /* in this cap period */
};

/* (q) lock of its CPU's run queue  (a) atomic */
struct sched_vcpu {
    unsigned int cpu;                /* (q) */
    bool running;                    /* (q) on a CPU now */
    unsigned long pause_flags;       /* (a) VPF_* */
    unsigned int pause_count;        /* (a) own + domain's + control's */
    cpumask_t affinity, affinity_soft;   /* (q) */
    struct list queue;               /* (q) */
    struct bvt_vcpu bvt;             /* (q) */
    struct timer poll_timer;
    void *priv;
};

/* Of a domain: the knobs. (d) */
struct domain_sched {
    uint16_t weight;                 /* 1 to 65535, default 256 */
    uint16_t cap;                    /* percent of a CPU; 0: none */
    uint32_t warp_us;                /* BVT warp */
    uint32_t warp_limit_us, unwarp_us;
    bool warp_on;
};

/* Runstate, periodic and single-shot timer, registered areas (clock.c). */
struct vcpu_clock {
    struct vcpu_runstate_info runstate;
    void __guest *runstate_area;     /* guest virtual address, or NULL */
    void __guest *time_area;
    struct timer singleshot, periodic;
    s_time_t period;
    uint32_t version;
};

void sched_init_boot(void);          /* once, before any vcpu */
void sched_init_cpu(unsigned int cpu);   /* creates its idle vcpu */
int sched_init_vcpu(struct vcpu *v);
void sched_destroy_vcpu(struct vcpu *v);

/* It may run again: queue it if no pause flag and count is left. */
void vcpu_wake(struct vcpu *v);
/* Clear bits of pause_flags and wake. */
void vcpu_unblock(struct vcpu *v, unsigned long flags);
/* An event is pending: wake it if it blocks or polls, kick its CPU. */
void vcpu_kick(struct vcpu *v);
/* Counted; vcpu_pause returns when it runs nowhere (not for current). */
void vcpu_pause(struct vcpu *v);
void vcpu_pause_nosync(struct vcpu *v);
void vcpu_unpause(struct vcpu *v);
bool vcpu_runnable(const struct vcpu *v);
/* It was running here until now; its state has been saved (context switch
 * tells it, so that others who wait for it may go on). */
void sched_context_saved(struct vcpu *prev);

int vcpu_set_affinity(struct vcpu *v, cpumask_t hard, cpumask_t soft);
/* Weight, cap, warp of d change now. -EINVAL. */
int sched_adjust(struct domain *d, const struct domain_sched *s);
uint64_t vcpu_run_time(struct vcpu *v);      /* ns on a CPU so far */

/* What an idle CPU does for ever; also the tail of a CPU's start. */
void idle_loop(void) __noreturn;

/* clock.c */
int clock_init_vcpu(struct vcpu *v);
void clock_destroy_vcpu(struct vcpu *v);
void clock_update_vcpu(struct vcpu *v);  /* its vcpu_time_info, and area */
void clock_update_wallclock(struct domain *d);
void clock_set_wallclock(uint64_t secs, uint32_t nsecs, s_time_t at);
/* State change RUNSTATE_*; writes the registered area when v is current. */
void runstate_change(struct vcpu *v, int state, s_time_t now);
void runstate_write_area(struct vcpu *v);
int vcpu_set_singleshot(struct vcpu *v, s_time_t timeout, uint32_t flags);

long do_sched_op(int cmd, void __guest *arg);
long do_sched_op_compat(int cmd, unsigned long arg);
long do_set_timer_op(s_time_t timeout);

#endif
