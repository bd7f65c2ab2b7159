/* sched/bvt.c and sched/balance.c: who gets how much, and how soon. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "sched/bvt.h"

#define MS  NSEC_PER_MSEC
#define SEC NSEC_PER_SEC

#define SIM_CPUS  8
#define SIM_VCPUS 64

/*
 * A machine of CPUs and vcpus in virtual time, driven in the way of
 * sched/core.c.
 */
struct sim_vcpu {
    struct sched_vcpu s;
    unsigned int cpu;
    s_time_t burst, sleep;           /* burst 0: always wants to run */
    s_time_t left, wake_at;          /* of this burst; wake_at 0: awake */
    s_time_t ran, ready;             /* ready: since when it waits; 0: not */
    s_time_t worst_wait;
    s_time_t worst_latency;          /* the same, after a sleep only */
    bool woke;
};

struct sim {
    s_time_t now;
    unsigned int cpus, nr;
    uint64_t machine;
    struct {
        struct bvt_queue q;
        s_time_t slice_end, balanced;
        bool resched;
    } cpu[SIM_CPUS];
    struct sim_vcpu v[SIM_VCPUS];
    unsigned long switches, moves;
};

static struct sim sim;

static struct sim_vcpu *vcpu_of(struct bvt_vcpu *b)
{
    return b ? container_of(b, struct sim_vcpu, s.bvt) : NULL;
}

static void sim_init(struct sim *m, unsigned int cpus)
{
    memset(m, 0, sizeof(*m));
    m->cpus = cpus;
    m->now = SEC;
    for (unsigned int c = 0; c < cpus; c++) {
        bvt_queue_init(&m->cpu[c].q, &m->machine);
        m->cpu[c].slice_end = S_TIME_MAX;
    }
}

static struct sim_vcpu *sim_add(struct sim *m, struct domain_sched *dom,
                                unsigned int cpu, cpumask_t affinity)
{
    struct sim_vcpu *v = &m->v[m->nr++];

    assert_true(m->nr <= SIM_VCPUS);
    bvt_vcpu_init(&v->s.bvt, dom);
    v->s.affinity = affinity;
    v->s.affinity_soft = ~0UL;
    v->cpu = cpu;
    v->wake_at = m->now;
    return v;
}

static void arrived(struct sim *m, unsigned int c, bool preempts)
{
    s_time_t slice = bvt_slice(&m->cpu[c].q);

    if (preempts)
        m->cpu[c].resched = true;
    else if (slice != S_TIME_MAX)
        m->cpu[c].slice_end = MIN(m->cpu[c].slice_end, m->now + slice);
}

static void wake(struct sim *m, struct sim_vcpu *v, bool slept)
{
    cpumask_t idle = 0, online = BIT(m->cpus) - 1;

    for (unsigned int c = 0; c < m->cpus; c++)
        if (!m->cpu[c].q.curr && !m->cpu[c].q.nr)
            idle |= BIT(c);
    v->cpu = balance_wake_cpu(v->s.affinity & online, v->s.affinity_soft,
                              idle, v->cpu);
    v->wake_at = 0;
    v->left = v->burst;
    v->ready = m->now;
    v->woke = slept;
    arrived(m, v->cpu, bvt_wake(&m->cpu[v->cpu].q, &v->s.bvt, m->now));
}

static struct bvt_vcpu *steal(struct sim *m, unsigned int c)
{
    for (unsigned int i = 1; i < m->cpus; i++) {
        struct bvt_queue *other = &m->cpu[(c + i) % m->cpus].q;
        struct bvt_vcpu *b = balance_find(other, &m->cpu[c].q, c);

        if (b) {
            bvt_move(other, &m->cpu[c].q, b);
            vcpu_of(b)->cpu = c;
            m->moves++;
            return bvt_pick(&m->cpu[c].q, false, m->now);
        }
    }
    return NULL;
}

static void hand_over(struct sim *m, unsigned int c)
{
    for (unsigned int i = 1; i < m->cpus; i++) {
        unsigned int o = (c + i) % m->cpus;
        struct bvt_vcpu *b;

        bvt_charge(&m->cpu[c].q, m->now);
        bvt_charge(&m->cpu[o].q, m->now);
        b = balance_find(&m->cpu[c].q, &m->cpu[o].q, o);
        if (b) {
            vcpu_of(b)->cpu = o;
            m->moves++;
            arrived(m, o, bvt_move(&m->cpu[c].q, &m->cpu[o].q, b));
            return;
        }
    }
}

static void schedule(struct sim *m, unsigned int c)
{
    struct bvt_queue *q = &m->cpu[c].q;
    struct sim_vcpu *prev = vcpu_of(q->curr), *next;
    struct bvt_vcpu *b;
    bool keep = prev;
    s_time_t slice;

    if (q->nr && m->now - m->cpu[c].balanced >= BALANCE_INTERVAL) {
        m->cpu[c].balanced = m->now;
        hand_over(m, c);
    }
    bvt_charge(q, m->now);
    if (prev && prev->burst && prev->left <= 0) {
        prev->wake_at = m->now + prev->sleep;
        keep = false;
    } else if (prev && bvt_capped(&prev->s.bvt, m->now)) {
        prev->s.bvt.parked = true;
        keep = false;
    }
    if (keep)
        prev->ready = m->now;
    while ((b = bvt_pick(q, keep, m->now)) && bvt_capped(b, m->now)) {
        b->parked = true;
        vcpu_of(b)->ready = 0;
        keep = false;
    }
    next = vcpu_of(b ? b : steal(m, c));
    slice = bvt_slice(q);
    m->cpu[c].slice_end = slice == S_TIME_MAX ? slice : m->now + slice;
    m->switches += next != prev;
    if (next) {
        next->worst_wait = MAX(next->worst_wait, m->now - next->ready);
        if (next->woke)
            next->worst_latency = MAX(next->worst_latency,
                                      m->now - next->ready);
        next->woke = false;
        next->ready = 0;
    }
}

/* When anything happens next. */
static s_time_t next_event(const struct sim *m)
{
    s_time_t t = S_TIME_MAX;

    for (unsigned int c = 0; c < m->cpus; c++) {
        const struct sim_vcpu *v = vcpu_of(m->cpu[c].q.curr);

        t = MIN(t, m->cpu[c].resched ? m->now : m->cpu[c].slice_end);
        if (v && v->burst)
            t = MIN(t, m->now + v->left);
    }
    for (unsigned int i = 0; i < m->nr; i++) {
        if (m->v[i].wake_at)
            t = MIN(t, m->v[i].wake_at);
        if (m->v[i].s.bvt.parked)
            t = MIN(t, m->v[i].s.bvt.dom->cap_start + BVT_CAP_PERIOD);
    }
    return MAX(t, m->now);
}

static void sim_step(struct sim *m, s_time_t end)
{
    s_time_t t = MIN(next_event(m), end), dt = t - m->now;

    m->now = t;
    for (unsigned int c = 0; c < m->cpus; c++) {
        struct sim_vcpu *v = vcpu_of(m->cpu[c].q.curr);

        if (v) {
            v->ran += dt;
            v->left -= dt;
            m->cpu[c].resched |= v->burst && v->left <= 0;
        }
    }
    for (unsigned int i = 0; i < m->nr; i++) {
        struct sim_vcpu *v = &m->v[i];

        if (v->wake_at && v->wake_at <= t) {
            wake(m, v, true);
        } else if (v->s.bvt.parked &&
                   v->s.bvt.dom->cap_start + BVT_CAP_PERIOD <= t) {
            v->s.bvt.parked = false;
            wake(m, v, false);
        }
    }
    for (unsigned int c = 0; c < m->cpus; c++)
        if (m->cpu[c].slice_end <= t)
            m->cpu[c].resched = true;
    for (unsigned int c = 0; c < m->cpus; c++)
        if (m->cpu[c].resched) {
            m->cpu[c].resched = false;
            schedule(m, c);
        }
}

static void sim_run(struct sim *m, s_time_t duration)
{
    s_time_t end = m->now + duration;

    while (m->now < end)
        sim_step(m, end);
}

/* Permille by which a is off b. */
static long off(s_time_t a, s_time_t b)
{
    return labs((a - b) * 1000 / b);
}

static void shares_on_one_cpu(void **state)
{
    struct domain_sched dom[] = { { .weight = 256 }, { .weight = 512 },
                                  { .weight = 1280 } };
    static const int part[] = { 1, 2, 5 };

    (void)state;
    sim_init(&sim, 1);
    for (unsigned int i = 0; i < 3; i++)
        sim_add(&sim, &dom[i], 0, ~0UL);
    sim_run(&sim, 10 * SEC);
    for (unsigned int i = 0; i < 3; i++)
        assert_true(off(sim.v[i].ran, 10 * SEC * part[i] / 8) < 10);
    assert_true(sim.switches < 2500);        /* 4 ms and more at a time */
}

static void extreme_weights(void **state)
{
    struct domain_sched dom[] = { { .weight = 1 }, { .weight = 65535 },
                                  { .weight = 65535 } };

    (void)state;
    sim_init(&sim, 1);
    for (unsigned int i = 0; i < 3; i++)
        sim_add(&sim, &dom[i], 0, ~0UL);
    sim_run(&sim, 10 * SEC);
    assert_true(off(sim.v[1].ran, 5 * SEC) < 10);
    assert_true(off(sim.v[2].ran, 5 * SEC) < 10);
    assert_true(sim.v[0].ran > 0);
}

/* As many vcpus of each weight as CPUs, all born on CPU 0; a second later
 * they have spread. */
static void shares_on_all_cpus(void **state)
{
    static const int part[] = { 1, 2, 5 };

    (void)state;
    for (unsigned int cpus = 1; cpus <= SIM_CPUS; cpus++) {
        struct domain_sched dom[] = { { .weight = 256 }, { .weight = 512 },
                                      { .weight = 1280 } };
        s_time_t sum[3] = { 0 };

        sim_init(&sim, cpus);
        for (unsigned int i = 0; i < 3 * cpus; i++)
            sim_add(&sim, &dom[i % 3], 0, ~0UL);
        sim_run(&sim, SEC);
        for (unsigned int i = 0; i < 3 * cpus; i++)
            sim.v[i].ran = 0;
        sim_run(&sim, 10 * SEC);
        for (unsigned int i = 0; i < 3 * cpus; i++)
            sum[i % 3] += sim.v[i].ran;
        for (unsigned int i = 0; i < 3; i++) {
            long o = off(sum[i], 10 * SEC * cpus * part[i] / 8);

            if (o >= 10)
                fail_msg("%u CPUs, weight %d: off by %ld/1000", cpus, part[i],
                         o);
        }
        for (unsigned int i = 0; i < 3 * cpus; i++)
            assert_true(off(sim.v[i].ran, sum[i % 3] / cpus) < 50);
        assert_true(sum[0] + sum[1] + sum[2] == 10 * SEC * cpus);
    }
}

static void three_on_two_cpus(void **state)
{
    struct domain_sched dom = { .weight = 256 };

    (void)state;
    sim_init(&sim, 2);
    for (unsigned int i = 0; i < 3; i++)
        sim_add(&sim, &dom, 0, ~0UL);
    sim_run(&sim, 10 * SEC);
    for (unsigned int i = 0; i < 3; i++)
        assert_true(off(sim.v[i].ran, 20 * SEC / 3) < 10);
    assert_true(sim.moves < 1000);           /* not more than 100 a second */
}

/* The heavy one can have a CPU, not more; the others share the other. */
static void weights_that_cannot_be(void **state)
{
    struct domain_sched heavy = { .weight = 10000 }, one = { .weight = 256 },
                        two = { .weight = 512 };

    (void)state;
    sim_init(&sim, 2);
    sim_add(&sim, &one, 0, ~0UL);
    sim_add(&sim, &heavy, 0, ~0UL);
    sim_add(&sim, &two, 0, ~0UL);
    sim_run(&sim, 10 * SEC);
    assert_true(off(sim.v[1].ran, 10 * SEC) < 30);
    assert_true(off(sim.v[0].ran, 10 * SEC / 3) < 60);
    assert_true(off(sim.v[2].ran, 20 * SEC / 3) < 60);
}

static void weight_changes_at_once(void **state)
{
    struct domain_sched a = { .weight = 256 }, b = { .weight = 256 };
    s_time_t ran;

    (void)state;
    sim_init(&sim, 1);
    sim_add(&sim, &a, 0, ~0UL);
    sim_add(&sim, &b, 0, ~0UL);
    sim_run(&sim, 5 * SEC);
    assert_true(off(sim.v[0].ran, sim.v[1].ran) < 10);
    a.weight = 768;
    sim_run(&sim, 100 * MS);
    ran = sim.v[0].ran;
    sim_run(&sim, SEC);
    assert_true(off(sim.v[0].ran - ran, SEC * 3 / 4) < 30);
}

/* Beside some hogs, one that runs and sleeps by turns, which have all found
 * their place. */
static struct sim_vcpu *sleeper(unsigned int hogs, s_time_t burst,
                                s_time_t sleep)
{
    static struct domain_sched dom = { .weight = 256 };
    struct sim_vcpu *v;

    sim_init(&sim, 1);
    for (unsigned int i = 0; i < hogs; i++)
        sim_add(&sim, &dom, 0, ~0UL);
    v = sim_add(&sim, &dom, 0, ~0UL);
    v->burst = burst;
    v->sleep = sleep;
    sim_run(&sim, SEC);
    v->worst_latency = 0;
    sim.switches = 0;
    return v;
}

/* A vcpu that uses less than its share runs as soon as it wakes. */
static void sleepers_run_at_once(void **state)
{
    (void)state;
    for (unsigned int hogs = 1; hogs <= 8; hogs++) {
        struct sim_vcpu *v = sleeper(hogs, 500 * NSEC_PER_USEC,
                                     9500 * NSEC_PER_USEC);

        sim_run(&sim, 10 * SEC);
        assert_true(v->worst_latency <= 100 * NSEC_PER_USEC);
        assert_true(off(v->ran, 11 * SEC / 20) < 10);
    }
}

/* One that wakes often finds who goes on after it in a burst, and waits no
 * longer than for its end. */
static void frequent_sleepers_wait_a_burst(void **state)
{
    (void)state;
    for (unsigned int hogs = 1; hogs <= 8; hogs++) {
        struct sim_vcpu *v = sleeper(hogs, BVT_BURST / 20, BVT_BURST / 4);

        sim_run(&sim, SEC);
        assert_true(v->worst_latency <= BVT_BURST);
        assert_true(sim.switches < 3 * SEC / BVT_BURST);
    }
}

/* One that wants more than its share, in bursts: with a warp it is served
 * within its burst's time, and the others still get theirs. */
static void warped_latency(void **state)
{
    struct domain_sched dom = { .weight = 256 },
                        warp = { .weight = 256, .warp_on = true,
                                 .warp_us = 50000 };
    s_time_t worst[2];

    (void)state;
    for (unsigned int with = 0; with < 2; with++) {
        struct sim_vcpu *v;

        sim_init(&sim, 1);
        for (unsigned int i = 0; i < 4; i++)
            sim_add(&sim, &dom, 0, ~0UL);
        v = sim_add(&sim, with ? &warp : &dom, 0, ~0UL);
        v->burst = 18 * MS;                  /* 18 % of a share of 20 % */
        v->sleep = 82 * MS;
        sim_run(&sim, SEC);
        v->worst_latency = 0;
        sim_run(&sim, 10 * SEC);
        worst[with] = v->worst_latency;
        for (unsigned int i = 0; i < 4; i++)
            assert_true(sim.v[i].ran > 11 * SEC * 19 / 100);
    }
    assert_true(worst[1] <= 100 * NSEC_PER_USEC);
    assert_true(worst[1] <= worst[0]);
}

/* A warped hog is ahead by its warp, once; and no longer than its limit. */
static void warp_is_no_share(void **state)
{
    struct domain_sched dom = { .weight = 256 },
                        warp = { .weight = 256, .warp_on = true,
                                 .warp_us = 100000, .warp_limit_us = 20000,
                                 .unwarp_us = 50000 };

    (void)state;
    sim_init(&sim, 1);
    sim_add(&sim, &dom, 0, ~0UL);
    sim_add(&sim, &warp, 0, ~0UL);
    sim_run(&sim, 10 * SEC);
    assert_true(off(sim.v[1].ran, 5 * SEC) < 30);
    assert_true(sim.v[0].worst_wait <= 100 * MS);
    warp.warp_limit_us = 0;
    sim_run(&sim, 10 * SEC);
    assert_true(off(sim.v[1].ran, 10 * SEC) < 30);
}

/* Whoever slept long has not saved up more than the credit. */
static void sleep_is_not_saved(void **state)
{
    struct domain_sched dom = { .weight = 256 };
    struct sim_vcpu *v;
    s_time_t ran;

    (void)state;
    sim_init(&sim, 1);
    sim_add(&sim, &dom, 0, ~0UL);
    v = sim_add(&sim, &dom, 0, ~0UL);
    v->burst = MS;
    v->sleep = 5 * SEC;
    sim_run(&sim, 4 * SEC);
    v->burst = 0;
    sim_run(&sim, SEC);
    ran = v->ran;
    sim_run(&sim, SEC);
    assert_true(v->ran - ran <= SEC / 2 + BVT_CREDIT + BVT_ALLOWANCE);
    assert_true(v->ran - ran >= SEC / 2 - BVT_ALLOWANCE);
}

static void caps(void **state)
{
    static const unsigned int cap[] = { 1, 10, 33, 50, 90, 100, 150 };

    (void)state;
    for (unsigned int i = 0; i < ARRAY_SIZE(cap); i++) {
        struct domain_sched dom = { .weight = 256, .cap = cap[i],
                                    .cap_start = SEC };
        struct domain_sched other = { .weight = 256 };
        s_time_t ran;

        sim_init(&sim, 2);
        sim_add(&sim, &dom, 0, ~0UL);
        sim_add(&sim, &dom, 0, ~0UL);
        sim_run(&sim, 10 * SEC);
        ran = sim.v[0].ran + sim.v[1].ran;
        assert_true(off(ran, 10 * SEC * cap[i] / 100) < 20);
        /* Beside another one a cap is a limit, too. */
        sim_init(&sim, 1);
        dom.cap_start = SEC;
        dom.cap_used = 0;
        sim_add(&sim, &dom, 0, ~0UL);
        sim_add(&sim, &other, 0, ~0UL);
        sim_run(&sim, 10 * SEC);
        ran = 10 * SEC * MIN(cap[i], 50) / 100;
        assert_true(off(sim.v[0].ran, ran) < 25);
    }
}

/* Any mixture: who always wants to run gets its part and waits not long. */
static void no_starvation(void **state)
{
    static struct domain_sched dom[SIM_VCPUS];

    (void)state;
    srandom(3);
    for (unsigned int round = 0; round < 40; round++) {
        unsigned int cpus = 1 + round % SIM_CPUS;
        unsigned int nr = cpus + random() % (4 * cpus), total = 0;

        sim_init(&sim, cpus);
        for (unsigned int i = 0; i < nr; i++) {
            struct sim_vcpu *v;

            dom[i] = (struct domain_sched){ .weight = 128 << random() % 4 };
            total += dom[i].weight;
            v = sim_add(&sim, &dom[i], random() % cpus, ~0UL);
            if (random() % 3 == 0) {
                v->burst = 1 + random() % (20 * MS);
                v->sleep = 1 + random() % (20 * MS);
                dom[i].warp_on = random() % 2;
                dom[i].warp_us = random() % 20000;
            }
        }
        sim_run(&sim, 10 * SEC);
        for (unsigned int i = 0; i < nr; i++) {
            struct sim_vcpu *v = &sim.v[i];
            s_time_t part = MIN(10 * SEC, 10 * SEC * cpus * dom[i].weight /
                                          total);

            if (v->burst)
                continue;
            if (v->ran < part * 9 / 10)
                fail_msg("round %u, %u CPUs: vcpu %u ran %lld of %lld ms",
                         round, cpus, i, (long long)(v->ran / MS),
                         (long long)(part / MS));
            assert_true(v->worst_wait < SEC);
        }
    }
}

/* Who is warped comes sooner, but gets no more, however far the warp. */
static void no_starvation_by_warp(void **state)
{
    (void)state;
    for (unsigned int warp_ms = 50; warp_ms <= 1000; warp_ms *= 2)
        for (unsigned int cpus = 1; cpus <= 2; cpus++) {
            struct domain_sched warped = { .weight = 256, .warp_on = true,
                                           .warp_us = warp_ms * 1000 };
            struct domain_sched plain = { .weight = 256 };
            struct sim_vcpu *v;

            sim_init(&sim, cpus);
            for (unsigned int c = 0; c < cpus; c++) {
                v = sim_add(&sim, &warped, c, ~0UL);
                v->burst = cpus == 1 ? 50 * MS : 0;
                v->sleep = cpus == 1 ? 20000 : 0;
            }
            v = sim_add(&sim, &plain, 0, ~0UL);
            sim_run(&sim, 20 * SEC);
            if (v->ran < 20 * SEC * cpus / (cpus + 1) * 8 / 10)
                fail_msg("%u CPUs, warp %u ms: %lld ms", cpus, warp_ms,
                         (long long)(v->ran / MS));
            assert_true(v->worst_wait < warp_ms * MS + 100 * MS);
        }
}

/* No CPU idles while one that may use it waits. */
static void work_conserving(void **state)
{
    struct domain_sched dom = { .weight = 256 };
    s_time_t sum = 0;

    (void)state;
    sim_init(&sim, 4);
    for (unsigned int i = 0; i < 4; i++)
        sim_add(&sim, &dom, 0, i < 2 ? 0x3 : ~0UL);
    sim_run(&sim, SEC);
    for (unsigned int i = 0; i < 4; i++)
        sum += sim.v[i].ran;
    assert_true(sum > 4 * SEC - 40 * MS);
    assert_true(sim.v[0].cpu < 2 && sim.v[1].cpu < 2);
}

static void pinned(void **state)
{
    struct domain_sched a = { .weight = 100 }, b = { .weight = 300 };

    (void)state;
    sim_init(&sim, 4);
    sim_add(&sim, &a, 1, BIT(2));
    sim_add(&sim, &b, 1, BIT(2));
    sim_run(&sim, 10 * SEC);
    assert_true(off(sim.v[0].ran, 10 * SEC / 4) < 10);
    assert_true(off(sim.v[1].ran, 30 * SEC / 4) < 10);
    assert_int_equal(sim.v[0].cpu, 2);
}

/* Back and forth by wakes, each has its burst; not so by the end of a slice. */
static void wakes_leave_a_burst(void **state)
{
    struct domain_sched dom = { .weight = 256 },
                        warp = { .weight = 256, .warp_on = true,
                                 .warp_us = 50000 };
    struct bvt_vcpu a, b, c;
    struct bvt_queue q;
    uint64_t machine = 0;
    s_time_t now = SEC;

    (void)state;
    bvt_queue_init(&q, &machine);
    bvt_vcpu_init(&a, &dom);
    bvt_vcpu_init(&b, &dom);
    bvt_vcpu_init(&c, &warp);
    assert_true(bvt_wake(&q, &a, now));
    assert_ptr_equal(bvt_pick(&q, false, now), &a);
    now += BVT_BURST / 4;
    assert_false(bvt_wake(&q, &b, now));
    assert_int_equal(bvt_slice(&q), BVT_BURST * 3 / 4);
    now += BVT_BURST / 4;
    bvt_charge(&q, now);
    assert_ptr_equal(bvt_pick(&q, true, now), &a);
    assert_int_equal(bvt_slice(&q), BVT_BURST / 2);
    now += BVT_BURST / 2;
    bvt_charge(&q, now);
    assert_ptr_equal(bvt_pick(&q, true, now), &b);
    /* b sleeps, a goes on for a burst at least. */
    now += BVT_BURST / 4;
    bvt_charge(&q, now);
    assert_ptr_equal(bvt_pick(&q, false, now), &a);
    assert_false(bvt_wake(&q, &b, now));
    now += BVT_BURST;
    bvt_charge(&q, now);
    assert_ptr_equal(bvt_pick(&q, true, now), &b);
    /* b is preempted when it is ahead by the allowance; a has no burst. */
    now += 2 * BVT_ALLOWANCE;
    bvt_charge(&q, now);
    assert_ptr_equal(bvt_pick(&q, true, now), &a);
    bvt_charge(&q, ++now);
    assert_true(bvt_wake(&q, &c, now));
    assert_ptr_equal(bvt_pick(&q, true, now), &c);
    /* c has one, which does not outlast a yield. */
    bvt_yield(&q);
    assert_ptr_equal(bvt_pick(&q, true, now), &a);
}

/* A burst is no shield against who is warped. */
static void warps_cut_bursts(void **state)
{
    struct domain_sched dom = { .weight = 256 },
                        warp = { .weight = 256, .warp_on = true,
                                 .warp_us = 50000 };
    struct bvt_vcpu a, c;
    struct bvt_queue q;
    uint64_t machine = 0;

    (void)state;
    bvt_queue_init(&q, &machine);
    bvt_vcpu_init(&a, &dom);
    bvt_vcpu_init(&c, &warp);
    assert_true(bvt_wake(&q, &a, SEC));
    assert_ptr_equal(bvt_pick(&q, false, SEC), &a);
    assert_true(bvt_wake(&q, &c, SEC + 1));
    assert_ptr_equal(bvt_pick(&q, true, SEC + 1), &c);
}

/* The one that the running vcpu held off is gone: nothing cuts its time. */
static void a_waiter_that_goes(void **state)
{
    struct domain_sched dom = { .weight = 256 };
    struct bvt_vcpu a, b;
    struct bvt_queue q;
    uint64_t machine = 0;
    s_time_t now = SEC;

    (void)state;
    bvt_queue_init(&q, &machine);
    bvt_vcpu_init(&a, &dom);
    bvt_vcpu_init(&b, &dom);
    bvt_wake(&q, &a, now);
    assert_ptr_equal(bvt_pick(&q, false, now), &a);
    now += BVT_BURST / 4;
    assert_false(bvt_wake(&q, &b, now));
    bvt_remove(&q, &b);
    assert_int_equal(bvt_slice(&q), S_TIME_MAX);
    assert_ptr_equal(bvt_pick(&q, true, now), &a);
    assert_int_equal(bvt_slice(&q), S_TIME_MAX);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(shares_on_one_cpu),
        cmocka_unit_test(extreme_weights),
        cmocka_unit_test(shares_on_all_cpus),
        cmocka_unit_test(three_on_two_cpus),
        cmocka_unit_test(weights_that_cannot_be),
        cmocka_unit_test(weight_changes_at_once),
        cmocka_unit_test(sleepers_run_at_once),
        cmocka_unit_test(frequent_sleepers_wait_a_burst),
        cmocka_unit_test(wakes_leave_a_burst),
        cmocka_unit_test(warps_cut_bursts),
        cmocka_unit_test(a_waiter_that_goes),
        cmocka_unit_test(warped_latency),
        cmocka_unit_test(warp_is_no_share),
        cmocka_unit_test(sleep_is_not_saved),
        cmocka_unit_test(caps),
        cmocka_unit_test(no_starvation),
        cmocka_unit_test(no_starvation_by_warp),
        cmocka_unit_test(work_conserving),
        cmocka_unit_test(pinned),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
