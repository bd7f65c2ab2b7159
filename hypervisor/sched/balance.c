/*
 * Choosing CPUs for vcpus.
 */
#include "sched/bvt.h"

/* The first CPU of a mask that follows prev, and round. */
static unsigned int next_cpu(cpumask_t mask, unsigned int prev)
{
    cpumask_t after = prev + 1 < NR_CPUS ? mask & (~0UL << (prev + 1)) : 0;

    return __builtin_ctzl(after ? after : mask);
}

unsigned int balance_wake_cpu(cpumask_t hard, cpumask_t soft, cpumask_t idle,
                              unsigned int prev)
{
    cpumask_t best = hard & idle ? hard & idle : hard;

    if (best & soft)
        best &= soft;
    if (best & BIT(prev) || (!(hard & idle) && hard & BIT(prev)))
        return prev;
    return next_cpu(best, prev);
}

/* Of all that run or wait there. */
static unsigned int sum_of_weights(const struct bvt_queue *q)
{
    unsigned int sum = q->curr ? q->curr->dom->weight : 0;
    struct list *pos;

    list_for_each(pos, &q->head)
        sum += list_entry(pos, struct bvt_vcpu, link)->dom->weight;
    return sum;
}

struct bvt_vcpu *balance_find(const struct bvt_queue *from,
                              const struct bvt_queue *to, unsigned int cpu)
{
    bool idle = !to->curr && !to->nr;
    unsigned int ours = sum_of_weights(from), theirs = sum_of_weights(to);
    struct bvt_vcpu *second = NULL;
    struct list *pos;

    list_for_each(pos, &from->head) {
        struct bvt_vcpu *v = list_entry(pos, struct bvt_vcpu, link);
        const struct sched_vcpu *s = container_of(v, struct sched_vcpu, bvt);
        bool good = idle || theirs + v->dom->weight < ours;

        /* Its state is in memory only when it runs nowhere. */
        if (s->running || !(s->affinity & BIT(cpu)))
            continue;
        if (!idle && from->preempt && pos == from->head.next)
            continue;                /* its turn has come */
        if (good && s->affinity_soft & BIT(cpu))
            return v;
        if (!second && (idle || bvt_lag(v, to->svt) > BALANCE_LAG))
            second = v;
    }
    return second;
}
