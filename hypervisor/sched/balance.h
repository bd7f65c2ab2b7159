/*
 * On which CPU a vcpu belongs.
 *
 * Who wakes goes to an idle CPU if there is one.  An idle CPU takes over who
 * waits elsewhere.  And a CPU with waiters hands one over where that evens out
 * the sums of weights, or where virtual time is further, so that weights hold
 * across the machine even if they cannot be spread evenly.
 */
#ifndef SCHED_BALANCE_H
#define SCHED_BALANCE_H

#include "sched/bvt.h"

#define BALANCE_INTERVAL (10 * NSEC_PER_MSEC)    /* between two hand-overs */
#define BALANCE_LAG      (20 * NSEC_PER_MSEC)    /* what is worth a move */

/* Where a vcpu that wakes should run.  hard: online CPUs that it may use, not
 * empty; idle: CPUs with nothing to do; prev: where it ran last. */
unsigned int balance_wake_cpu(cpumask_t hard, cpumask_t soft, cpumask_t idle,
                              unsigned int prev);

/* The waiter of `from` that CPU `cpu` with queue `to` should run instead;
 * NULL.  Both queues are charged up to now. */
struct bvt_vcpu *balance_find(const struct bvt_queue *from,
                              const struct bvt_queue *to, unsigned int cpu);

#endif
