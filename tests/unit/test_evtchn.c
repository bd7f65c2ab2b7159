/* event/: ports, who may bind them, who is told. */
#include "evtchn_rig.h"

static bool pending(unsigned int d, evtchn_port_t port)
{
    return shared[d].evtchn_pending[port / 64] & BIT(port % 64);
}

/* What the guest does when it has been told: takes all. */
static void take(unsigned int d, unsigned int vcpu)
{
    infos[d][vcpu].evtchn_upcall_pending = 0;
    infos[d][vcpu].evtchn_pending_sel = 0;
    memset(shared[d].evtchn_pending, 0, sizeof(shared[d].evtchn_pending));
}

static unsigned int state_of(unsigned int d, evtchn_port_t port)
{
    struct evtchn_status s = { .port = port };

    evtchn_status(&dom[d], port, &s);
    return s.status;
}

static void ports_ascend(void **state)
{
    evtchn_port_t port = 77;

    (void)state;
    for (unsigned int i = 1; i <= 1023; i++)
        assert_int_equal(unbound(0, 1), i);
    assert_int_equal(evtchn_alloc_unbound(&dom[0], 1, &port), -ENOSPC);
    assert_int_equal(port, 77);
    assert_int_equal(evtchn_close(&dom[0], 700), 0);
    assert_int_equal(evtchn_close(&dom[0], 300), 0);
    assert_int_equal(unbound(0, 1), 300);
    assert_int_equal(unbound(0, 1), 700);
    assert_int_equal(evtchn_alloc_unbound(&dom[0], 1, &port), -ENOSPC);
    /* The 2-level bits end at 4095, whatever the domain's limit. */
    evtchn_destroy(&dom[2]);
    memset(&dom[2].ev, 0, sizeof(dom[2].ev));
    assert_int_equal(evtchn_init(&dom[2], UINT32_MAX), 0);
    for (unsigned int i = 1; i <= 4095; i++)
        assert_int_equal(unbound(2, 1), i);
    assert_int_equal(evtchn_alloc_unbound(&dom[2], 1, &port), -ENOSPC);
}

static void events_arrive(void **state)
{
    evtchn_port_t p1, p2;

    (void)state;
    unbound(1, 0);
    connect(1, 2, &p1, &p2);
    assert_int_not_equal(p1, p2);
    assert_true(pending(1, p1));             /* the binder looks at once */
    assert_int_equal(kicks, 1);
    take(1, 0);
    assert_int_equal(evtchn_send(&dom[1], p1), 0);
    assert_true(pending(2, p2));
    assert_int_equal(infos[2][0].evtchn_pending_sel, 1);
    assert_int_equal(kicks, 2);
    assert_int_equal(evtchn_send(&dom[1], p1), 0);
    assert_int_equal(kicks, 2);              /* it is pending already */
    take(2, 0);
    assert_int_equal(evtchn_send(&dom[1], p1), 0);
    assert_int_equal(kicks, 3);
    assert_int_equal(evtchn_send(&dom[2], p2), 0);
    assert_true(pending(1, p1));
    assert_int_equal(kicks, 4);
}

static void masked_events_wait(void **state)
{
    evtchn_port_t p1, p2;

    (void)state;
    connect(1, 2, &p1, &p2);
    kicks = 0;
    shared[2].evtchn_mask[p2 / 64] |= BIT(p2 % 64);
    assert_int_equal(evtchn_send(&dom[1], p1), 0);
    assert_true(pending(2, p2));
    assert_false(infos[2][0].evtchn_upcall_pending);
    assert_int_equal(kicks, 0);
    assert_int_equal(evtchn_unmask(&dom[2], p2), 0);
    assert_true(infos[2][0].evtchn_upcall_pending);
    assert_int_equal(kicks, 1);
    assert_int_equal(evtchn_unmask(&dom[2], p2), 0);
    assert_int_equal(kicks, 1);
    assert_int_equal(evtchn_unmask(&dom[2], 500), -EINVAL);
    assert_int_equal(evtchn_unmask(&dom[2], UINT32_MAX), -EINVAL);
}

static void close_frees_the_other_end(void **state)
{
    struct evtchn_status s;
    evtchn_port_t p1, p2, p3;

    (void)state;
    connect(1, 2, &p1, &p2);
    take(1, 0);
    assert_int_equal(evtchn_close(&dom[2], p2), 0);
    assert_int_equal(state_of(2, p2), EVTCHNSTAT_closed);
    evtchn_status(&dom[1], p1, &s);
    assert_int_equal(s.status, EVTCHNSTAT_unbound);
    assert_int_equal(s.u.unbound.dom, 2);
    assert_int_equal(evtchn_send(&dom[1], p1), 0);   /* into the void */
    assert_int_equal(evtchn_close(&dom[2], p2), -EINVAL);
    assert_int_equal(evtchn_send(&dom[2], p2), -EINVAL);
    assert_int_equal(evtchn_bind_interdomain(&dom[2], &dom[1], p1, &p3), 0);
    assert_int_equal(state_of(1, p1), EVTCHNSTAT_interdomain);
    assert_false(pending(1, p1));
}

static void loopback(void **state)
{
    evtchn_port_t a = unbound(0, 0), b;

    (void)state;
    assert_int_equal(evtchn_bind_interdomain(&dom[0], &dom[0], a, &b), 0);
    take(0, 0);
    assert_int_equal(evtchn_send(&dom[0], a), 0);
    assert_true(pending(0, b) && !pending(0, a));
    assert_int_equal(evtchn_close(&dom[0], a), 0);
    assert_int_equal(state_of(0, b), EVTCHNSTAT_unbound);
    assert_int_equal(evtchn_close(&dom[0], b), 0);
}

static void who_may_not_bind(void **state)
{
    evtchn_port_t p = unbound(2, 0), got = 55;

    (void)state;
    assert_int_equal(evtchn_bind_interdomain(&dom[1], &dom[2], p, &got),
                     -EINVAL);               /* meant for another */
    assert_int_equal(evtchn_bind_interdomain(&dom[0], &dom[2], p + 1, &got),
                     -EINVAL);
    assert_int_equal(evtchn_bind_interdomain(&dom[0], &dom[2], 0, &got),
                     -EINVAL);
    assert_int_equal(evtchn_bind_interdomain(&dom[0], &dom[2], UINT32_MAX,
                                             &got), -EINVAL);
    dom[2].dying = DOMAIN_DYING;
    assert_int_equal(evtchn_bind_interdomain(&dom[0], &dom[2], p, &got),
                     -EINVAL);
    assert_int_equal(evtchn_alloc_unbound(&dom[2], 0, &got), -ESRCH);
    dom[2].dying = DOMAIN_ALIVE;
    assert_int_equal(got, 55);
    assert_int_equal(evtchn_bind_interdomain(&dom[0], &dom[2], p, &got), 0);
    assert_int_equal(evtchn_bind_interdomain(&dom[0], &dom[2], p, &got),
                     -EINVAL);               /* taken */
}

static void virqs(void **state)
{
    static const struct {
        unsigned int d, virq, vcpu;
        int rc;
    } cases[] = {
        { 1, VIRQ_TIMER, 0, 0 },         { 1, VIRQ_TIMER, 0, -EEXIST },
        { 1, VIRQ_TIMER, 1, 0 },         { 1, VIRQ_DEBUG, 1, 0 },
        { 1, VIRQ_TIMER, 2, -ENOENT },   { 1, NR_VIRQS, 0, -EINVAL },
        { 1, UINT32_MAX, 0, -EINVAL },   { 1, VIRQ_TIMER, UINT32_MAX, -ENOENT },
        { 1, VIRQ_DOM_EXC, 0, -EPERM },  { 1, VIRQ_CONSOLE, 0, -EPERM },
        { 0, VIRQ_DOM_EXC, 0, 0 },       { 0, VIRQ_DOM_EXC, 0, -EEXIST },
        { 0, VIRQ_DOM_EXC, 1, -EINVAL }, { 0, VIRQ_ARCH_0, 0, 0 },
    };
    evtchn_port_t port, console;

    (void)state;
    for (unsigned int i = 0; i < ARRAY_SIZE(cases); i++)
        assert_int_equal(evtchn_bind_virq(&dom[cases[i].d], cases[i].virq,
                                          cases[i].vcpu, &port),
                         cases[i].rc);
    evtchn_send_virq(&vcpus[1][1], VIRQ_TIMER);
    assert_true(infos[1][1].evtchn_upcall_pending);
    assert_false(infos[1][0].evtchn_upcall_pending);
    evtchn_send_virq(&vcpus[1][1], VIRQ_XENPMU);     /* not bound */
    evtchn_send_global_virq(VIRQ_CONSOLE);
    assert_int_equal(kicks, 1);
    assert_int_equal(evtchn_bind_virq(&dom[0], VIRQ_CONSOLE, 0, &console), 0);
    assert_int_equal(evtchn_bind_vcpu(&dom[0], console, 1), 0);
    evtchn_send_global_virq(VIRQ_CONSOLE);
    assert_true(pending(0, console) && infos[0][1].evtchn_upcall_pending);
    assert_int_equal(evtchn_send(&dom[0], console), -EINVAL);
    assert_int_equal(evtchn_close(&dom[0], console), 0);
    evtchn_send_global_virq(VIRQ_CONSOLE);
    assert_false(pending(0, console));
    assert_int_equal(evtchn_bind_virq(&dom[0], VIRQ_CONSOLE, 0, &port), 0);
}

static void ipis_and_vcpus(void **state)
{
    evtchn_port_t ipi, virq, p = unbound(1, 0);

    (void)state;
    assert_int_equal(evtchn_bind_ipi(&dom[1], 2, &ipi), -ENOENT);
    assert_int_equal(evtchn_bind_ipi(&dom[1], 1, &ipi), 0);
    assert_int_equal(evtchn_send(&dom[1], ipi), 0);
    assert_true(infos[1][1].evtchn_upcall_pending);
    assert_int_equal(evtchn_bind_virq(&dom[1], VIRQ_TIMER, 1, &virq), 0);
    assert_int_equal(evtchn_bind_vcpu(&dom[1], ipi, 0), -EINVAL);
    assert_int_equal(evtchn_bind_vcpu(&dom[1], virq, 0), -EINVAL);
    assert_int_equal(evtchn_bind_vcpu(&dom[1], p, 2), -ENOENT);
    assert_int_equal(evtchn_bind_vcpu(&dom[1], 999, 1), -EINVAL);
    assert_int_equal(evtchn_bind_vcpu(&dom[1], p, 1), 0);
    assert_int_equal(evtchn_close(&dom[1], p), 0);
    assert_int_equal(unbound(1, 0), p);
    assert_int_equal(evtchn_at(&dom[1], p)->vcpu, 0);
}

static void pollers_wake(void **state)
{
    evtchn_port_t p1, p2, q1, q2;

    (void)state;
    connect(1, 2, &p1, &p2);
    connect(1, 2, &q1, &q2);
    shared[2].evtchn_mask[0] = ~0UL;         /* polled ports are masked */
    dom[2].ev.pollers = BIT(1);
    vcpus[2][1].ev.poll_port = p2;
    assert_int_equal(evtchn_send(&dom[1], q1), 0);
    assert_int_equal(unblocks, 0);
    assert_int_equal(evtchn_send(&dom[1], p1), 0);
    assert_int_equal(unblocks, 1);
    take(2, 0);
    dom[2].ev.pollers = BIT(1) | BIT(0);
    vcpus[2][1].ev.poll_port = 0;            /* several: any may be it */
    vcpus[2][0].ev.poll_port = 0;
    assert_int_equal(evtchn_send(&dom[1], q1), 0);
    assert_int_equal(unblocks, 3);
}

static void the_dying_let_go(void **state)
{
    evtchn_port_t p1, p2;
    unsigned int calls = 0;
    int rc;

    (void)state;
    for (unsigned int i = 0; i < 300; i++)
        connect(1, 2, &p1, &p2);
    dom[2].dying = DOMAIN_DYING;
    yields = 100;
    do {
        rc = evtchn_reset(&dom[2]);
        calls++;
    } while (rc == -ERESTART);
    assert_int_equal(rc, 0);
    assert_true(calls > 100);
    for (unsigned int i = 1; i <= 300; i++) {
        assert_int_equal(state_of(2, i), EVTCHNSTAT_closed);
        assert_int_equal(state_of(1, i), EVTCHNSTAT_unbound);
        assert_int_equal(evtchn_send(&dom[1], i), 0);
    }
    for (unsigned int i = 0; i < 64; i++)
        assert_int_equal(shared[2].evtchn_pending[i], 0);
}

/* Both ends always agree, and nothing is pending where nothing is bound. */
static void check_all(void)
{
    for (unsigned int i = 0; i < DOMAINS; i++) {
        for (unsigned int p = 1; p < dom[i].ev.nr_ports; p++) {
            struct evtchn *c = evtchn_at(&dom[i], p), *o;

            if (c->state == EVTCHNSTAT_interdomain) {
                o = evtchn_at(c->remote, c->data);
                assert_int_equal(o->state, EVTCHNSTAT_interdomain);
                assert_ptr_equal(o->remote, &dom[i]);
                assert_int_equal(o->data, p);
            } else if (c->state == EVTCHNSTAT_virq) {
                assert_int_equal(vcpus[i][c->vcpu].ev.virq_port[c->data], p);
            } else if (c->state == EVTCHNSTAT_closed) {
                assert_false(pending(i, p));
            }
        }
    }
}

static void random_operations(void **state)
{
    evtchn_port_t port;

    (void)state;
    srandom(4);
    for (unsigned int round = 0; round < 200000; round++) {
        unsigned int a = random() % DOMAINS, b = random() % DOMAINS;
        evtchn_port_t p = random() % 40;

        switch (random() % 8) {
        case 0: evtchn_alloc_unbound(&dom[a], b, &port); break;
        case 1:
        case 2: evtchn_bind_interdomain(&dom[a], &dom[b], p, &port); break;
        case 3: evtchn_bind_virq(&dom[a], random() % 24, random() % 2, &port);
                break;
        case 4: evtchn_bind_ipi(&dom[a], random() % 3, &port); break;
        case 5: evtchn_send(&dom[a], p); break;
        case 6:
        case 7: evtchn_close(&dom[a], p); break;
        }
        if (round % 64 == 0)
            check_all();
    }
    for (unsigned int i = 0; i < DOMAINS; i++)
        assert_int_equal(evtchn_reset(&dom[i]), 0);
    check_all();
    for (unsigned int i = 0; i < DOMAINS; i++)
        assert_int_equal(unbound(i, 0), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(ports_ascend, setup, teardown),
        cmocka_unit_test_setup_teardown(events_arrive, setup, teardown),
        cmocka_unit_test_setup_teardown(masked_events_wait, setup, teardown),
        cmocka_unit_test_setup_teardown(close_frees_the_other_end, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(loopback, setup, teardown),
        cmocka_unit_test_setup_teardown(who_may_not_bind, setup, teardown),
        cmocka_unit_test_setup_teardown(virqs, setup, teardown),
        cmocka_unit_test_setup_teardown(ipis_and_vcpus, setup, teardown),
        cmocka_unit_test_setup_teardown(pollers_wake, setup, teardown),
        cmocka_unit_test_setup_teardown(the_dying_let_go, setup, teardown),
        cmocka_unit_test_setup_teardown(random_operations, setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
