/*
 * Borrowed virtual time: the arithmetic of one queue.
 */
#include "sched/bvt.h"
#include "x86/atomic.h"

#define MACHINE_STEP NSEC_PER_MSEC   /* how exactly *machine is kept */

/* Time on a CPU to virtual time of v, rounded to the nearest. */
static uint64_t to_virtual(const struct bvt_vcpu *v, s_time_t t)
{
    unsigned int weight = READ_ONCE(v->dom->weight);

    return ((uint64_t)t * SCHED_WEIGHT_DEFAULT + weight / 2) / weight;
}

/* And back, for a difference; never more than a minute either way. */
static s_time_t to_real(const struct bvt_vcpu *v, int64_t vt)
{
    const int64_t limit = 60 * NSEC_PER_SEC * SCHED_WEIGHT_DEFAULT /
                          READ_ONCE(v->dom->weight);

    vt = MAX(MIN(vt, limit), -limit);
    return vt * v->dom->weight / SCHED_WEIGHT_DEFAULT;
}

s_time_t bvt_lag(const struct bvt_vcpu *v, uint64_t vt)
{
    return to_real(v, vt_diff(vt, v->avt));
}

static struct bvt_vcpu *first(const struct bvt_queue *q)
{
    return q->nr ? list_entry(q->head.next, struct bvt_vcpu, link) : NULL;
}

/* How far v is ahead of its turn. */
static uint64_t warp_of(const struct bvt_vcpu *v)
{
    return v->warped ? v->dom->warp_us * NSEC_PER_USEC : 0;
}

static void set_evt(struct bvt_vcpu *v)
{
    v->evt = v->avt - warp_of(v);
}

/* Warp v if it may: it has been without for as long as it must. */
static void try_warp(struct bvt_vcpu *v, s_time_t now)
{
    const struct domain_sched *dom = v->dom;

    if (dom->warp_on && !v->warped &&
        now - v->warp_end >= dom->unwarp_us * NSEC_PER_USEC) {
        v->warped = true;
        v->warp_used = 0;
    }
    set_evt(v);
}

/* Start a cap period if the old one is over; what was used too much stays. */
static void cap_refill(struct domain_sched *dom, s_time_t now)
{
    s_time_t start = READ_ONCE(dom->cap_start);
    s_time_t periods = (now - start) / BVT_CAP_PERIOD;
    s_time_t given = periods * (dom->cap * BVT_CAP_PERIOD / 100), used;

    if (periods <= 0 ||
        cmpxchg(&dom->cap_start, start,
                start + periods * BVT_CAP_PERIOD) != start)
        return;                      /* or another CPU does it */
    used = READ_ONCE(dom->cap_used);
    atomic_add(&dom->cap_used, -MIN(used, given));
}

static s_time_t cap_left(const struct domain_sched *dom)
{
    return dom->cap * BVT_CAP_PERIOD / 100 - READ_ONCE(dom->cap_used);
}

bool bvt_capped(const struct bvt_vcpu *v, s_time_t now)
{
    if (likely(!v->dom->cap))
        return false;
    cap_refill(v->dom, now);
    return cap_left(v->dom) <= 0;
}

static void advance_svt(struct bvt_queue *q)
{
    struct bvt_vcpu *v = q->curr ? q->curr : first(q);
    struct list *pos;
    uint64_t min;

    if (!v)
        return;
    min = v->avt;
    list_for_each(pos, &q->head) {
        v = list_entry(pos, struct bvt_vcpu, link);
        if (vt_diff(v->evt, min) >= 0)
            break;                   /* avt is never less than evt */
        if (vt_diff(v->avt, min) < 0)
            min = v->avt;
    }
    if (vt_diff(min, q->svt) > 0)
        q->svt = min;
    if (vt_diff(q->svt, READ_ONCE(*q->machine)) > MACHINE_STEP)
        WRITE_ONCE(*q->machine, q->svt);
}

static void enqueue(struct bvt_queue *q, struct bvt_vcpu *v)
{
    struct list *pos = q->head.prev;

    while (pos != &q->head &&
           vt_diff(list_entry(pos, struct bvt_vcpu, link)->evt, v->evt) > 0)
        pos = pos->prev;
    list_add_after(&v->link, pos);
    v->queued = true;
    q->nr++;
}

/* A newcomer to q: keep its avt near svt.  It keeps a debt that its own warp
 * hides, and what it is owed while a warped one runs: else who is warped by
 * more than the bounds would come first for ever. */
static bool join(struct bvt_queue *q, struct bvt_vcpu *v, s_time_t behind)
{
    uint64_t machine = READ_ONCE(*q->machine), low, high;

    if (!q->curr && !q->nr && vt_diff(machine, q->svt) > 0)
        q->svt = machine;            /* an idle CPU's time stood still */
    low = q->svt - to_virtual(v, behind);
    if (q->curr && behind == BVT_MAX_LAG)
        low -= warp_of(q->curr);
    high = q->svt + to_virtual(v, BVT_MAX_LAG) + warp_of(v);
    if (vt_diff(v->avt, low) < 0)
        v->avt = low;
    else if (vt_diff(v->avt, high) > 0)
        v->avt = high;
    set_evt(v);
    enqueue(q, v);
    if (q->curr && vt_diff(v->evt, q->curr->evt) >= 0)
        return false;
    q->preempt = true;
    if (v->warped)
        q->burst_end = 0;
    return !q->curr || q->since >= q->burst_end;
}

void bvt_queue_init(struct bvt_queue *q, uint64_t *machine)
{
    *q = (struct bvt_queue){ .machine = machine };
    list_init(&q->head);
}

void bvt_vcpu_init(struct bvt_vcpu *v, struct domain_sched *dom)
{
    *v = (struct bvt_vcpu){ .dom = dom };
    list_init(&v->link);
}

void bvt_charge(struct bvt_queue *q, s_time_t now)
{
    struct bvt_vcpu *v = q->curr;
    s_time_t run = now - q->since;

    if (run <= 0)
        return;                      /* CPUs' clocks may differ a little */
    q->since = now;
    if (!v)
        return;
    v->avt += to_virtual(v, run);
    if (v->warped) {
        s_time_t limit = v->dom->warp_limit_us * NSEC_PER_USEC;

        v->warp_used += run;
        if (!v->dom->warp_on || (limit && v->warp_used >= limit)) {
            v->warped = false;
            v->warp_end = now;
        }
    }
    set_evt(v);
    if (unlikely(v->dom->cap))
        atomic_add(&v->dom->cap_used, run);
    advance_svt(q);
}

bool bvt_wake(struct bvt_queue *q, struct bvt_vcpu *v, s_time_t now)
{
    bvt_charge(q, now);
    v->warp_used = 0;
    try_warp(v, now);
    return join(q, v, BVT_CREDIT);
}

void bvt_remove(struct bvt_queue *q, struct bvt_vcpu *v)
{
    list_del(&v->link);
    v->queued = false;
    q->nr--;
}

void bvt_yield(struct bvt_queue *q)
{
    q->preempt = true;
    q->burst_end = 0;
}

bool bvt_move(struct bvt_queue *from, struct bvt_queue *to, struct bvt_vcpu *v)
{
    bvt_remove(from, v);
    return join(to, v, BVT_MAX_LAG);
}

struct bvt_vcpu *bvt_pick(struct bvt_queue *q, bool keep, s_time_t now)
{
    struct bvt_vcpu *curr = keep ? q->curr : NULL, *next = first(q);
    bool later = q->preempt && now < q->burst_end;

    if (curr)
        try_warp(curr, now);
    if (curr && (!next || ((later || !q->preempt) &&
                           vt_diff(curr->evt, next->evt) <
                           (int64_t)to_virtual(curr, BVT_ALLOWANCE)))) {
        q->preempt = next && later;
        next = curr;
    } else {
        q->burst_end = curr && !q->preempt ? 0 : now + BVT_BURST;
        q->preempt = false;
        if (next)
            bvt_remove(q, next);
        if (curr)
            enqueue(q, curr);
    }
    q->curr = next;
    q->since = now;
    return next;
}

s_time_t bvt_slice(const struct bvt_queue *q)
{
    const struct bvt_vcpu *v = q->curr, *next = first(q);
    s_time_t slice = S_TIME_MAX;

    if (!v)
        return slice;
    if (next)
        slice = MIN(to_real(v, vt_diff(next->evt, v->evt)) + BVT_ALLOWANCE,
                    BVT_MAX_SLICE);
    if (v->warped && v->dom->warp_limit_us)
        slice = MIN(slice, v->dom->warp_limit_us * NSEC_PER_USEC -
                           v->warp_used);
    if (v->dom->cap)
        slice = MIN(slice, MIN(cap_left(v->dom), BVT_CAP_CHECK));
    slice = MAX(slice, BVT_MIN_SLICE);
    if (next && q->preempt)
        slice = MIN(slice, MAX(q->burst_end - q->since, 0));
    return slice;
}
