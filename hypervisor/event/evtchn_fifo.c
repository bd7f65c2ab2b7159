/*
 * The FIFO ABI: a word for each port, in pages that the guest gives, and for
 * each vcpu 16 queues by priority.
 *
 * A queue is a chain of ports through the LINK fields of their words.  The
 * guest takes from its head, which it finds in the vcpu's control block when
 * it has reached the end; only we append, and know the tail.  A port whose
 * word is LINKED is in a queue, until the guest clears LINKED and LINK in one
 * step.  So a tail that is not LINKED any more was the end of a queue that is
 * empty now, and the next port becomes a head.
 *
 * The guest writes to all of this at any time.  We believe no link: the worst
 * that it can do is to lose events of its own.  Nor may it make us wait: each
 * change is one instruction, or a loop with an end.
 */
#include "domain/domain.h"
#include "domain/guest_ops.h"
#include "event/private.h"
#include "mm/buddy.h"
#include "mm/page_type.h"
#include "x86/atomic.h"

#define PENDING        (1U << EVTCHN_FIFO_PENDING)
#define MASKED         (1U << EVTCHN_FIFO_MASKED)
#define LINKED         (1U << EVTCHN_FIFO_LINKED)
#define BUSY           (1U << EVTCHN_FIFO_BUSY)
#define WORDS_PER_PAGE (PAGE_SIZE / sizeof(event_word_t))
#define LINK_TRIES     5             /* a guest that keeps to the rules changes
                                        a busy word three times */

/* (q) lock to change; under the lock of the domain's table, too */
struct evtchn_fifo {
    struct spinlock lock;            /* LOCK_QUEUES */
    unsigned int nr_words;           /* (q) */
    event_word_t *array[EVTCHN_FIFO_NR_CHANNELS / WORDS_PER_PAGE];   /* (q) */
    struct {
        struct evtchn_fifo_control_block *block;     /* (q) NULL: none yet */
        evtchn_port_t tail[EVTCHN_FIFO_MAX_QUEUES];  /* (q) 0: none */
    } vcpu[];                        /* [max_vcpus] */
};

/* As test_and_set_bit(), of 32 bits. */
static bool test_and_set(unsigned int n, uint32_t *word)
{
    return atomic_or(word, 1U << (n % 32)) & (1U << (n % 32));
}

/* NULL: the guest has not given a page for it. */
static event_word_t *word_of(const struct evtchn_fifo *f, evtchn_port_t port)
{
    return port < f->nr_words
           ? &f->array[port / WORDS_PER_PAGE][port % WORDS_PER_PAGE] : NULL;
}

static evtchn_port_t *tail_of(struct evtchn_fifo *f, unsigned int queue)
{
    return &f->vcpu[queue / EVTCHN_FIFO_MAX_QUEUES]
                .tail[queue % EVTCHN_FIFO_MAX_QUEUES];
}

/* Link port behind the one with this word; false: that is in no queue. */
static bool append(event_word_t *word, evtchn_port_t port)
{
    event_word_t old = READ_ONCE(*word), seen;

    for (unsigned int i = 0; i < LINK_TRIES && (old & LINKED); i++) {
        seen = cmpxchg(word, old,
                       (old & ~(BUSY | EVTCHN_FIFO_LINK_MASK)) | port);
        if (seen == old)
            return true;
        atomic_or(word, BUSY);       /* holds the guest's unmask off */
        old = READ_ONCE(*word);
    }
    if (old & BUSY)
        atomic_and(word, ~BUSY);
    return false;
}

/* Put a pending port into its queue, unless it is masked or in one; returns
 * the vcpu to tell, or NULL. */
static struct vcpu *link_locked(struct domain *d, evtchn_port_t port,
                                struct evtchn *chn)
{
    struct evtchn_fifo *f = d->ev.fifo;
    event_word_t *word = word_of(f, port);
    unsigned int vcpu = READ_ONCE(chn->vcpu), prio = chn->priority;
    struct evtchn_fifo_control_block *block = f->vcpu[vcpu].block;
    evtchn_port_t *tail = tail_of(f, chn->queue), last;

    if ((READ_ONCE(*word) & (MASKED | LINKED)) || !block)
        return NULL;
    atomic_or(word, LINKED);
    if (*tail == port)
        *tail = 0;                   /* the queue where it was has ended */
    chn->queue = vcpu * EVTCHN_FIFO_MAX_QUEUES + prio;
    tail = tail_of(f, chn->queue);
    last = *tail;
    *tail = port;
    if (last && append(word_of(f, last), port))
        return NULL;
    WRITE_ONCE(block->head[prio], port);
    /* Full barrier: the head before ready. */
    return test_and_set(prio, &block->ready) ? NULL : d->vcpu[vcpu];
}

static bool set_pending(struct domain *d, evtchn_port_t port,
                        struct evtchn *chn)
{
    struct evtchn_fifo *f = d->ev.fifo;
    struct vcpu *tell = NULL;
    event_word_t *word;
    bool was;

    spin_lock(&f->lock);
    word = word_of(f, port);
    if (word) {
        was = test_and_set(EVTCHN_FIFO_PENDING, word);
        tell = link_locked(d, port, chn);
    } else {
        was = chn->late;
        chn->late = true;
        smp_mb();                    /* as the other way: with SCHEDOP_poll */
    }
    spin_unlock(&f->lock);
    if (tell)
        vcpu_mark_events(tell);
    return !was;
}

/* If it is in a queue, the guest finds it there, and not pending. */
static void clear_pending(struct domain *d, evtchn_port_t port,
                          struct evtchn *chn)
{
    event_word_t *word = word_of(d->ev.fifo, port);

    (void)chn;
    if (word)
        atomic_and(word, ~PENDING);
}

static void unmask(struct domain *d, evtchn_port_t port, struct evtchn *chn)
{
    struct evtchn_fifo *f = d->ev.fifo;
    event_word_t *word = word_of(f, port);
    struct vcpu *tell = NULL;

    if (!word)
        return;
    spin_lock(&f->lock);
    atomic_and(word, ~MASKED);
    if (READ_ONCE(*word) & PENDING)
        tell = link_locked(d, port, chn);
    spin_unlock(&f->lock);
    if (tell)
        vcpu_mark_events(tell);
}

static bool is_pending(const struct domain *d, evtchn_port_t port)
{
    const event_word_t *word = word_of(d->ev.fifo, port);

    return word ? READ_ONCE(*word) & PENDING : evtchn_at(d, port)->late;
}

static bool is_queued(const struct domain *d, evtchn_port_t port)
{
    const event_word_t *word = word_of(d->ev.fifo, port);

    return word && (READ_ONCE(*word) & LINKED);
}

static const struct evtchn_ops fifo_ops = {
    .max_ports = EVTCHN_FIFO_NR_CHANNELS,
    .set_pending = set_pending,
    .clear_pending = clear_pending,
    .unmask = unmask,
    .is_pending = is_pending,
    .is_queued = is_queued,
};

/* The ports that are bound have no words yet. */
static void switch_locked(struct domain *d, struct evtchn_fifo *f)
{
    struct evtchn_table *t = &d->ev;

    t->fifo = f;
    smp_wmb();
    WRITE_ONCE(t->ops, &fifo_ops);
    smp_mb();                        /* with evtchn_set_pending */
    for (evtchn_port_t p = 1; p < MIN(t->nr_ports, EVTCHN_2L_NR_CHANNELS); p++)
        if (evtchn_used(d, p) && evtchn_2l_ops.is_pending(d, p))
            set_pending(d, p, evtchn_at(d, p));
}

int evtchn_init_control(struct domain *d, struct evtchn_init_control *op)
{
    struct evtchn_fifo *f, *spare;
    unsigned long flags;
    char *page;
    int rc = 0;

    if (!domain_vcpu(d, op->vcpu))
        return -ENOENT;
    if (op->offset > PAGE_SIZE - sizeof(*f->vcpu->block) || op->offset % 8)
        return -EINVAL;
    page = page_hold(guest_ops->gfn_to_mfn(d, op->control_gfn), d);
    if (!page)
        return -EINVAL;
    spare = kzalloc(sizeof(*f) + d->max_vcpus * sizeof(f->vcpu[0]));
    if (!spare) {
        page_unhold(page);
        return -ENOMEM;
    }
    spin_lock_init(&spare->lock, LOCK_QUEUES);
    flags = spin_lock_irqsave(&d->ev.lock);
    if (!d->ev.fifo) {
        switch_locked(d, spare);
        spare = NULL;
    }
    f = d->ev.fifo;
    spin_lock(&f->lock);
    if (f->vcpu[op->vcpu].block)
        rc = -EINVAL;
    else
        f->vcpu[op->vcpu].block = (void *)(page + op->offset);
    spin_unlock(&f->lock);
    spin_unlock_irqrestore(&d->ev.lock, flags);
    kfree(spare);
    if (rc)
        page_unhold(page);
    else
        op->link_bits = EVTCHN_FIFO_LINK_BITS;
    return rc;
}

/* Add a page, and send what came for its ports before it was there. */
static int expand_locked(struct domain *d, event_word_t *page)
{
    struct evtchn_fifo *f = d->ev.fifo;
    evtchn_port_t port;

    if (!f)
        return -EOPNOTSUPP;
    port = f->nr_words;
    if (port == EVTCHN_FIFO_NR_CHANNELS)
        return -ENOSPC;
    spin_lock(&f->lock);
    f->array[port / WORDS_PER_PAGE] = page;
    f->nr_words += WORDS_PER_PAGE;
    spin_unlock(&f->lock);
    for (; port < MIN(f->nr_words, d->ev.nr_ports); port++)
        if (evtchn_used(d, port) && evtchn_at(d, port)->late)
            set_pending(d, port, evtchn_at(d, port));
    return 0;
}

int evtchn_expand_array(struct domain *d, gfn_t gfn)
{
    event_word_t *page = page_hold(guest_ops->gfn_to_mfn(d, gfn), d);
    unsigned long flags;
    int rc;

    if (!page)
        return -EINVAL;
    flags = spin_lock_irqsave(&d->ev.lock);
    rc = expand_locked(d, page);
    spin_unlock_irqrestore(&d->ev.lock, flags);
    if (rc)
        page_unhold(page);
    return rc;
}

int evtchn_set_priority(struct domain *d, evtchn_port_t port,
                        unsigned int priority)
{
    unsigned long flags = spin_lock_irqsave(&d->ev.lock);
    struct evtchn *chn = evtchn_used(d, port);
    int rc = 0;

    if (!chn)
        rc = -EINVAL;
    else if (!d->ev.fifo)
        rc = -ENOSYS;
    else if (priority > EVTCHN_FIFO_PRIORITY_MIN)
        rc = -EINVAL;
    else
        chn->priority = priority;    /* from the next time it is queued */
    spin_unlock_irqrestore(&d->ev.lock, flags);
    return rc;
}

void evtchn_fifo_destroy(struct domain *d, struct evtchn_fifo *f)
{
    for (unsigned int i = 0; i < d->max_vcpus; i++)
        page_unhold(f->vcpu[i].block);
    for (unsigned int i = 0; i < f->nr_words / WORDS_PER_PAGE; i++)
        page_unhold(f->array[i]);
    kfree(f);
}
