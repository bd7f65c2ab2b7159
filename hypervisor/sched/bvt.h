/*
 * Borrowed virtual time (Duda and Cheriton, SOSP 1999), for one CPU's queue.
 *
 * A vcpu's actual virtual time (avt) advances by the time it ran, times
 * 256 / weight; its effective one (evt) is the same less its domain's warp
 * while it is warped.  The runnable vcpu with the least evt runs, until it is
 * BVT_ALLOWANCE of its own run time ahead of the next.  The queue's virtual
 * time (svt) is the least avt of its runnable vcpus.  Who wakes rejoins at
 * svt less a credit, so a sleeper that used less than its share runs at once,
 * and cannot save up more than that.
 *
 * Two that wake each other would preempt each other with every event, and each
 * would see one piece of work at a time.  So who comes to run because of a wake
 * or a sleep, not since another's time was up, runs for BVT_BURST before one
 * that wakes may preempt it, unless that one is warped.
 *
 * Virtual times wrap around: compare them by vt_diff.
 */
#ifndef SCHED_BVT_H
#define SCHED_BVT_H

#include "sched/sched.h"

#define BVT_ALLOWANCE    (5 * NSEC_PER_MSEC)
#define BVT_CREDIT       (5 * NSEC_PER_MSEC)
#define BVT_BURST        (250 * NSEC_PER_USEC)
#define BVT_MIN_SLICE    (500 * NSEC_PER_USEC)
#define BVT_MAX_SLICE    (30 * NSEC_PER_MSEC)
#define BVT_CAP_PERIOD   (50 * NSEC_PER_MSEC)
#define BVT_CAP_CHECK    (5 * NSEC_PER_MSEC)
#define BVT_MAX_LAG      (100 * NSEC_PER_MSEC)   /* what migrants keep */

/* Everything under the lock of the run queue, except *machine. */
struct bvt_queue {
    struct list head;                /* who waits, in order of evt */
    unsigned int nr;                 /* how many */
    uint64_t svt;                    /* only grows */
    uint64_t *machine;               /* (a) the foremost svt, roughly */
    struct bvt_vcpu *curr;           /* NULL: idle */
    s_time_t since;                  /* curr is charged up to here */
    s_time_t burst_end;              /* until then curr is not preempted */
    bool preempt;                    /* the first is to run without delay, or
                                        then */
};

static inline int64_t vt_diff(uint64_t a, uint64_t b)
{
    return (int64_t)(a - b);
}

void bvt_queue_init(struct bvt_queue *q, uint64_t *machine);
void bvt_vcpu_init(struct bvt_vcpu *v, struct domain_sched *dom);

/* Charge curr for the time since the last call. */
void bvt_charge(struct bvt_queue *q, s_time_t now);
/* v slept until now: it waits here from now on.  True if it is to run before
 * curr; then call bvt_pick soon. */
bool bvt_wake(struct bvt_queue *q, struct bvt_vcpu *v, s_time_t now);
/* curr lets the first of those who wait go first: then call bvt_pick. */
void bvt_yield(struct bvt_queue *q);
/* Take out who waits. */
void bvt_remove(struct bvt_queue *q, struct bvt_vcpu *v);
/* Move who waits to another queue, with its lead or lag.  As bvt_wake. */
bool bvt_move(struct bvt_queue *from, struct bvt_queue *to, struct bvt_vcpu *v);
/* Who runs next: curr changes to it, NULL if nobody waits.  keep: curr may
 * go on or wait; else it is no longer runnable. */
struct bvt_vcpu *bvt_pick(struct bvt_queue *q, bool keep, s_time_t now);
/* How long curr may run from now on; S_TIME_MAX: as long as it wants. */
s_time_t bvt_slice(const struct bvt_queue *q);

/* v's domain has used up what its cap allows in this period. */
bool bvt_capped(const struct bvt_vcpu *v, s_time_t now);
/* How far v is behind a virtual time, in time on a CPU. */
s_time_t bvt_lag(const struct bvt_vcpu *v, uint64_t vt);

/*
 * balance.c: on which CPU a vcpu belongs.
 *
 * Who wakes goes to an idle CPU if there is one.  An idle CPU takes over who
 * waits elsewhere.  And a CPU with waiters hands one over where that evens out
 * the sums of weights, or where virtual time is further, so that weights hold
 * across the machine even if they cannot be spread evenly.
 */
#define BALANCE_INTERVAL (10 * NSEC_PER_MSEC)    /* between two hand-overs */
#define BALANCE_LAG      (20 * NSEC_PER_MSEC)    /* what is worth a move */

/* Where a vcpu that wakes should run.  hard: online CPUs that it may use, not
 * empty; idle: CPUs with nothing to do; prev: where it ran last. */
unsigned int balance_wake_cpu(cpumask_t hard, cpumask_t soft, cpumask_t idle,
                              unsigned int prev);

/* The waiter of `from` that CPU `cpu` with queue `to` should run instead;
 * NULL.  Both queues are charged up to now.  Only an idle CPU gets the one that
 * is about to run on its own: CPUs that are slow to schedule would hand it to
 * and fro, and none would run it. */
struct bvt_vcpu *balance_find(const struct bvt_queue *from,
                              const struct bvt_queue *to, unsigned int cpu);

#endif
