/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Connections by ring: those of guests and of dom0's kernel.
 *
 * Nothing that a guest writes into its ring page is believed: each index is
 * fetched once and bounded, our own indices are kept here and only copied
 * there.
 */
#include <errno.h>
#include <string.h>
#include <sys/mman.h>

#include "store/private.h"
#include "util/cleanup.h"
#include "util/log.h"
#include "xc.h"

#define RUN_BUDGET 32               /* requests of one connection in a turn */

static void reset_io(struct conn *c, uint32_t req_cons, uint32_t rsp_prod)
{
    conn_drop_io(c);
    c->req_cons = req_cons;
    c->rsp_prod = rsp_prod;
    state_record(c->s, &(struct record){ .type = REC_RESET,
                                         .domid = c->domid,
                                         .arg = { req_cons, rsp_prod } });
}

/* Stop serving a ring that cannot be trusted to make sense any more. */
static void ring_break(struct conn *c, uint32_t error)
{
    conn_complain(c, COMPLAIN_PROTOCOL);
    conn_clear(c);
    reset_io(c, c->req_cons, c->rsp_prod);
    c->broken = true;
    __atomic_store_n(&c->ring->error, error, __ATOMIC_RELEASE);
}

/* The guest asks for a ring at its beginning, as after a new kernel's start. */
static void ring_reconnect(struct conn *c)
{
    struct xenstore_domain_interface *ring = c->ring;

    conn_clear(c);
    reset_io(c, 0, 0);
    c->broken = false;
    c->reconnecting = true;
    ring->req_cons = ring->req_prod = ring->rsp_cons = ring->rsp_prod = 0;
    ring->error = XENSTORE_ERROR_NONE;
    conn_mark_dirty(c);
}

/* Take up to want bytes that the guest offers.  False: none, or broken. */
static bool ring_read(struct conn *c, size_t want)
{
    struct xenstore_domain_interface *ring = c->ring;
    uint32_t prod = __atomic_load_n(&ring->req_prod, __ATOMIC_ACQUIRE);
    uint32_t avail = prod - c->req_cons;

    if (avail > XENSTORE_RING_SIZE) {
        ring_break(c, XENSTORE_ERROR_RINGIDX);
        return false;
    }
    if (want > avail)
        want = avail;
    for (size_t left = want; left; ) {
        uint32_t at = MASK_XENSTORE_IDX(c->req_cons);
        size_t n = XENSTORE_RING_SIZE - at;

        n = n < left ? n : left;
        buf_add(&c->in, ring->req + at, n);
        c->req_cons += n;
        left -= n;
    }
    return want > 0;
}

/* Bytes still missing to the header, or to the end, of the request. */
static size_t wanted(const struct conn *c)
{
    struct xsd_sockmsg hdr;

    if (c->in.len < sizeof(hdr))
        return sizeof(hdr) - c->in.len;
    memcpy(&hdr, c->in.data, sizeof(hdr));
    return sizeof(hdr) + hdr.len - c->in.len;
}

/* Execute one request of a ring.  False: there is no whole one. */
static bool ring_request(struct conn *c)
{
    int size;

    do {
        if (!ring_read(c, wanted(c)))
            return false;
        conn_mark_dirty(c);
        size = wire_size(c->in.data, c->in.len);
        if (size < 0) {
            ring_break(c, XENSTORE_ERROR_PROTO);
            return false;
        }
    } while (!size);
    op_execute(c, c->in.data);
    buf_consume(&c->in, size);
    c->in_recorded = 0;
    state_record(c->s, &(struct record){ .type = REC_REQUEST,
                                         .domid = c->domid,
                                         .arg = { c->req_cons, 0 } });
    return true;
}

static void ring_run(struct conn *c)
{
    unsigned int budget = RUN_BUDGET;

    if (__atomic_load_n(&c->ring->connection, __ATOMIC_ACQUIRE) ==
        XENSTORE_RECONNECT)
        ring_reconnect(c);
    while (!c->broken && budget) {
        c->stalled = !conn_ready(c);
        if (c->stalled || !ring_request(c))
            break;
        budget--;
    }
    if (c->in.len > c->in_recorded) {
        state_record(c->s, &(struct record){
            .type = REC_IN, .domid = c->domid, .arg = { c->req_cons, 0 },
            .part = { { c->in.data + c->in_recorded,
                        c->in.len - c->in_recorded } } });
        c->in_recorded = c->in.len;
    }
    if (!budget && list_empty(&c->run))
        list_add_tail(&c->s->runnable, &c->run);
}

static void socket_run(struct conn *c)
{
    unsigned int budget = RUN_BUDGET;
    int size = 0;

    while (!c->broken && budget) {
        c->stalled = !conn_ready(c);
        size = c->stalled ? 0 : wire_size(c->in.data, c->in.len);
        if (size <= 0)
            break;
        op_execute(c, c->in.data);
        buf_consume(&c->in, size);
        budget--;
    }
    if (size < 0) {
        c->broken = true;
        conn_mark_dirty(c);
    }
    if (!budget && list_empty(&c->run))
        list_add_tail(&c->s->runnable, &c->run);
}

void conn_run(struct conn *c)
{
    list_del(&c->run);
    if (c->kind == CONN_SOCKET)
        socket_run(c);
    else if (c->ring)
        ring_run(c);
    if (!list_empty(&c->run))
        store_wake(c->s);
}

/* Copy output into the ring as far as there is room. */
static void ring_write(struct conn *c, uint32_t room)
{
    struct msg *m;

    while (room && (m = list_first(&c->out, struct msg, link))) {
        uint32_t at = MASK_XENSTORE_IDX(c->rsp_prod);
        uint32_t n = XENSTORE_RING_SIZE - at;

        n = n < room ? n : room;
        n = n < m->len - c->out_sent ? n : m->len - c->out_sent;
        memcpy(c->ring->rsp + at, m->data + c->out_sent, n);
        conn_sent(c, n);
        c->rsp_prod += n;
        room -= n;
    }
}

/*
 * Show where we are, then look once more: a guest notifies us only if it finds
 * that we have seen all it sent, or that its ring of replies is full.  What it
 * did while our indices were still old it did in silence.
 */
static void ring_flush(struct conn *c)
{
    struct xenstore_domain_interface *ring = c->ring;
    uint32_t cons = __atomic_load_n(&ring->rsp_cons, __ATOMIC_ACQUIRE), seen;

    do {
        seen = cons;
        if (!c->broken && c->rsp_prod - cons > XENSTORE_RING_SIZE)
            ring_break(c, XENSTORE_ERROR_RINGIDX);
        if (!c->broken)
            ring_write(c, XENSTORE_RING_SIZE - (c->rsp_prod - cons));
        __atomic_store_n(&ring->rsp_prod, c->rsp_prod, __ATOMIC_RELEASE);
        __atomic_store_n(&ring->req_cons, c->req_cons, __ATOMIC_RELEASE);
        __atomic_thread_fence(__ATOMIC_SEQ_CST);
        cons = __atomic_load_n(&ring->rsp_cons, __ATOMIC_ACQUIRE);
    } while (cons != seen && !list_empty(&c->out));
    /* On record, and after the indices: until then the request stands. */
    if (c->reconnecting)
        __atomic_store_n(&ring->connection, XENSTORE_CONNECTED,
                         __ATOMIC_RELEASE);
    c->reconnecting = false;
    xc_evtchn_notify(c->ev);
}

void conn_flush(struct conn *c)
{
    list_del(&c->dirty);
    if (c->kind == CONN_SOCKET) {
        socket_flush(c);
        return;
    }
    if (!c->ring)
        return;
    ring_flush(c);
    /* Linux reads our index before others see its own, so it may say nothing
     * though we have looked.  It is seen in the next turn. */
    if (!c->broken && list_empty(&c->run)) {
        list_add_tail(&c->s->runnable, &c->run);
        store_wake(c->s);
    }
}

static int on_event(sd_event_source *source, int fd, uint32_t revents,
                    void *ctx)
{
    struct conn *c = ctx;
    struct store *s = c->s;

    (void)source;
    (void)fd;
    (void)revents;
    if (!xc_evtchn_pending(c->ev))
        return 0;
    xc_evtchn_unmask(c->ev);
    conn_run(c);
    if (!list_empty(&c->out))
        conn_mark_dirty(c);             /* there may be room now */
    store_settle(s);
    return 0;
}

/* By its frame: a mapping by grant would cost dom0 a page of its own, and the
 * first one, when its kernel has none to spare, seconds. */
static int ring_map(struct conn *c)
{
    struct store *s = c->s;
    void *page;
    int rc;

    if (c->domid == 0)
        return xc_store_dom0_map(s->params.xc, &c->ring, &c->port);
    rc = xc_foreign_map(s->params.xc, c->domid, PROT_READ | PROT_WRITE,
                        &c->mfn, 1, &page);
    if (!rc)
        c->ring = page;
    return rc;
}

static void ring_unmap(struct conn *c)
{
    if (c->domid == 0)
        xc_store_dom0_unmap(c->s->params.xc, c->ring);
    else
        xc_foreign_unmap(c->s->params.xc, c->ring, 1);
    c->ring = NULL;
}

void ring_detach(struct conn *c)
{
    if (!c->ring)
        return;
    c->io = sd_event_source_disable_unref(c->io);
    xc_evtchn_destroy(c->ev);
    c->ev = NULL;
    ring_unmap(c);
}

/* Go on where the daemon before this one stopped (journal.c). */
static void ring_resume(struct conn *c)
{
    uint32_t rsp_prod = c->ring->rsp_prod, req_cons = c->ring->req_cons;
    uint32_t delivered = rsp_prod - c->rsp_prod;

    if (delivered <= c->out_bytes &&
        c->req_cons - req_cons <= XENSTORE_RING_SIZE) {
        conn_sent(c, delivered);
        c->rsp_prod = rsp_prod;
        return;
    }
    log_warn("xenstore: domain %u: the ring is not where it was left; "
             "what was under way is lost", c->domid);
    reset_io(c, req_cons, rsp_prod);
}

int ring_attach(struct conn *c, bool fresh)
{
    struct store *s = c->s;
    int rc;

    if (!s->params.xc)
        return -ENODEV;
    rc = ring_map(c);
    if (rc)
        return rc;
    rc = xc_evtchn_bind_interdomain(s->params.xc, c->domid, c->port, &c->ev);
    if (!rc)
        rc = sd_event_add_io(s->params.loop, &c->io, xc_evtchn_fd(c->ev),
                             EPOLLIN, on_event, c);
    if (rc < 0) {
        ring_detach(c);
        return rc;
    }
    if (fresh) {
        c->req_cons = c->ring->req_cons;
        c->rsp_prod = c->ring->rsp_prod;
    } else {
        ring_resume(c);
    }
    c->ring->server_features = XENSTORE_SERVER_FEATURE_RECONNECTION |
                               XENSTORE_SERVER_FEATURE_ERROR;
    /* A notification may have been lost, theirs or ours. */
    conn_mark_dirty(c);
    list_del(&c->run);
    list_add_tail(&c->s->runnable, &c->run);
    store_wake(c->s);
    return 0;
}

int conn_introduce(struct store *s, unsigned int domid, uint64_t mfn,
                   unsigned int port)
{
    struct conn *c = conn_of_domain(s, domid);
    int rc;

    if (c) {
        conn_free(c);
        state_record(s, &(struct record){ .type = REC_GONE, .domid = domid });
    }
    c = conn_new(s, CONN_RING, domid);
    c->mfn = mfn;
    c->port = port;
    rc = ring_attach(c, true);
    if (rc) {
        conn_free(c);
        return rc;
    }
    state_record_conn(c);
    access_fire_special(s, "@introduceDomain");
    return 0;
}

int conn_release(struct store *s, unsigned int domid)
{
    struct conn *c = conn_of_domain(s, domid);

    if (!c)
        return -ENOENT;
    conn_free(c);
    state_record(s, &(struct record){ .type = REC_GONE, .domid = domid });
    access_fire_special(s, "@releaseDomain");
    return 0;
}
