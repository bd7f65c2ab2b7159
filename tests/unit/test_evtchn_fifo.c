/*
 * event/evtchn_fifo.c, with guests that do their part as Linux does: whatever
 * ports, queues and masks do, no event of an open channel is lost.
 */
#include "evtchn_rig.h"

#define PENDING   (1U << EVTCHN_FIFO_PENDING)
#define MASKED    (1U << EVTCHN_FIFO_MASKED)
#define LINKED    (1U << EVTCHN_FIFO_LINKED)
#define CHANNELS  12
#define MFN_BLOCK 1                  /* frames: of vcpu 0, of vcpu 1 */
#define MFN_WORDS 3

/* The FIFO guest is domain 1; domain 2 sends to it. */
static uint32_t heads[VCPUS][EVTCHN_FIFO_MAX_QUEUES];

static struct evtchn_fifo_control_block *block(unsigned int vcpu)
{
    return (void *)frames[MFN_BLOCK + vcpu];
}

static event_word_t *word(evtchn_port_t port)
{
    return (event_word_t *)frames[MFN_WORDS] + port;
}

static int init_control(unsigned int vcpu)
{
    struct evtchn_init_control c = { .control_gfn = MFN_BLOCK + vcpu,
                                     .vcpu = vcpu };

    return evtchn_init_control(&dom[1], &c);
}

static int setup_fifo(void **state)
{
    memset(heads, 0, sizeof(heads));
    setup(state);
    for (unsigned int i = 0; i < VCPUS; i++)
        assert_int_equal(init_control(i), 0);
    assert_int_equal(evtchn_expand_array(&dom[1], MFN_WORDS), 0);
    return 0;
}

/* Take one port out of a vcpu's queues, the highest priority first; 0: none. */
static evtchn_port_t take_one(unsigned int vcpu)
{
    struct evtchn_fifo_control_block *b = block(vcpu);
    evtchn_port_t port;
    unsigned int prio;
    event_word_t next;

    if (!b->ready)
        return 0;
    prio = __builtin_ctz(b->ready);
    port = heads[vcpu][prio] ? heads[vcpu][prio] : b->head[prio];
    next = *word(port) & EVTCHN_FIFO_LINK_MASK;
    assert_true(port && (*word(port) & LINKED));
    *word(port) &= ~(LINKED | EVTCHN_FIFO_LINK_MASK);
    heads[vcpu][prio] = next;
    if (!next)
        b->ready &= ~(1U << prio);
    return port;
}

static void refusals(void **state)
{
    struct evtchn_init_control c = { .control_gfn = MFN_BLOCK, .vcpu = 2 };
    evtchn_port_t p = unbound(1, 2);

    (void)state;
    assert_int_equal(evtchn_init_control(&dom[1], &c), -ENOENT);
    c = (struct evtchn_init_control){ .control_gfn = FRAMES };
    assert_int_equal(evtchn_init_control(&dom[1], &c), -EINVAL);
    c = (struct evtchn_init_control){ .control_gfn = 1, .offset = 4 };
    assert_int_equal(evtchn_init_control(&dom[1], &c), -EINVAL);
    c.offset = PAGE_SIZE - sizeof(*block(0)) + 8;
    assert_int_equal(evtchn_init_control(&dom[1], &c), -EINVAL);
    assert_int_equal(evtchn_expand_array(&dom[1], 1), -EOPNOTSUPP);
    assert_int_equal(evtchn_set_priority(&dom[1], p, 1), -ENOSYS);
    assert_int_equal(held, 0);
    c.offset -= 8;
    assert_int_equal(evtchn_init_control(&dom[1], &c), 0);
    assert_int_equal(c.link_bits, EVTCHN_FIFO_LINK_BITS);
    assert_int_equal(evtchn_init_control(&dom[1], &c), -EINVAL);
    assert_int_equal(evtchn_expand_array(&dom[1], FRAMES), -EINVAL);
    assert_int_equal(held, 1);
    assert_int_equal(evtchn_set_priority(&dom[1], p, 15), 0);
    assert_int_equal(evtchn_set_priority(&dom[1], p, 16), -EINVAL);
    assert_int_equal(evtchn_set_priority(&dom[1], p + 1, 1), -EINVAL);
    assert_int_equal(evtchn_set_priority(&dom[1], UINT32_MAX, 1), -EINVAL);
    for (unsigned int i = 0; i < EVTCHN_FIFO_NR_CHANNELS / 1024; i++)
        assert_int_equal(evtchn_expand_array(&dom[1], MFN_WORDS), 0);
    assert_int_equal(evtchn_expand_array(&dom[1], MFN_WORDS), -ENOSPC);
}

/* Pending in the bits, then without a word, then queued. */
static void nothing_is_lost_on_the_way(void **state)
{
    evtchn_port_t p1, p2, q1, q2;

    (void)state;
    connect(2, 1, &p2, &p1);
    connect(2, 1, &q2, &q1);
    assert_int_equal(evtchn_send(&dom[2], p2), 0);
    assert_int_equal(init_control(0), 0);
    assert_int_equal(evtchn_port_pending(&dom[1], p1), 1);
    assert_int_equal(evtchn_port_pending(&dom[1], q1), 0);
    kicks = 0;
    dom[1].ev.pollers = BIT(0);
    assert_int_equal(evtchn_send(&dom[2], q2), 0);
    assert_int_equal(evtchn_send(&dom[2], q2), 0);
    assert_int_equal(unblocks, 1);           /* once: it was pending then */
    assert_int_equal(evtchn_port_pending(&dom[1], q1), 1);
    assert_int_equal(kicks, 0);
    infos[1][0].evtchn_upcall_pending = 0;
    assert_int_equal(evtchn_expand_array(&dom[1], MFN_WORDS), 0);
    assert_int_equal(kicks, 1);
    assert_int_equal(take_one(0), p1);
    assert_int_equal(take_one(0), q1);
    assert_int_equal(take_one(0), 0);
}

/* A vcpu without a control block hears nothing, and of nothing afterwards. */
static void no_control_block(void **state)
{
    evtchn_port_t p1, p2;

    (void)state;
    connect(2, 1, &p2, &p1);
    assert_int_equal(init_control(0), 0);
    assert_int_equal(evtchn_expand_array(&dom[1], MFN_WORDS), 0);
    assert_int_equal(evtchn_bind_vcpu(&dom[1], p1, 1), 0);
    assert_int_equal(evtchn_send(&dom[2], p2), 0);
    assert_int_equal(*word(p1), PENDING);
    assert_false(infos[1][1].evtchn_upcall_pending);
    assert_int_equal(init_control(1), 0);
    assert_int_equal(evtchn_unmask(&dom[1], p1), 0);
    assert_int_equal(take_one(1), p1);
}

static void reset_goes_back(void **state)
{
    evtchn_port_t p1, p2;

    (void)state;
    connect(2, 1, &p2, &p1);
    shared[1].evtchn_pending[0] = ~0UL;      /* of before, or nonsense */
    assert_int_equal(held, 3);
    yields = 1;
    assert_int_equal(evtchn_reset(&dom[1]), -ERESTART);
    assert_int_equal(held, 3);
    assert_int_equal(evtchn_reset(&dom[1]), 0);
    assert_int_equal(held, 0);
    connect(2, 1, &p2, &p1);
    assert_int_equal(evtchn_send(&dom[2], p2), 0);
    assert_int_equal(shared[1].evtchn_pending[0], BIT(p1));
    assert_int_equal(init_control(0), 0);
}

/* Ports of 2-level end at 4095, those of FIFO at the domain's limit. */
static void limits(void **state)
{
    evtchn_port_t port;

    (void)state;
    evtchn_destroy(&dom[1]);
    memset(&dom[1].ev, 0, sizeof(dom[1].ev));
    assert_int_equal(evtchn_init(&dom[1], UINT32_MAX), 0);
    for (unsigned int i = 1; i < EVTCHN_2L_NR_CHANNELS; i++)
        assert_int_equal(unbound(1, 2), i);
    assert_int_equal(evtchn_alloc_unbound(&dom[1], 2, &port), -ENOSPC);
    assert_int_equal(init_control(0), 0);
    for (unsigned int i = EVTCHN_2L_NR_CHANNELS; i < EVTCHN_FIFO_NR_CHANNELS;
         i++)
        assert_int_equal(unbound(1, 2), i);
    assert_int_equal(evtchn_alloc_unbound(&dom[1], 2, &port), -ENOSPC);
}

static struct channel {
    evtchn_port_t from, to;
    unsigned int sent, seen;
} channels[CHANNELS];

static void reconnect(struct channel *c)
{
    if (c->to)
        assert_int_equal(evtchn_close(&dom[1], c->to), 0);
    if (c->from)
        assert_int_equal(evtchn_close(&dom[2], c->from), 0);
    connect(2, 1, &c->from, &c->to);
    for (unsigned int i = 0; i < CHANNELS; i++)
        assert_true(&channels[i] == c || channels[i].to != c->to);
    c->sent = c->seen = 0;
}

/* What a guest does with what it has taken. */
static void handle(evtchn_port_t port)
{
    if (!(*word(port) & PENDING) || (*word(port) & MASKED))
        return;
    *word(port) &= ~PENDING;
    for (unsigned int i = 0; i < CHANNELS; i++)
        if (channels[i].to == port)
            channels[i].seen = channels[i].sent;
}

static void guest_unmask(evtchn_port_t port)
{
    if (*word(port) & PENDING)
        assert_int_equal(evtchn_unmask(&dom[1], port), 0);
    else
        *word(port) &= ~MASKED;
}

/* An upcall: all that is there, or some of it, and then another upcall. */
static void upcall(unsigned int vcpu, unsigned int most)
{
    evtchn_port_t port;

    if (!infos[1][vcpu].evtchn_upcall_pending)
        return;
    infos[1][vcpu].evtchn_upcall_pending = 0;
    while (most-- && (port = take_one(vcpu)))
        handle(port);
    if (block(vcpu)->ready)
        infos[1][vcpu].evtchn_upcall_pending = 1;
}

static void step(void)
{
    struct channel *c = &channels[random() % CHANNELS];

    switch (random() % 12) {
    case 0: reconnect(c); break;
    case 1: *word(c->to) |= MASKED; break;
    case 2: guest_unmask(c->to); break;
    case 3: evtchn_set_priority(&dom[1], c->to, random() % 16); break;
    case 4: evtchn_bind_vcpu(&dom[1], c->to, random() % VCPUS); break;
    case 5:
    case 6: upcall(random() % VCPUS, random() % 4); break;
    default:
        c->sent++;
        assert_int_equal(evtchn_send(&dom[2], c->from), 0);
    }
}

static void random_operations(void **state)
{
    (void)state;
    srandom(7);
    for (unsigned int i = 0; i < CHANNELS; i++)
        channels[i] = (struct channel){ 0 };
    for (unsigned int i = 0; i < CHANNELS; i++)
        reconnect(&channels[i]);
    for (unsigned int round = 0; round < 3000; round++) {
        for (unsigned int i = 0; i < 100; i++)
            step();
        for (unsigned int i = 0; i < CHANNELS; i++)
            guest_unmask(channels[i].to);
        for (unsigned int v = 0; v < VCPUS; v++)
            upcall(v, UINT32_MAX);
        for (unsigned int i = 0; i < CHANNELS; i++)
            assert_int_equal(channels[i].seen, channels[i].sent);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(refusals, setup, teardown),
        cmocka_unit_test_setup_teardown(nothing_is_lost_on_the_way, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(no_control_block, setup, teardown),
        cmocka_unit_test_setup_teardown(reset_goes_back, setup_fifo, teardown),
        cmocka_unit_test_setup_teardown(limits, setup, teardown),
        cmocka_unit_test_setup_teardown(random_operations, setup_fifo,
                                        teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
