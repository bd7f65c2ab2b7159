/*
 * FIFO event channels: queues by priority, the way there from 2-level and
 * back, and what a guest can do to its own queues.
 *
 * Guest and hypervisor change the same words at the same time; a slip on
 * either side loses an event, or makes two queues of one.  So at the end one
 * vcpu sends what the other takes, and then one sends what the other destroys.
 */
#include "guest.h"

#define BIT(n)     (1U << (n))
#define PENDING    BIT(EVTCHN_FIFO_PENDING)
#define MASKED     BIT(EVTCHN_FIFO_MASKED)
#define LINKED     BIT(EVTCHN_FIFO_LINKED)
#define BUSY       BIT(EVTCHN_FIFO_BUSY)
#define NEXT(w)    ((w) & EVTCHN_FIFO_LINK_MASK)
#define PER_PAGE   (PAGE_SIZE / sizeof(event_word_t))
#define DEFAULT    EVTCHN_FIFO_PRIORITY_DEFAULT

static volatile event_word_t word[2 * PER_PAGE] __attribute__((aligned(4096)));
static volatile struct evtchn_fifo_control_block *block[2];
static uint32_t ready[2], head[2][EVTCHN_FIFO_MAX_QUEUES];
static unsigned int last_priority;

static long op(unsigned long cmd, void *arg)
{
    return HC(event_channel_op, cmd, arg);
}

static long init_control(unsigned int vcpu, unsigned long mfn,
                         unsigned int offset)
{
    struct evtchn_init_control c = { .control_gfn = mfn, .offset = offset,
                                     .vcpu = vcpu };
    long rc = op(EVTCHNOP_init_control, &c);

    return rc ? rc : c.link_bits;
}

static long expand(unsigned long mfn)
{
    return op(EVTCHNOP_expand_array, &(struct evtchn_expand_array){ mfn });
}

static long set_priority(unsigned int port, unsigned int priority)
{
    return op(EVTCHNOP_set_priority,
              &(struct evtchn_set_priority){ port, priority });
}

static long send(unsigned int port)
{
    return op(EVTCHNOP_send, &(struct evtchn_send){ port });
}

static long close(unsigned int port)
{
    return op(EVTCHNOP_close, &(struct evtchn_close){ port });
}

static long reset(domid_t dom)
{
    return op(EVTCHNOP_reset, &(struct evtchn_reset){ dom });
}

static long unmask(unsigned int port)
{
    return op(EVTCHNOP_unmask, &(struct evtchn_unmask){ port });
}

static long bind_vcpu(unsigned int port, unsigned int vcpu)
{
    return op(EVTCHNOP_bind_vcpu, &(struct evtchn_bind_vcpu){ port, vcpu });
}

static unsigned int unbound(void)
{
    struct evtchn_alloc_unbound a = { .dom = DOMID_SELF,
                                      .remote_dom = DOMID_SELF };

    return op(EVTCHNOP_alloc_unbound, &a) ? 0 : a.port;
}

/* A port that sends to itself, for vcpu 0. */
static unsigned int ipi(void)
{
    struct evtchn_bind_ipi i = { .vcpu = 0 };

    return op(EVTCHNOP_bind_ipi, &i) ? 0 : i.port;
}

/* A channel of ours to ourselves: send to the first, the second is told. */
static void channel(unsigned int *from, unsigned int *to)
{
    struct evtchn_bind_interdomain b = { .remote_dom = DOMID_SELF };

    *to = b.remote_port = unbound();
    *from = op(EVTCHNOP_bind_interdomain, &b) ? 0 : b.local_port;
}

static bool pending_2l(unsigned int port)
{
    return shared_info->evtchn_pending[port / 64] & (1UL << (port % 64));
}

static uint32_t unlink(unsigned int port)
{
    return NEXT(__sync_fetch_and_and(&word[port],
                                     ~(LINKED | EVTCHN_FIFO_LINK_MASK)));
}

/* The next port of a vcpu's queues, as a guest takes it; 0: all are empty. */
static unsigned int take(unsigned int vcpu)
{
    unsigned int port, prio;

    ready[vcpu] |= __sync_fetch_and_and(&block[vcpu]->ready, 0);
    if (!ready[vcpu])
        return 0;
    last_priority = prio = __builtin_ctz(ready[vcpu]);
    port = head[vcpu][prio] ? head[vcpu][prio] : block[vcpu]->head[prio];
    head[vcpu][prio] = unlink(port);
    if (!head[vcpu][prio])
        ready[vcpu] &= ~BIT(prio);
    return port;
}

static void done(unsigned int port)
{
    __sync_fetch_and_and(&word[port], ~PENDING);
}

/* Begin anew, with no page of words. */
static void begin(void)
{
    for (unsigned int v = 0; v < 2; v++) {
        memset((void *)block[v], 0, sizeof(*block[v]));
        memset(head[v], 0, sizeof(head[v]));
        ready[v] = 0;
    }
    memset((void *)word, 0, sizeof(word));
    nr_events = 0;
    shared_info->vcpu_info[0].evtchn_upcall_mask = 0;
    if (init_control(0, virt_to_mfn((void *)block[0]), 0) < 0 ||
        init_control(1, virt_to_mfn((void *)block[1]), 64) < 0)
        check(false, "control blocks");
}

static void add_page(unsigned int n)
{
    if (expand(virt_to_mfn((void *)&word[n * PER_PAGE])))
        check(false, "a page of event words");
}

static void test_refusals(void)
{
    unsigned long mfn = virt_to_mfn((void *)block[0]);
    unsigned long table = virt_to_mfn((void *)start_info->pt_base);
    unsigned int port = ipi();

    check_eq(set_priority(port, 3), -XEN_ENOSYS, "a priority with 2-level");
    check_eq(expand(mfn), -XEN_EOPNOTSUPP, "an event array with 2-level");
    check_eq(init_control(2, mfn, 0), -XEN_ENOENT, "no such vcpu");
    check_eq(init_control(~0U, mfn, 0), -XEN_ENOENT, "by far");
    check_eq(init_control(0, mfn, 4), -XEN_EINVAL, "an odd offset");
    check_eq(init_control(0, mfn, 4096 - 64), -XEN_EINVAL, "across the end");
    check_eq(init_control(0, mfn, ~7U), -XEN_EINVAL, "far beyond it");
    check_eq(init_control(0, 0x200, 0), -XEN_EINVAL, "a frame not ours");
    check_eq(init_control(0, 1UL << 40, 0), -XEN_EINVAL, "no frame at all");
    check_eq(init_control(0, table, 0), -XEN_EINVAL, "a page table");
    send(port);
    check(pending_2l(port), "all that changes nothing");
    check_eq(close(port), 0, "close the port");
}

/* What waits when the guest goes over to FIFO is told when its word is there;
 * so is what comes in between. */
static void test_switch(void)
{
    unsigned int port = ipi(), late = ipi(), poll[1] = { late };
    struct sched_poll p = { .nr_ports = 1 };

    shared_info->vcpu_info[0].evtchn_upcall_mask = 1;
    send(port);
    check_eq(init_control(0, virt_to_mfn((void *)block[0]), 0),
             EVTCHN_FIFO_LINK_BITS, "the first control block");
    check_eq(init_control(1, virt_to_mfn((void *)block[1]), 64),
             EVTCHN_FIFO_LINK_BITS, "one of a vcpu that is not up");
    check_eq(init_control(0, virt_to_mfn((void *)block[0]), 0), -XEN_EINVAL,
             "not twice");
    send(late);
    check(!pending_2l(late), "events do not go to the bits any more");
    check_eq(block[0]->ready, 0, "nor to a queue");
    set_xen_guest_handle(p.ports, poll);
    check_eq(HC(sched_op, (unsigned long)SCHEDOP_poll, &p), 0,
             "a poll returns at once");
    check_eq(expand(virt_to_mfn((void *)start_info->pt_base)), -XEN_EINVAL,
             "a page table as event words");
    add_page(0);
    check_eq(take(0), port, "what waited before is in a queue");
    check_eq(take(0), late, "then what came between");
    check_eq(take(0), 0, "no more");
    check((word[port] & PENDING) && (word[late] & PENDING), "both pending");
    check_eq(pin(MMUEXT_PIN_L1_TABLE, (void *)block[0]), -XEN_EINVAL,
             "a control block cannot become a page table");
    done(port);
    done(late);
    shared_info->vcpu_info[0].evtchn_upcall_pending = 0;
    shared_info->vcpu_info[0].evtchn_upcall_mask = 0;
}

static void test_priorities(void)
{
    unsigned int a = ipi(), b = ipi(), c = ipi(), d = ipi();

    nr_events = 0;
    check_eq(set_priority(b, 0), 0, "the highest priority");
    check_eq(set_priority(c, 15), 0, "the lowest");
    check_eq(set_priority(d, 16), -XEN_EINVAL, "none below it");
    check_eq(set_priority(4000, 1), -XEN_EINVAL, "no such port");
    check_eq(set_priority(~0U, 1), -XEN_EINVAL, "by far");
    send(c);
    send(a);
    send(d);
    send(a);
    send(b);
    check_eq(block[0]->ready, BIT(0) | BIT(DEFAULT) | BIT(15),
             "three queues are ready");
    check_eq(nr_events, 3, "each called once");
    check_eq(NEXT(word[a]), d, "one in the order of arrival");
    check_eq(take(0), b, "the highest first");
    check_eq(last_priority, 0, "of its priority");
    check_eq(take(0), a, "then the default");
    check_eq(take(0), d, "in its order");
    check_eq(take(0), c, "the lowest last");
    check_eq(take(0), 0, "and each once");
    done(a);
    send(a);
    check_eq(take(0), a, "again when it is sent again");
    close(a);
    close(b);
    close(c);
    close(d);
}

static void test_masks(void)
{
    unsigned int a = ipi();

    word[a] = MASKED;
    nr_events = 0;
    send(a);
    check_eq(word[a], MASKED | PENDING, "a masked port is pending, no more");
    check_eq(unmask(a), 0, "unmask it");
    check_eq(word[a], LINKED | PENDING, "then it is queued");
    check_eq(nr_events, 1, "and calls");
    check_eq(take(0), a, "it is there");
    done(a);
    word[a] = MASKED;
    check_eq(unmask(a), 0, "unmask a port that is not pending");
    check_eq(word[a], 0, "and that is all");
    close(a);
}

/* A port that moves stays where it is queued; its next event goes to the new
 * queue, and the old one does not lead there. */
static void test_moves(void)
{
    unsigned int from, to, rest = ipi();

    channel(&from, &to);
    check_eq(take(0), from, "a new channel is pending at this end");
    done(from);
    send(rest);
    send(from);
    check_eq(bind_vcpu(to, 1), 0, "move a port that is queued");
    send(from);
    check_eq(block[1]->ready, 0, "it does not change queues");
    check(take(0) == rest && take(0) == to, "but is in the old one");
    done(rest);
    done(to);
    send(from);
    send(rest);
    check_eq(NEXT(word[to]), 0, "its next event is no part of it");
    check_eq(take(0), rest, "which goes on alone");
    check_eq(take(1), to, "and it is in the new one");
    done(rest);
    done(to);
    check_eq(bind_vcpu(to, 0), 0, "back");
    check_eq(set_priority(to, 2), 0, "to another priority");
    send(from);
    check(take(0) == to && last_priority == 2 && !take(1), "there it is");
    done(to);
    close(from);
    close(to);
    close(rest);
}

/* A port that is closed in a queue is given to nothing else before the guest
 * has taken it out. */
static void test_close_queued(void)
{
    unsigned int a = ipi(), b = ipi(), c, d;

    send(a);
    send(b);
    check_eq(close(b), 0, "close a port that is queued");
    check_eq(word[b], LINKED, "it is pending no more");
    c = ipi();
    check(c != a && c != b, "its number is not given away");
    send(c);
    check(take(0) == a && take(0) == b && take(0) == c, "the queue is whole");
    d = ipi();
    check_eq(d, b, "then it is");
    done(a);
    done(c);
    send(d);
    check(take(0) == d && last_priority == DEFAULT, "and works");
    done(d);
    close(a);
    close(c);
    close(d);
}

/* More ports than 2-level has, and than there are words for. */
static void test_many(void)
{
    unsigned int port, high = PER_PAGE + 7, end = EVTCHN_2L_NR_CHANNELS;
    unsigned int closed = 0;

    do
        port = unbound();
    while (port && port < end);
    check_eq(port, end, "the first port that 2-level does not have");
    close(high);
    check_eq(ipi(), high, "one of the second page");
    check_eq(send(high), 0, "send there, without a word");
    check_eq(block[0]->ready, 0, "nobody hears of it yet");
    add_page(1);
    check_eq(take(0), high, "with its page it comes");
    check_eq(send(end), 0, "no word, nothing bound");
    for (port = 1; port <= end; port++)
        closed += !close(port);
    check_eq(closed, end, "all are closed");
}

/* 2-level again, and the pages are the guest's. */
static void test_reset(void)
{
    unsigned int a = ipi(), from, to;
    struct evtchn_status s = { .dom = DOMID_SELF, .port = a };
    struct xen_domctl other = { 0 };

    channel(&from, &to);
    send(a);
    check_eq(reset(DOMID_SELF), 0, "reset");
    check_eq(op(EVTCHNOP_status, &s), 0, "a port's status");
    check_eq(s.status, EVTCHNSTAT_closed, "is closed");
    check_eq(set_priority(ipi(), 1), -XEN_ENOSYS, "it is 2-level again");
    check_eq(send(1), 0, "send");
    check(pending_2l(1), "by bits");
    check_eq(reset(DOMID_SELF), 0, "reset 2-level");
    check_eq(ipi(), 1, "the first port is free");
    check(!pending_2l(1), "and not pending");
    memset((void *)block[0], 0, PAGE_SIZE);
    check_eq(remap((void *)block[0], KERNEL_RO), 0, "the control block's page");
    check_eq(pin(MMUEXT_PIN_L1_TABLE, (void *)block[0]), 0,
             "may be a page table now");
    check_eq(pin(MMUEXT_UNPIN_TABLE, (void *)block[0]), 0, "unpin");
    check_eq(remap((void *)block[0], KERNEL), 0, "and map");
    check_eq(reset(77), -XEN_ESRCH, "no such domain");
    make_domain(&other.domain);
    check_eq(reset(other.domain), 0, "another, paused");
    domctl(&other, XEN_DOMCTL_unpausedomain);
    check_eq(reset(other.domain), -XEN_EINVAL, "not while it may run");
    domctl(&other, XEN_DOMCTL_destroydomain);
    reset(DOMID_SELF);
    begin();
    add_page(0);
    a = ipi();
    send(a);
    check_eq(take(0), a, "FIFO again, as after a resume");
    close(a);
}

/* Links, heads and words of the guest's own making. */
static void test_nonsense(void)
{
    unsigned int a = ipi(), b = ipi(), c = ipi();

    send(a);
    word[a] |= EVTCHN_FIFO_LINK_MASK | BUSY;
    check_eq(send(b), 0, "behind a tail that links to the last port");
    check_eq(NEXT(word[a]), b, "is linked all the same");
    word[b] = LINKED | BUSY | b;
    block[0]->head[DEFAULT] = ~0U;
    block[0]->ready = ~0U;
    check_eq(send(c), 0, "behind a ring");
    memset((void *)word, 0xff, sizeof(word));
    check(send(a) == 0 && unmask(a) == 0, "all words set");
    memset((void *)word, 0, sizeof(word));
    check(send(a) == 0 && unmask(a) == 0, "none set");
    reset(DOMID_SELF);
    check_eq(init_control(0, virt_to_mfn((void *)word), 0),
             EVTCHN_FIFO_LINK_BITS, "a control block");
    check(!expand(virt_to_mfn((void *)word)) &&
          !expand(virt_to_mfn((void *)word)), "that is two pages of words");
    for (unsigned int i = 0; i < 20; i++)
        send(ipi());
    check_eq(reset(DOMID_SELF), 0, "is no harm");
}

static void test_shared_frames(void)
{
    check_eq(init_control(0, start_info->shared_info >> 12, 256),
             EVTCHN_FIFO_LINK_BITS, "shared_info as a control block");
    check_eq(expand(start_info->shared_info >> 12), 0, "and as event words");
    send(ipi());
    check_eq(reset(DOMID_SELF), 0, "is no harm");
    shared_info->vcpu_info[0].evtchn_upcall_mask = 0;
}

#define CHANNELS 16
#define ROUNDS   5000

static unsigned int from[CHANNELS], to[CHANNELS], seen[CHANNELS];
static volatile unsigned int sent[CHANNELS];

/* What vcpu 1 does now, whether it is to stop, and whether it has. */
static void (*volatile job)(void);
static volatile bool stop, ended;

static unsigned int rnd(unsigned int *state)
{
    *state = *state * 1103515245 + 12345;
    return *state >> 8;
}

static void vcpu_1(void)
{
    for (;;) {
        job();
        ended = true;
        HC(vcpu_op, (unsigned long)VCPUOP_down, 1UL);
    }
}

static void start(void (*fn)(void))
{
    static bool made;

    job = fn;
    stop = ended = false;
    if (!made)
        make_vcpu(vcpu_1);
    made = true;
    check_eq(HC(vcpu_op, (unsigned long)VCPUOP_up, 1UL), 0, "vcpu 1 runs");
}

static void wait_for_end(void)
{
    while (!ended || HC(vcpu_op, (unsigned long)VCPUOP_is_up, 1UL))
        HC(sched_op, (unsigned long)SCHEDOP_yield);
}

static void send_much(void)
{
    unsigned int state = 1;

    for (unsigned int i = 0; i < ROUNDS; i++) {
        unsigned int n = rnd(&state) % CHANNELS;

        sent[n]++;
        send(from[n]);
    }
}

/* Clear MASKED, as long as the port is not pending: else the hypervisor is to
 * queue it. */
static void guest_unmask(unsigned int port)
{
    event_word_t old;

    do {
        old = word[port] & ~BUSY;
        if (old & PENDING) {
            unmask(port);
            return;
        }
    } while (!__sync_bool_compare_and_swap(&word[port], old, old & ~MASKED));
}

static void handle(unsigned int n, unsigned int *state)
{
    bool mask = rnd(state) % 2;

    if (!(word[to[n]] & PENDING) || (word[to[n]] & MASKED))
        return;
    if (mask)
        __sync_fetch_and_or(&word[to[n]], MASKED);
    done(to[n]);
    seen[n] = sent[n];
    if (mask)
        guest_unmask(to[n]);
    if (rnd(state) % 8 == 0)
        set_priority(to[n], rnd(state) % EVTCHN_FIFO_MAX_QUEUES);
}

/* One vcpu sends while the other takes: the last event of each channel is
 * never lost, whatever moves meanwhile. */
static void test_race(void)
{
    unsigned int state = 2, port, taken = 0, n, lost = 0;
    bool last;

    reset(DOMID_SELF);
    begin();
    shared_info->vcpu_info[0].evtchn_upcall_mask = 1;
    add_page(0);
    for (n = 0; n < CHANNELS; n++)
        channel(&from[n], &to[n]);
    start(send_much);
    do {
        last = ended;
        port = take(0);
        for (n = 0; n < CHANNELS && to[n] != port; n++)
            ;
        if (n < CHANNELS) {
            handle(n, &state);
            taken++;
        }
    } while (port || !last);
    for (n = 0; n < CHANNELS; n++)
        lost += seen[n] != sent[n];
    check_eq(lost, 0, "a vcpu sees what another sends at the same time");
    check(taken > CHANNELS, "%u times", taken);
    wait_for_end();
}

static void destroy_much(void)
{
    unsigned int state = 3;

    while (!stop) {
        unsigned int port = rnd(&state) % (2 * CHANNELS + 1);
        unsigned int bits = rnd(&state) << 16 | rnd(&state);

        __sync_fetch_and_xor(&word[port], bits);
        word[port] |= LINKED;
        block[0]->ready = bits;
        block[0]->head[bits % EVTCHN_FIFO_MAX_QUEUES] = bits;
    }
}

/* One vcpu sends while the other writes anything anywhere. */
static void test_hostile(void)
{
    unsigned int state = 4, good = 0, port;

    start(destroy_much);
    for (unsigned int i = 0; i < ROUNDS; i++) {
        unsigned int n = rnd(&state) % CHANNELS;

        good += !send(from[n]) && !unmask(to[n]) &&
                !bind_vcpu(to[n], rnd(&state) % 2) &&
                !set_priority(to[n], rnd(&state) % EVTCHN_FIFO_MAX_QUEUES);
    }
    stop = true;
    wait_for_end();
    check_eq(good, ROUNDS, "sends among words that another vcpu destroys");
    check_eq(reset(DOMID_SELF), 0, "and a reset");
    begin();
    add_page(0);
    port = ipi();
    check(!send(port) && take(0) == port, "set everything right");
}

void test_main(void)
{
    block[0] = page_alloc();
    block[1] = (void *)((char *)page_alloc() + 64);
    test_refusals();
    test_switch();
    test_priorities();
    test_masks();
    test_moves();
    test_close_queued();
    test_many();
    test_reset();
    test_nonsense();
    test_shared_frames();
    test_race();
    test_hostile();
}
