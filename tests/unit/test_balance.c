/* sched/balance.c: on which CPU a vcpu belongs. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <cmocka.h>

#include "sched/bvt.h"

static void where_wakers_go(void **state)
{
    static const struct {
        const char *claim;
        cpumask_t hard, soft, idle;
        unsigned int prev, cpu;
    } cases[] = {
        { "home, if it is idle",            0xff, ~0UL, 0xff, 3, 3 },
        { "to an idle CPU",                 0xff, ~0UL, 0x20, 3, 5 },
        { "to the next idle CPU",           0xff, ~0UL, 0x42, 3, 6 },
        { "round the end",                  0xff, ~0UL, 0x06, 7, 1 },
        { "home, if none is idle",          0xff, ~0UL, 0x00, 3, 3 },
        { "home, if the idle are barred",   0x0f, ~0UL, 0xf0, 3, 3 },
        { "not home, if that is barred",    0x30, ~0UL, 0x00, 3, 4 },
        { "to an idle one of the allowed",  0x30, ~0UL, 0x20, 3, 5 },
        { "to an idle one of the liked",    0xff, 0x80, 0xf0, 3, 7 },
        { "home is no reason to dislike",   0xff, 0x80, 0x88, 3, 7 },
        { "idle is better than liked",      0xff, 0x80, 0x10, 3, 4 },
        { "liked, if home is barred",       0xf0, 0x80, 0x00, 3, 7 },
        { "the last CPU of all",            BIT(63), ~0UL, 0, 63, 63 },
    };

    (void)state;
    for (unsigned int i = 0; i < ARRAY_SIZE(cases); i++) {
        unsigned int cpu = balance_wake_cpu(cases[i].hard, cases[i].soft,
                                            cases[i].idle, cases[i].prev);

        if (cpu != cases[i].cpu)
            fail_msg("%s: CPU %u, not %u", cases[i].claim, cpu, cases[i].cpu);
    }
}

struct fixture {
    uint64_t machine;
    struct domain_sched dom[4];
    struct sched_vcpu v[4];
    struct bvt_queue a, b;
};

static struct fixture f;

/* Vcpus 0 and 1 wait on a behind 2; 3 runs on b. */
static int setup(void **state)
{
    (void)state;
    f = (struct fixture){ .machine = 0 };
    bvt_queue_init(&f.a, &f.machine);
    bvt_queue_init(&f.b, &f.machine);
    for (unsigned int i = 0; i < 4; i++) {
        f.dom[i].weight = 256;
        bvt_vcpu_init(&f.v[i].bvt, &f.dom[i]);
        f.v[i].affinity = f.v[i].affinity_soft = ~0UL;
    }
    bvt_wake(&f.a, &f.v[2].bvt, 0);
    bvt_pick(&f.a, false, 0);
    bvt_wake(&f.a, &f.v[0].bvt, 0);
    bvt_wake(&f.a, &f.v[1].bvt, 0);
    bvt_wake(&f.b, &f.v[3].bvt, 0);
    bvt_pick(&f.b, false, 0);
    return 0;
}

static void idle_takes_the_first(void **state)
{
    (void)state;
    f.b.curr = NULL;
    assert_ptr_equal(balance_find(&f.a, &f.b, 1), &f.v[0].bvt);
    f.v[0].running = true;           /* not saved yet */
    assert_ptr_equal(balance_find(&f.a, &f.b, 1), &f.v[1].bvt);
    f.v[1].affinity = BIT(0);
    assert_null(balance_find(&f.a, &f.b, 1));
    f.v[0].running = false;
    f.v[0].affinity_soft = BIT(0);   /* but nobody else is there */
    assert_ptr_equal(balance_find(&f.a, &f.b, 1), &f.v[0].bvt);
    f.v[1].affinity = ~0UL;
    assert_ptr_equal(balance_find(&f.a, &f.b, 1), &f.v[1].bvt);
}

static void evens_out_weights(void **state)
{
    (void)state;
    assert_ptr_equal(balance_find(&f.a, &f.b, 1), &f.v[0].bvt);
    f.dom[0].weight = 1000;          /* would only turn it round */
    f.dom[3].weight = 600;
    assert_ptr_equal(balance_find(&f.a, &f.b, 1), &f.v[1].bvt);
    f.dom[3].weight = 2000;
    assert_null(balance_find(&f.a, &f.b, 1));
}

static void lag_is_made_good(void **state)
{
    (void)state;
    f.dom[3].weight = 4000;
    bvt_charge(&f.b, 800 * NSEC_PER_MSEC);   /* svt: some 50 ms */
    assert_ptr_equal(balance_find(&f.a, &f.b, 1), &f.v[0].bvt);
    assert_true(bvt_lag(&f.v[0].bvt, f.b.svt) > BALANCE_LAG);
    f.v[0].affinity = BIT(0);
    assert_ptr_equal(balance_find(&f.a, &f.b, 1), &f.v[1].bvt);
}

/* As core.c's schedule() on one of two CPUs, which hands over to the other:
 * does v run now? */
static bool schedules(struct bvt_queue *q, struct bvt_queue *other,
                      const struct bvt_vcpu *v, s_time_t now)
{
    struct bvt_vcpu *b;

    bvt_charge(q, now);
    bvt_charge(other, now);
    b = balance_find(q, other, q == &f.b ? 0 : 1);
    if (b)
        bvt_move(q, other, b);
    return bvt_pick(q, true, now) == v;
}

static void the_owed_runs_however_slow_they_schedule(void **state)
{
    s_time_t now = 0;
    bool runs = false;

    (void)state;
    bvt_remove(&f.a, &f.v[1].bvt);
    for (unsigned int turn = 0; turn < 3 && !runs; turn++) {
        now += 100 * NSEC_PER_MSEC;
        runs = turn % 2 ? schedules(&f.b, &f.a, &f.v[0].bvt, now)
                        : schedules(&f.a, &f.b, &f.v[0].bvt, now);
    }
    assert_true(runs);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(where_wakers_go),
        cmocka_unit_test_setup(idle_takes_the_first, setup),
        cmocka_unit_test_setup(evens_out_weights, setup),
        cmocka_unit_test_setup(lag_is_made_good, setup),
        cmocka_unit_test_setup(the_owed_runs_however_slow_they_schedule, setup),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
