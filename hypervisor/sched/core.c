/*
 * Run queues, the switch from vcpu to vcpu, sleep and wake.
 *
 * Each CPU has a queue of the vcpus that wait for it.  A vcpu's sched.cpu
 * names its queue, whose lock guards the vcpu's scheduling state; it changes
 * only under that lock and while the vcpu runs nowhere.  A vcpu that was
 * switched away from stays `running` until its state is in memory.
 */
#include "domain/domain.h"
#include "domain/guest_ops.h"
#include "lib/env.h"
#include "mm/buddy.h"
#include "sched/bvt.h"
#include "sched/softirq.h"
#include "x86/atomic.h"
#include "x86/cpu.h"
#include "x86/percpu.h"
#include "x86/smp.h"
#include "x86/tsc.h"

/* (q) under lock */
static struct runq {
    struct spinlock lock;            /* LOCK_SCHED; a second is only tried */
    unsigned int cpu;                /* (c) */
    struct bvt_queue q;              /* (q) */
    struct vcpu *curr, *idle;        /* (q), (c) */
    struct timer slice;              /* the end of curr's time */
    s_time_t slice_end;              /* (q) what it is set to */
    s_time_t balanced;               /* (q) when it last tried to give one up */
} __aligned(64) runqs[NR_CPUS];

static cpumask_t idle_cpus;          /* (a) */
static uint64_t machine_time;        /* (a) see struct bvt_queue */

static struct vcpu *vcpu_of(struct bvt_vcpu *b)
{
    return b ? container_of(b, struct vcpu, sched.bvt) : NULL;
}

static struct runq *runq_lock(const struct vcpu *v, unsigned long *flags)
{
    for (;;) {
        unsigned int cpu = READ_ONCE(v->sched.cpu);
        struct runq *rq = &runqs[cpu];

        *flags = spin_lock_irqsave(&rq->lock);
        if (cpu == READ_ONCE(v->sched.cpu))
            return rq;
        spin_unlock_irqrestore(&rq->lock, *flags);
    }
}

bool vcpu_runnable(const struct vcpu *v)
{
    return !(READ_ONCE(v->sched.pause_flags) | READ_ONCE(v->sched.pause_count));
}

/* What an off-CPU vcpu is counted as. */
static int off_state(const struct vcpu *v)
{
    if (vcpu_runnable(v))
        return RUNSTATE_runnable;
    return READ_ONCE(v->sched.pause_flags) & (VPF_BLOCKED | VPF_POLL)
           ? RUNSTATE_blocked : RUNSTATE_offline;
}

static void set_slice_locked(struct runq *rq, s_time_t now, bool only_earlier)
{
    s_time_t slice = bvt_slice(&rq->q);
    s_time_t end = slice == S_TIME_MAX ? S_TIME_MAX : now + slice;

    if (end == rq->slice_end || (only_earlier && end > rq->slice_end))
        return;
    rq->slice_end = end;
    if (end == S_TIME_MAX)
        timer_stop(&rq->slice);
    else
        timer_set(&rq->slice, end);
}

/* A vcpu has come to wait here: is it to run now, or after curr's time? */
static void arrived_locked(struct runq *rq, bool preempts, s_time_t now)
{
    if (preempts)
        softirq_raise_on(rq->cpu, SOFTIRQ_SCHEDULE);
    else
        set_slice_locked(rq, now, true);
}

void vcpu_wake(struct vcpu *v)
{
    struct sched_vcpu *s = &v->sched;
    unsigned int taken = NR_CPUS;    /* whose mark as idle is gone for v */

    for (;;) {
        unsigned long flags;
        struct runq *rq = runq_lock(v, &flags);
        cpumask_t hard = s->affinity & cpu_online_mask;
        unsigned int cpu = rq->cpu;

        if (!vcpu_runnable(v) || s->bvt.queued || s->bvt.parked || s->away ||
            rq->curr == v) {
            spin_unlock_irqrestore(&rq->lock, flags);
            break;
        }
        if (taken == NR_CPUS && !s->running)
            cpu = balance_wake_cpu(hard, s->affinity_soft,
                                   READ_ONCE(idle_cpus), cpu);
        if (s->running && !(hard & BIT(cpu))) {
            s->away = true;          /* sched_context_saved goes on */
        } else if (cpu == rq->cpu) {
            s_time_t now = system_time();

            runstate_change(v, RUNSTATE_runnable, now);
            arrived_locked(rq, bvt_wake(&rq->q, &s->bvt, now), now);
            if (taken == cpu)
                taken = NR_CPUS;     /* it knows */
        } else {
            /* Two that wake at a time shall not choose the same. */
            atomic_and(&idle_cpus, ~BIT(cpu));
            WRITE_ONCE(s->cpu, cpu);
            stat_inc(STAT_MIGRATE);
            taken = cpu;
        }
        spin_unlock_irqrestore(&rq->lock, flags);
        if (cpu == rq->cpu)
            break;
    }
    /* Another has moved or woken v meanwhile: an idle CPU marks itself anew. */
    if (taken != NR_CPUS)
        softirq_raise_on(taken, SOFTIRQ_SCHEDULE);
}

void vcpu_unblock(struct vcpu *v, unsigned long flags)
{
    /* First its bit: that of a vcpu that polls again meanwhile is not ours. */
    if (flags & VPF_POLL)
        atomic_and(&v->domain->ev.pollers, ~BIT(v->id));
    if (atomic_and(&v->sched.pause_flags, ~flags) & flags)
        vcpu_wake(v);
}

void vcpu_kick(struct vcpu *v)
{
    unsigned long blocked = READ_ONCE(v->sched.pause_flags) &
                            (VPF_BLOCKED | VPF_POLL);

    if (blocked)
        vcpu_unblock(v, blocked);
    else if (READ_ONCE(v->sched.running) && v != current)
        smp_kick(READ_ONCE(v->sched.cpu));
}

void vcpu_pause_nosync(struct vcpu *v)
{
    unsigned long flags;
    struct runq *rq;

    atomic_inc(&v->sched.pause_count);
    rq = runq_lock(v, &flags);
    if (v->sched.bvt.queued) {
        bvt_remove(&rq->q, &v->sched.bvt);
        runstate_change(v, off_state(v), system_time());
    } else if (rq->curr == v) {
        softirq_raise_on(rq->cpu, SOFTIRQ_SCHEDULE);
    }
    spin_unlock_irqrestore(&rq->lock, flags);
}

void vcpu_pause(struct vcpu *v)
{
    vcpu_pause_nosync(v);
    while (READ_ONCE(v->sched.running))
        cpu_relax();
}

void vcpu_unpause(struct vcpu *v)
{
    if (!atomic_dec(&v->sched.pause_count))
        vcpu_wake(v);
}

int vcpu_yield(void)
{
    current->sched.yield = true;
    softirq_raise(SOFTIRQ_SCHEDULE);
    cpu_relax();                     /* if nobody waits here, it is a spin */
    return 0;
}

int vcpu_set_affinity(struct vcpu *v, cpumask_t hard, cpumask_t soft)
{
    unsigned long flags;
    struct runq *rq;
    bool move;

    if (!(hard & cpu_online_mask))
        return -EINVAL;
    rq = runq_lock(v, &flags);
    v->sched.affinity = hard;
    v->sched.affinity_soft = soft;
    move = v->sched.bvt.queued && !(hard & BIT(rq->cpu));
    if (move)
        bvt_remove(&rq->q, &v->sched.bvt);
    else if (rq->curr == v)
        softirq_raise_on(rq->cpu, SOFTIRQ_SCHEDULE);
    spin_unlock_irqrestore(&rq->lock, flags);
    if (move)
        vcpu_wake(v);
    return 0;
}

/* Those whom d's cap stopped may try again. */
static void unpark(void *data)
{
    struct domain *d = data;

    for (unsigned int i = 0; i < d->max_vcpus; i++) {
        struct vcpu *v = READ_ONCE(d->vcpu[i]);
        unsigned long flags;
        struct runq *rq;

        if (!v)
            continue;
        rq = runq_lock(v, &flags);
        v->sched.bvt.parked = false;
        if (rq->curr == v)           /* a new cap holds for it, too */
            softirq_raise_on(rq->cpu, SOFTIRQ_SCHEDULE);
        spin_unlock_irqrestore(&rq->lock, flags);
        vcpu_wake(v);
    }
}

int sched_adjust(struct domain *d, const struct domain_sched *s)
{
    if (!s->weight || s->cap > 100 * d->max_vcpus)
        return -EINVAL;
    if (!d->sched.cap_timer.fn)
        timer_init(&d->sched.cap_timer, unpark, d, smp_processor_id());
    d->sched.warp_us = s->warp_us;
    d->sched.warp_limit_us = s->warp_limit_us;
    d->sched.unwarp_us = s->unwarp_us;
    WRITE_ONCE(d->sched.warp_on, s->warp_on);
    WRITE_ONCE(d->sched.weight, s->weight);
    if (d->sched.cap != s->cap) {
        d->sched.cap_start = system_time();
        d->sched.cap_used = 0;
        WRITE_ONCE(d->sched.cap, s->cap);
        unpark(d);
    }
    return 0;
}

uint64_t vcpu_run_time(struct vcpu *v)
{
    const struct vcpu_runstate_info *r = &v->clock.runstate;
    unsigned long flags;
    struct runq *rq = runq_lock(v, &flags);
    uint64_t t = r->time[RUNSTATE_running];

    if (r->state == RUNSTATE_running)
        t += system_time() - r->state_entry_time;
    spin_unlock_irqrestore(&rq->lock, flags);
    return t;
}

static void park_locked(struct vcpu *v)
{
    struct domain_sched *dom = &v->domain->sched;

    v->sched.bvt.parked = true;
    timer_set(&dom->cap_timer, dom->cap_start + BVT_CAP_PERIOD);
}

/* May prev, which ran until now, go on or wait here? */
static bool may_stay_locked(struct runq *rq, struct vcpu *prev, s_time_t now)
{
    if (prev == rq->idle || !vcpu_runnable(prev))
        return false;
    if (!(prev->sched.affinity & BIT(rq->cpu))) {
        prev->sched.away = true;
        return false;
    }
    if (bvt_capped(&prev->sched.bvt, now)) {
        park_locked(prev);
        return false;
    }
    return true;
}

/* The other online CPUs as bits from the next one on: bit n is the CPU n + 1
 * after this one. */
static cpumask_t others(const struct runq *rq)
{
    cpumask_t mask = cpu_online_mask & ~BIT(rq->cpu);

    return mask >> ((rq->cpu + 1) % 64) | mask << ((63 - rq->cpu) % 64);
}

/* Take over who waits for another CPU, or let one that waits here go to it;
 * false: nobody moves.  Holds rq's lock, so others are only tried: who holds
 * one of them may want ours. */
static bool balance_locked(struct runq *rq, bool take, s_time_t now)
{
    for (cpumask_t m = others(rq); m; m &= m - 1) {
        struct runq *other = &runqs[(rq->cpu + 1 + __builtin_ctzl(m)) %
                                    NR_CPUS];
        struct runq *from = take ? other : rq, *to = take ? rq : other;
        struct bvt_vcpu *b;
        bool preempts;

        if (!READ_ONCE(from->q.nr) || !spin_trylock(&other->lock))
            continue;
        bvt_charge(&other->q, now);
        b = balance_find(&from->q, &to->q, to->cpu);
        if (b) {
            preempts = bvt_move(&from->q, &to->q, b);
            WRITE_ONCE(vcpu_of(b)->sched.cpu, to->cpu);
            stat_inc(STAT_MIGRATE);
            if (!take)
                arrived_locked(other, preempts, now);
        }
        spin_unlock(&other->lock);
        if (b)
            return true;
    }
    return false;
}

static struct vcpu *pick_locked(struct runq *rq, bool keep, s_time_t now)
{
    struct bvt_vcpu *b;

    while ((b = bvt_pick(&rq->q, keep, now)) && bvt_capped(b, now)) {
        park_locked(vcpu_of(b));
        keep = false;
    }
    if (b) {
        if (READ_ONCE(idle_cpus) & BIT(rq->cpu))
            atomic_and(&idle_cpus, ~BIT(rq->cpu));
        return vcpu_of(b);
    }
    /* First say so: who wakes after that comes here by itself. */
    atomic_or(&idle_cpus, BIT(rq->cpu));
    if (!balance_locked(rq, true, now))
        return rq->idle;
    atomic_and(&idle_cpus, ~BIT(rq->cpu));
    return vcpu_of(bvt_pick(&rq->q, false, now));
}

/* SOFTIRQ_SCHEDULE: returns only if the same vcpu goes on. */
static void schedule(void)
{
    struct runq *rq = &runqs[smp_processor_id()];
    struct vcpu *prev, *next;
    unsigned long flags;
    s_time_t now;
    bool keep;

    stat_inc(STAT_SCHEDULE);
    flags = spin_lock_irqsave(&rq->lock);
    prev = rq->curr;
    now = system_time();
    bvt_charge(&rq->q, now);
    if (rq->q.nr && now - rq->balanced >= BALANCE_INTERVAL) {
        rq->balanced = now;
        balance_locked(rq, false, now);
    }
    keep = may_stay_locked(rq, prev, now);
    if (prev->sched.yield)
        bvt_yield(&rq->q);
    prev->sched.yield = false;
    next = pick_locked(rq, keep, now);
    set_slice_locked(rq, now, false);
    if (next == prev) {
        spin_unlock_irqrestore(&rq->lock, flags);
        return;
    }
    rq->curr = next;
    WRITE_ONCE(next->sched.running, true);
    smp_mb();                        /* then pending is read: vcpu_kick */
    runstate_change(prev, off_state(prev), now);
    runstate_change(next, RUNSTATE_running, now);
    spin_unlock(&rq->lock);          /* interrupts stay off */
    guest_ops->context_switch(prev, next);
}

void sched_context_saved(struct vcpu *prev)
{
    struct runq *rq = &runqs[prev->sched.cpu];   /* it runs: it stays so */
    bool away;

    if (prev == rq->idle)
        return;
    spin_lock(&rq->lock);
    away = prev->sched.away;
    prev->sched.away = false;
    WRITE_ONCE(prev->sched.running, false);
    spin_unlock(&rq->lock);
    if (away)
        vcpu_wake(prev);
}

static void slice_expired(void *data)
{
    (void)data;
    softirq_raise(SOFTIRQ_SCHEDULE);
}

static void poll_timeout(void *data)
{
    vcpu_unblock(data, VPF_POLL);
}

void sched_init_vcpu(struct vcpu *v)
{
    static unsigned int last;        /* newcomers are spread */
    struct sched_vcpu *s = &v->sched;
    unsigned int cpu = v->id;

    if (v->domain != idle_domain)
        cpu = balance_wake_cpu(cpu_online_mask, ~0UL, idle_cpus & ~BIT(last),
                               last);
    else
        s->running = true;
    s->cpu = last = cpu;
    s->affinity = s->affinity_soft = ~0UL;
    bvt_vcpu_init(&s->bvt, &v->domain->sched);
    timer_init(&s->poll_timer, poll_timeout, v, cpu);
}

void sched_destroy_vcpu(struct vcpu *v)
{
    timer_kill(&v->sched.poll_timer);
    if (v->domain->sched.cap_timer.fn)
        timer_kill(&v->domain->sched.cap_timer);
}

void sched_init_boot(void)
{
    for (unsigned int cpu = 0; cpu < NR_CPUS; cpu++) {
        struct runq *rq = &runqs[cpu];

        spin_lock_init(&rq->lock, LOCK_SCHED);
        bvt_queue_init(&rq->q, &machine_time);
        rq->cpu = cpu;
        rq->slice_end = S_TIME_MAX;
        timer_init(&rq->slice, slice_expired, NULL, cpu);
    }
    timer_init_boot();
    softirq_register(SOFTIRQ_SCHEDULE, schedule);
}

void sched_init_cpu(unsigned int cpu)
{
    struct vcpu *v;

    if (vcpu_create(idle_domain, cpu))
        panic("No memory for the idle vcpu of CPU %u", cpu);
    v = idle_domain->vcpu[cpu];
    runqs[cpu].curr = runqs[cpu].idle = v;
    percpu_of[cpu]->curr = v;
    runstate_change(v, RUNSTATE_running, system_time());
    atomic_or(&idle_cpus, BIT(cpu));
}

void idle_loop(void)
{
    irq_enable();                    /* the context switch had them off */
    for (;;) {
        do_softirq();
        if (frames_scrub_some())
            continue;
        irq_disable();
        if (!READ_ONCE(this_percpu()->softirq_pending)) {
            stat_inc(STAT_IDLE);
            /* STI holds interrupts back until HLT has begun. */
            __asm__ volatile("sti; hlt" ::: "memory");
        }
        irq_enable();
    }
}
