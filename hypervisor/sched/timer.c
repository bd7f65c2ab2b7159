/*
 * Timers: a heap for each CPU, whose APIC timer is set to the first of it.
 */
#include "sched/timer.h"
#include "sched/softirq.h"
#include "x86/apic.h"
#include "x86/cpu.h"
#include "x86/irq.h"
#include "x86/percpu.h"
#include "x86/regs.h"
#include "x86/spinlock.h"
#include "x86/tsc.h"

#define OVERDUE (10 * NSEC_PER_MSEC)

/* (t) under lock */
static struct cpu_timers {
    struct spinlock lock;            /* LOCK_TIMER */
    struct heap heap;                /* (t) */
    struct timer *running;           /* (t) its fn is called now */
    s_time_t programmed;             /* (t) what the APIC timer is set to */
} cpu_timers[NR_CPUS];

/* Make this CPU's interrupt arrive for the first timer.  If that is later than
 * before, the interrupt stays: one too many costs less than to set it each time
 * a slice begins.  One that is overdue may have got lost, and all timers with
 * it: it is set anew. */
static void program_locked(struct cpu_timers *ct)
{
    s_time_t first = ct->heap.top ? ct->heap.top->key : S_TIME_MAX;

    if (first < ct->programmed || system_time() - ct->programmed > OVERDUE) {
        ct->programmed = first;
        apic_timer_set(first);
    }
}

static void insert_locked(struct cpu_timers *ct, struct timer *t)
{
    t->set = true;
    heap_insert(&ct->heap, &t->node);
    if (t->cpu == smp_processor_id())
        program_locked(ct);
    else if (ct->heap.top == &t->node)
        softirq_raise_on(t->cpu, SOFTIRQ_TIMER);
}

static void remove_locked(struct cpu_timers *ct, struct timer *t)
{
    if (t->set) {
        t->set = false;
        heap_remove(&ct->heap, &t->node);
    }
}

/* Lock the timers of the CPU that t is on, which may move until we have it,
 * and take it out. */
static struct cpu_timers *take_out(struct timer *t, unsigned long *flags)
{
    for (;;) {
        unsigned int cpu = READ_ONCE(t->cpu);
        struct cpu_timers *ct = &cpu_timers[cpu];

        *flags = spin_lock_irqsave(&ct->lock);
        if (cpu == t->cpu) {
            remove_locked(ct, t);
            return ct;
        }
        spin_unlock_irqrestore(&ct->lock, *flags);
    }
}

void timer_init(struct timer *t, void (*fn)(void *), void *data,
                unsigned int cpu)
{
    *t = (struct timer){ .cpu = cpu, .fn = fn, .data = data };
}

void timer_set(struct timer *t, s_time_t expires)
{
    unsigned long flags;
    struct cpu_timers *ct = take_out(t, &flags);

    if (!t->dead) {
        t->node.key = expires;
        insert_locked(ct, t);
    }
    spin_unlock_irqrestore(&ct->lock, flags);
}

void timer_stop(struct timer *t)
{
    unsigned long flags;
    struct cpu_timers *ct = take_out(t, &flags);

    spin_unlock_irqrestore(&ct->lock, flags);
}

void timer_kill(struct timer *t)
{
    unsigned long flags;
    struct cpu_timers *ct = take_out(t, &flags);

    t->dead = true;
    spin_unlock_irqrestore(&ct->lock, flags);
    for (unsigned int cpu = 0; cpu < NR_CPUS; cpu++)
        while (READ_ONCE(cpu_timers[cpu].running) == t)
            cpu_relax();
}

void timer_move(struct timer *t, unsigned int cpu)
{
    unsigned long flags;
    struct cpu_timers *ct = take_out(t, &flags);

    WRITE_ONCE(t->cpu, cpu);
    spin_unlock_irqrestore(&ct->lock, flags);
}

static void timer_softirq(void)
{
    struct cpu_timers *ct = &cpu_timers[smp_processor_id()];
    unsigned long flags = spin_lock_irqsave(&ct->lock);
    struct timer *t;

    ct->programmed = S_TIME_MAX;     /* it has fired, or is to be set anew */
    while (ct->heap.top && ct->heap.top->key <= system_time()) {
        t = container_of(ct->heap.top, struct timer, node);
        remove_locked(ct, t);
        WRITE_ONCE(ct->running, t);
        spin_unlock_irqrestore(&ct->lock, flags);
        t->fn(t->data);
        flags = spin_lock_irqsave(&ct->lock);
        WRITE_ONCE(ct->running, NULL);
    }
    program_locked(ct);
    spin_unlock_irqrestore(&ct->lock, flags);
}

static void timer_interrupt(void)
{
    softirq_raise(SOFTIRQ_TIMER);
}

void timer_init_boot(void)
{
    for (unsigned int cpu = 0; cpu < NR_CPUS; cpu++) {
        spin_lock_init(&cpu_timers[cpu].lock, LOCK_TIMER);
        cpu_timers[cpu].heap.top = NULL;
        cpu_timers[cpu].programmed = S_TIME_MAX;
    }
    softirq_register(SOFTIRQ_TIMER, timer_softirq);
    irq_set_vector(VEC_APIC_TIMER, timer_interrupt);
}
