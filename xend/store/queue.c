/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What all connections share: the object, and its queue of output.
 *
 * A guest that does not read its replies has no more requests executed; events
 * that do not fit into its quota are dropped, and identical ones that it has
 * not read are one.  So what a guest can make us keep is bounded.
 */
#include <string.h>

#include "store/private.h"
#include "util/cleanup.h"
#include "util/log.h"

#define OUT_MAX (256u << 10)        /* replies that wait for domain 0 */
#define COMPLAIN_US (60u * 1000 * 1000)

struct conn *conn_new(struct store *s, enum conn_kind kind,
                      unsigned int domid)
{
    struct conn *c = xcalloc(1, sizeof(*c));

    c->s = s;
    c->kind = kind;
    c->domid = domid;
    c->fd = -1;
    list_init(&c->dirty);
    list_init(&c->run);
    list_init(&c->out);
    list_init(&c->watches);
    list_init(&c->txns);
    hash_init(&c->events);
    list_add_tail(&s->conns, &c->link);
    if (kind == CONN_RING)
        hash_add(&s->domains, &c->by_domid, hash_u64(domid));
    return c;
}

struct conn *conn_of_domain(struct store *s, unsigned int domid)
{
    struct conn *c;

    hash_for_each_match(c, &s->domains, hash_u64(domid), by_domid)
        if (c->domid == domid)
            return c;
    return NULL;
}

void conn_clear(struct conn *c)
{
    struct watch *w, *next_w;
    struct txn *t, *next_t;

    list_for_each_safe(w, next_w, &c->watches, by_owner)
        access_unwatch(c, watch_path(w), w->token);
    list_for_each_safe(t, next_t, &c->txns, link)
        access_txn_end(c, t);
}

static void pop(struct conn *c)
{
    struct msg *m = list_first(&c->out, struct msg, link);

    list_del(&m->link);
    c->out_bytes -= m->len;
    if (m->event) {
        hash_del(&c->events, &m->by_event);
        c->event_bytes -= m->len;
    } else {
        c->replies--;
    }
    free(m);
}

void conn_drop_io(struct conn *c)
{
    while (!list_empty(&c->out))
        pop(c);
    c->out_sent = 0;
    buf_fini(&c->in);
    c->in_recorded = 0;
}

void conn_free(struct conn *c)
{
    struct watch *w, *next_w;
    struct txn *t, *next_t;

    list_for_each_safe(w, next_w, &c->watches, by_owner)
        watch_del(&c->s->watches, w);
    list_for_each_safe(t, next_t, &c->txns, link)
        txn_free(t);
    conn_drop_io(c);
    ring_detach(c);
    sd_event_source_disable_unref(c->io);
    closep(&c->fd);
    if (c->kind == CONN_RING)
        hash_del(&c->s->domains, &c->by_domid);
    hash_fini(&c->events);
    list_del(&c->link);
    list_del(&c->dirty);
    list_del(&c->run);
    free(c);
}

void conn_complain(struct conn *c, enum complaint what)
{
    static const char *const text[COMPLAIN_NR] = {
        [COMPLAIN_NODES] = "quota of nodes",
        [COMPLAIN_WATCHES] = "quota of watches",
        [COMPLAIN_VALUE] = "quota of bytes in a value",
        [COMPLAIN_TRANSACTIONS] = "quota of open transactions",
        [COMPLAIN_TX_NODES] = "quota of nodes in a transaction",
        [COMPLAIN_PERMS] = "quota of permissions",
        [COMPLAIN_OUTSTANDING] = "quota of unread replies",
        [COMPLAIN_EVENTS] = "quota of unread watch events",
        [COMPLAIN_PROTOCOL] = "protocol broken, connection ended",
    };
    uint64_t now = store_now(c->s);
    char path[WIRE_HOME_MAX + 8];
    const struct node *n;

    if (c->complained[what] && now - c->complained[what] < COMPLAIN_US)
        return;
    c->complained[what] = now;
    strcpy(path + wire_home(c->domid, path), "/name");
    n = tree_find(&c->s->live, path);
    log_warn("xenstore: domain %u (%.64s): %s%s", c->domid,
             n ? n->value->data : "no name", text[what],
             what == COMPLAIN_PROTOCOL ? "" : " exceeded");
}

void conn_mark_dirty(struct conn *c)
{
    if (list_empty(&c->dirty))
        list_add_tail(&c->s->dirty, &c->dirty);
}

/* What makes two events the same: all after the header. */
static uint32_t event_hash(const char *data, size_t len)
{
    size_t skip = sizeof(struct xsd_sockmsg);

    return len > skip ? hash_bytes(data + skip, len - skip) : 0;
}

void conn_queue(struct conn *c, const void *data, size_t len, bool event)
{
    struct msg *m;

    if (c->broken)
        return;
    m = xmalloc(sizeof(*m) + len);
    m->event = event;
    m->len = len;
    memcpy(m->data, data, len);
    list_add_tail(&c->out, &m->link);
    c->out_bytes += len;
    if (event) {
        c->event_bytes += len;
        hash_add(&c->events, &m->by_event, event_hash(data, len));
    } else {
        c->replies++;
    }
    if (conn_recorded(c))
        state_record(c->s, &(struct record){ .type = REC_OUT,
                                             .domid = c->domid,
                                             .arg = { event, 0 },
                                             .part = { { data, len } } });
    conn_mark_dirty(c);
}

/* Has the reader certainly not read what is queued?  After a restart, some of
 * it may be delivered already, until the ring tells. */
static bool unread(const struct conn *c)
{
    return c->kind != CONN_RING || c->ring;
}

void conn_event(struct conn *c, struct watch *w, const char *path)
{
    size_t path_len = strlen(path) + 1, token_len = strlen(w->token) + 1;
    struct xsd_sockmsg hdr = { .type = XS_WATCH_EVENT };
    char data[sizeof(hdr) + XENSTORE_PAYLOAD_MAX];
    size_t len = sizeof(hdr) + path_len + token_len;
    struct msg *m;

    if (c->kind == CONN_LOCAL) {
        local_event(c->s, w, path);
        return;
    }
    if (c->broken || len > sizeof(data))
        return;
    hdr.len = path_len + token_len;
    memcpy(data, &hdr, sizeof(hdr));
    memcpy(data + sizeof(hdr), path, path_len);
    memcpy(data + sizeof(hdr) + path_len, w->token, token_len);
    hash_for_each_match(m, &c->events, event_hash(data, len), by_event)
        if (m->len == len && !memcmp(m->data, data, len) && unread(c))
            return;                     /* the reader will see this change */
    if (c->domid && c->event_bytes + len > c->s->params.quota.event_bytes) {
        conn_complain(c, COMPLAIN_EVENTS);
        return;
    }
    conn_queue(c, data, len, true);
}

void conn_sent(struct conn *c, size_t n)
{
    struct msg *m;

    c->out_sent += n;
    while ((m = list_first(&c->out, struct msg, link)) &&
           c->out_sent >= m->len) {
        c->out_sent -= m->len;
        pop(c);
    }
}

bool conn_ready(struct conn *c)
{
    if (c->domid == 0)
        return c->out_bytes - c->event_bytes < OUT_MAX;
    if (c->replies < c->s->params.quota.outstanding)
        return true;
    conn_complain(c, COMPLAIN_OUTSTANDING);
    return false;
}
