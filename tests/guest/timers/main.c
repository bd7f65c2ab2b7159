/*
 * Time: the clock pages go forward, and timers fire, also late ones.
 */
#include "guest.h"

static uint64_t now(void)
{
    volatile struct vcpu_time_info *t = &shared_info->vcpu_info[0].time;
    uint32_t version, lo, hi;
    uint64_t delta, ns;

    do {
        version = t->version;
        __asm__ volatile("rdtsc" : "=a" (lo), "=d" (hi) : : "memory");
        delta = (((uint64_t)hi << 32) | lo) - t->tsc_timestamp;
        delta = t->tsc_shift < 0 ? delta >> -t->tsc_shift
                                 : delta << t->tsc_shift;
        ns = t->system_time +
             (uint64_t)(((unsigned __int128)delta * t->tsc_to_system_mul)
                        >> 32);
    } while ((version & 1) || version != t->version);
    return ns;
}

static void wait_event(uint64_t limit)
{
    uint64_t end = now() + limit;

    while (!nr_events && now() < end)
        HC(sched_op, (unsigned long)SCHEDOP_yield, 0UL);
}

static long set_timer(uint64_t when)
{
    struct vcpu_set_singleshot_timer t = { .timeout_abs_ns = when };

    return HC(vcpu_op, (unsigned long)VCPUOP_set_singleshot_timer, 0UL, &t);
}

static void clear_all(void)
{
    unsigned int n;

    for (n = 0; n < 64; n++)
        shared_info->evtchn_pending[n] = 0;
    shared_info->vcpu_info[0].evtchn_pending_sel = 0;
    nr_events = 0;
}

/* A CPU that was idle meanwhile has the vcpu's XCR0 again. */
static void test_xcr0(void)
{
    struct sched_poll poll = { .timeout = now() + 5000000 };
    uint32_t a, d;

    if (!enable_xsave())
        return;
    __asm__ volatile("xsetbv" :: "c" (0), "d" (0), "a" (3));
    HC(sched_op, (unsigned long)SCHEDOP_poll, &poll);
    __asm__ volatile("xgetbv" : "=a" (a), "=d" (d) : "c" (0));
    check_eq(a, 3, "XCR0 after a pause is the vcpu's own");
}

void test_main(void)
{
    struct evtchn_bind_virq v = { .virq = VIRQ_TIMER };
    uint64_t a = now(), b = now(), start;
    struct sched_poll poll = { 0 };
    unsigned int n, back = 0;

    check(a > 0 && b >= a, "the clock runs forward");
    check(shared_info->wc_sec > 1600000000, "the first context has a date: %u",
          shared_info->wc_sec);
    for (n = 0; n < 100000; n++) {
        b = now();
        back += b < a;
        a = b;
    }
    check_eq(back, 0, "at every one of 100000 readings");
    check_eq(HC(event_channel_op, (unsigned long)EVTCHNOP_bind_virq, &v), 0,
             "bind the timer");
    check_eq(HC(vcpu_op, (unsigned long)VCPUOP_stop_periodic_timer, 0UL, 0UL),
             0, "no periodic timer");
    shared_info->vcpu_info[0].evtchn_upcall_mask = 0;

    clear_all();
    start = now();
    check_eq(set_timer(start + 5000000), 0, "a timer in 5 ms");
    wait_event(2000000000);
    check(nr_events > 0, "fires");
    check(now() - start >= 5000000, "not before its time");

    clear_all();
    check_eq(set_timer(1), 0, "a timer in the past");
    wait_event(2000000000);
    check(nr_events > 0, "fires too");

    clear_all();
    start = now();
    set_timer(start + 20000000);
    check_eq(HC(sched_op, (unsigned long)SCHEDOP_block, 0UL), 0, "block");
    check(now() - start >= 20000000, "until the timer");

    clear_all();
    shared_info->vcpu_info[0].evtchn_upcall_mask = 1;
    start = now();
    poll.timeout = start + 10000000;
    check_eq(HC(sched_op, (unsigned long)SCHEDOP_poll, &poll), 0, "poll");
    check(now() - start >= 10000000, "ends with its timeout");

    check_eq(HC(vcpu_op, (unsigned long)VCPUOP_is_up, 0UL, 0UL), 1,
             "vcpu 0 is up");
    check(HC(vcpu_op, (unsigned long)VCPUOP_is_up, 4000UL, 0UL) < 0,
          "vcpu 4000 is none");
    check_eq(set_timer(~0ULL), 0, "the end of time is a time");
    check_eq(HC(vcpu_op, (unsigned long)VCPUOP_stop_singleshot_timer, 0UL,
                0UL), 0, "stop it");
    check_eq(HC(vcpu_op, 9999UL, 0UL, 0UL), -XEN_ENOSYS, "no such operation");
    test_xcr0();
}
