/*
 * Deferred work before returning to a guest.
 */
#include "sched/softirq.h"
#include "x86/atomic.h"
#include "x86/percpu.h"
#include "x86/smp.h"

static void (*handlers[NR_SOFTIRQS])(void);      /* (c) after boot */

void softirq_register(enum softirq n, void (*fn)(void))
{
    handlers[n] = fn;
}

void softirq_raise(enum softirq n)
{
    atomic_or(&this_percpu()->softirq_pending, 1U << n);
}

void softirq_raise_on(unsigned int cpu, enum softirq n)
{
    unsigned int old = atomic_or(&percpu_of[cpu]->softirq_pending, 1U << n);

    /* Whoever set another bit first has kicked the CPU, or is it. */
    if (!old && cpu != smp_processor_id())
        smp_kick(cpu);
}

void do_softirq(void)
{
    unsigned int pending;

    /* In rounds: none that is raised again and again holds the others up.  The
     * last, SCHEDULE, may not return. */
    while ((pending = xchg(&this_percpu()->softirq_pending, 0)))
        for (; pending; pending &= pending - 1)
            handlers[__builtin_ctz(pending)]();
}
