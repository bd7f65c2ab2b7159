/* sched/timer.c: timers fire once, in order, not early, on their CPU. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <cmocka.h>

#include "sched/softirq.h"
#include "sched/timer.h"
#include "x86/apic.h"
#include "x86/irq.h"
#include "x86/percpu.h"
#include "x86/spinlock.h"
#include "x86/tsc.h"

#define CPUS 3

static s_time_t now, apic[CPUS];
static unsigned int pending[CPUS];
static void (*softirq)(void);

s_time_t system_time(void)
{
    return now;
}

void apic_timer_set(s_time_t deadline)
{
    apic[shim_cpu] = deadline;
}

void softirq_register(enum softirq n, void (*fn)(void))
{
    assert_int_equal(n, SOFTIRQ_TIMER);
    softirq = fn;
}

void softirq_raise(enum softirq n)
{
    pending[shim_cpu] |= 1U << n;
}

void softirq_raise_on(unsigned int cpu, enum softirq n)
{
    pending[cpu] |= 1U << n;
}

void irq_set_vector(unsigned int vector, void (*fn)(void))
{
    (void)vector;
    (void)fn;
}

/* What the interrupt, or a kick, leads to. */
static void run_cpu(unsigned int cpu)
{
    shim_cpu = cpu;
    if (apic[cpu] > now && !pending[cpu])
        return;
    pending[cpu] = 0;
    if (apic[cpu] <= now)
        apic[cpu] = S_TIME_MAX;              /* one-shot */
    softirq();
    assert_int_equal(shim_locks_held(), 0);
}

static void advance(s_time_t to)
{
    while (now < to) {
        now++;
        for (unsigned int cpu = 0; cpu < CPUS; cpu++)
            run_cpu(cpu);
    }
}

struct probe {
    struct timer t;
    s_time_t due;
    unsigned int fired, cpu;
};

static void fire(void *data)
{
    struct probe *p = data;

    assert_int_equal(shim_locks_held(), 0);
    assert_true(now >= p->due);
    p->fired++;
    p->cpu = shim_cpu;
}

static int setup(void **state)
{
    (void)state;
    now = 1000;
    shim_cpu = 0;
    for (unsigned int cpu = 0; cpu < CPUS; cpu++) {
        apic[cpu] = S_TIME_MAX;
        pending[cpu] = 0;
    }
    timer_init_boot();
    return 0;
}

static void set(struct probe *p, s_time_t due)
{
    p->due = due;
    timer_set(&p->t, due);
}

/* What becomes later leaves the interrupt alone, which comes once too often. */
static void later_costs_nothing(void **state)
{
    struct probe p = { 0 };

    (void)state;
    timer_init(&p.t, fire, &p, 0);
    set(&p, 1100);
    assert_int_equal(apic[0], 1100);
    apic[0] = 1101;                          /* not ours: to see a write */
    set(&p, 1500);
    assert_int_equal(apic[0], 1101);
    set(&p, 1050);
    assert_int_equal(apic[0], 1050);
    set(&p, 1500);
    advance(1499);
    assert_int_equal(p.fired, 0);
    advance(1501);
    assert_int_equal(p.fired, 1);
}

/* Without its interrupt a CPU would be left without timers for good. */
static void lost_interrupt(void **state)
{
    struct probe p = { 0 }, q = { 0 };

    (void)state;
    timer_init(&p.t, fire, &p, 0);
    timer_init(&q.t, fire, &q, 0);
    set(&p, 1100);
    apic[0] = S_TIME_MAX;
    advance(2000);
    assert_int_equal(p.fired, 0);
    now += NSEC_PER_SEC;
    shim_cpu = 0;
    set(&q, now + 10);
    assert_int_equal(apic[0], 1100);
    advance(now + 11);
    assert_int_equal(p.fired + q.fired, 2);
}

static void fires_once_in_time(void **state)
{
    struct probe p[5] = { { .fired = 0 } };
    static const s_time_t due[] = { 1030, 1010, 1020, 1010, 500 };

    (void)state;
    for (unsigned int i = 0; i < 5; i++) {
        timer_init(&p[i].t, fire, &p[i], 0);
        set(&p[i], due[i]);
    }
    assert_int_equal(apic[0], 500);          /* past: at once */
    advance(1001);
    assert_int_equal(p[4].fired, 1);
    assert_int_equal(apic[0], 1010);
    advance(1010);
    assert_int_equal(p[1].fired + p[3].fired, 2);
    assert_int_equal(p[2].fired, 0);
    advance(1100);
    for (unsigned int i = 0; i < 5; i++)
        assert_int_equal(p[i].fired, 1);
    assert_int_equal(apic[0], S_TIME_MAX);
}

static void stop_and_set_again(void **state)
{
    struct probe p = { .fired = 0 };

    (void)state;
    timer_init(&p.t, fire, &p, 0);
    set(&p, 1010);
    timer_stop(&p.t);
    timer_stop(&p.t);
    advance(1020);
    assert_int_equal(p.fired, 0);
    set(&p, 1030);
    set(&p, 1040);
    advance(1039);
    assert_int_equal(p.fired, 0);
    advance(1041);
    assert_int_equal(p.fired, 1);
}

static void on_another_cpu(void **state)
{
    struct probe p = { .fired = 0 };

    (void)state;
    timer_init(&p.t, fire, &p, 2);
    set(&p, 1010);
    assert_true(pending[2]);                 /* told to look */
    advance(1011);
    assert_int_equal(p.fired, 1);
    assert_int_equal(p.cpu, 2);
    set(&p, 1020);
    shim_cpu = 0;
    timer_move(&p.t, 1);
    assert_false(p.t.set);
    set(&p, 1020);
    advance(1021);
    assert_int_equal(p.fired, 2);
    assert_int_equal(p.cpu, 1);
}

static void killed_is_dead(void **state)
{
    struct probe p = { .fired = 0 };

    (void)state;
    timer_init(&p.t, fire, &p, 0);
    set(&p, 1010);
    timer_kill(&p.t);
    set(&p, 1010);
    advance(1050);
    assert_int_equal(p.fired, 0);
    timer_kill(&p.t);
}

static void again(void *data)
{
    struct probe *p = data;

    fire(p);
    set(p, p->due + 7);
}

static void sets_itself(void **state)
{
    struct probe p = { .fired = 0 };

    (void)state;
    timer_init(&p.t, again, &p, 0);
    set(&p, 1007);
    advance(1070);
    assert_int_equal(p.fired, 10);
    timer_stop(&p.t);
}

static void random_operations(void **state)
{
    static struct probe p[64];
    unsigned int expected = 0, fired = 0;

    (void)state;
    srandom(2);
    for (unsigned int i = 0; i < 64; i++)
        timer_init(&p[i].t, fire, &p[i], i % CPUS);
    for (unsigned int round = 0; round < 20000; round++) {
        struct probe *q = &p[random() % 64];

        shim_cpu = random() % CPUS;
        switch (random() % 4) {
        case 0:
        case 1:
            expected += !q->t.set;
            set(q, now + 1 + random() % 200);
            break;
        case 2:
            expected -= q->t.set;
            timer_stop(&q->t);
            break;
        case 3:
            expected -= q->t.set;
            timer_move(&q->t, random() % CPUS);
            break;
        }
        advance(now + random() % 10);
    }
    advance(now + 300);
    for (unsigned int i = 0; i < 64; i++)
        fired += p[i].fired;
    assert_int_equal(fired, expected);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(fires_once_in_time, setup),
        cmocka_unit_test_setup(later_costs_nothing, setup),
        cmocka_unit_test_setup(lost_interrupt, setup),
        cmocka_unit_test_setup(stop_and_set_again, setup),
        cmocka_unit_test_setup(on_another_cpu, setup),
        cmocka_unit_test_setup(killed_is_dead, setup),
        cmocka_unit_test_setup(sets_itself, setup),
        cmocka_unit_test_setup(random_operations, setup),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
