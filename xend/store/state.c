/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the journal's records mean: applied at start, written as things change,
 * and written as a whole when the journal is made anew.
 */
#include <errno.h>
#include <string.h>

#include "store/private.h"
#include "util/cleanup.h"
#include "util/log.h"

#define REWRITE_NODES 512           /* in one slice */
#define REWRITE_MIN (1u << 20)      /* bytes; below it is not worth while */

/* What does not fit into the arguments of REC_CONN. */
struct conn_state {
    uint64_t mfn;
    uint32_t rsp_pos;               /* where the first byte of output goes */
    uint32_t last_txn;
};

static struct txn *find_txn(struct conn *c, uint32_t id)
{
    struct txn *t;

    list_for_each(t, &c->txns, link)
        if (t->id == id)
            return t;
    return NULL;
}

/* Rights of a node are mostly those of the one above: share them. */
static struct perms *perms_of(const struct tree *t, const char *path,
                              const struct record_part *part)
{
    size_t len;
    struct perms *above = tree_nearest(t, path, &len)->perms;

    if (above->count * sizeof(above->p[0]) == part->len &&
        !memcmp(above->p, part->p, part->len))
        return perms_get(above);
    return perms_new(part->p, part->len / sizeof(struct perm));
}

static int apply_set(struct store *s, struct txn *t, const struct record *r)
{
    struct tree *tree = t ? &t->tree : &s->live;
    const char *path = record_string(r, 0);
    struct value *value;
    struct perms *perms;
    int rc;

    if (!path || r->part[2].len < sizeof(struct perm))
        return -EIO;
    value = value_new(r->part[1].p, r->part[1].len);
    perms = perms_of(tree, path, &r->part[2]);
    rc = t ? txn_set(t, path, value, perms) :
        tree_set(tree, path, value, perms);
    value_put(value);
    perms_put(perms);
    return t ? 0 : rc;              /* a doomed one may lack the parent */
}

static int apply_conn(struct store *s, const struct record *r)
{
    struct conn_state state;
    struct conn *c;

    if (r->part[0].len != sizeof(state) || conn_of_domain(s, r->domid))
        return -EIO;
    memcpy(&state, r->part[0].p, sizeof(state));
    c = conn_new(s, CONN_RING, r->domid);
    c->port = r->arg[0];
    c->req_cons = r->arg[1];
    c->mfn = state.mfn;
    c->rsp_prod = state.rsp_pos;
    c->last_txn = state.last_txn;
    return 0;
}

static int apply_watch(struct conn *c, const struct record *r)
{
    const char *path = record_string(r, 0), *token = record_string(r, 1);
    struct watch *w;

    if (!path || !token)
        return -EIO;
    if (r->type == REC_UNWATCH)
        return access_unwatch(c, path, token);
    w = watch_add(&c->s->watches, path, token, r->arg[0], c);
    list_add_tail(&c->watches, &w->by_owner);
    c->nr_watches++;
    return 0;
}

static int apply_txn(struct conn *c, const struct record *r)
{
    struct txn *t = find_txn(c, r->arg[0]);
    const char *path;

    if ((r->type == REC_TXN) != !t)
        return -EIO;
    switch (r->type) {
    case REC_TXN:
        t = txn_new(&c->s->live, c->domid, r->arg[0]);
        t->strict = true;
        t->doomed = r->arg[1];
        list_add_tail(&c->txns, &t->link);
        c->nr_txns++;
        c->last_txn = t->id;
        return 0;
    case REC_TXN_SET:
        return apply_set(c->s, t, r);
    case REC_TXN_RM:
        path = record_string(r, 0);
        if (path)
            txn_rm(t, path);
        return path ? 0 : -EIO;
    default:
        access_txn_end(c, t);
        return 0;
    }
}

/* Input and output of a ring. */
static void apply_io(struct conn *c, const struct record *r)
{
    if (r->type == REC_OUT) {
        conn_queue(c, r->part[0].p, r->part[0].len, r->arg[0]);
        return;
    }
    c->req_cons = r->arg[0];
    if (r->type == REC_IN)
        buf_add(&c->in, r->part[0].p, r->part[0].len);
    else if (r->type == REC_REQUEST)
        buf_consume(&c->in, c->in.len);
    else {
        conn_drop_io(c);
        c->rsp_prod = r->arg[1];
    }
    c->in_recorded = c->in.len;
}

/*
 * Apply one record:        domid?  arguments           parts
 *   START                          epoch
 *   SET, TXN_SET           .       (transaction)       path, value, rights
 *   RM, TXN_RM             .       (transaction)       path
 *   CONN                   yes     port, req_cons      struct conn_state
 *   GONE                   yes
 *   RESET                  yes     req_cons, rsp_prod
 *   IN                     yes     req_cons            bytes taken
 *   REQUEST                yes     req_cons
 *   OUT                    yes     is it an event?     message
 *   WATCH, UNWATCH         yes     bytes to leave out  path, token
 *   TXN                    yes     id, is it doomed?
 *   TXN_END                yes     id
 */
static int apply(struct store *s, const struct record *r)
{
    struct conn *c;
    const char *path;

    switch (r->type) {
    case REC_START:
        s->epoch = r->arg[0] + 1;
        s->live.gen = (uint64_t)s->epoch << 40;
        return 0;
    case REC_SET:
        return apply_set(s, NULL, r);
    case REC_RM:
        path = record_string(r, 0);
        return path ? tree_rm(&s->live, path) : -EIO;
    case REC_CONN:
        return apply_conn(s, r);
    default:
        break;
    }
    c = conn_of_domain(s, r->domid);
    if (!c)
        return -EIO;
    switch (r->type) {
    case REC_GONE:
        conn_free(c);
        return 0;
    case REC_WATCH:
    case REC_UNWATCH:
        return apply_watch(c, r);
    case REC_TXN:
    case REC_TXN_SET:
    case REC_TXN_RM:
    case REC_TXN_END:
        return apply_txn(c, r);
    case REC_IN:
    case REC_OUT:
    case REC_REQUEST:
    case REC_RESET:
        apply_io(c, r);
        return 0;
    default:
        return -EIO;
    }
}

/* One record that makes no sense must not keep the daemon from its guests. */
static int state_apply(void *ctx, const struct record *r)
{
    int rc = apply(ctx, r);

    if (rc)
        log_err("xenstore: journal record %u of domain %u skipped: %s",
                r->type, r->domid, strerror(-rc));
    return 0;
}

int state_load(struct store *s)
{
    size_t torn;
    int rc;

    s->epoch = 1;
    s->replaying = true;
    rc = journal_replay(&s->journal, state_apply, s, &torn);
    s->replaying = false;
    if (rc)
        return rc;
    if (torn)
        log_info("xenstore: dropped %zu bytes that were being written when "
                 "the daemon ended", torn);
    return 0;
}

void state_record(struct store *s, const struct record *r)
{
    if (!s->replaying)
        journal_add(&s->journal, r);
}

/* The record of a change, for the group or for a journal made anew. */
static struct record set_record(const struct conn *c, const struct txn *t,
                                const char *path, const struct value *value,
                                const struct perms *perms)
{
    return (struct record){
        .type = t ? REC_TXN_SET : REC_SET,
        .domid = c ? c->domid : 0,
        .arg = { t ? t->id : 0, 0 },
        .part = { { path, strlen(path) + 1 }, { value->data, value->len },
                  { perms->p, perms->count * sizeof(perms->p[0]) } },
    };
}

void state_record_set(struct store *s, const struct conn *c,
                      const struct txn *t, const char *path,
                      const struct value *value, const struct perms *perms)
{
    struct record r = set_record(c, t, path, value, perms);

    state_record(s, &r);
}

static struct record path_record(enum record_type type, const struct conn *c,
                                 const struct txn *t, const char *path)
{
    return (struct record){ .type = type, .domid = c ? c->domid : 0,
                            .arg = { t ? t->id : 0, 0 },
                            .part = { { path, strlen(path) + 1 } } };
}

void state_record_path(struct store *s, enum record_type type,
                       const struct conn *c, const struct txn *t,
                       const char *path)
{
    struct record r = path_record(type, c, t, path);

    state_record(s, &r);
}

static struct record conn_record(const struct conn *c,
                                 struct conn_state *state)
{
    memset(state, 0, sizeof(*state));
    state->mfn = c->mfn;
    state->rsp_pos = c->rsp_prod - c->out_sent;
    state->last_txn = c->last_txn;
    return (struct record){ .type = REC_CONN, .domid = c->domid,
                            .arg = { c->port, c->req_cons },
                            .part = { { state, sizeof(*state) } } };
}

void state_record_conn(struct conn *c)
{
    struct conn_state state;
    struct record r = conn_record(c, &state);

    state_record(c->s, &r);
}

struct dump {
    struct buf *b;
    const struct conn *c;
    const struct txn *t;
};

static void dump_rm(void *ctx, const char *path)
{
    struct dump *d = ctx;
    struct record r = path_record(REC_TXN_RM, d->c, d->t, path);

    record_put(d->b, &r);
}

static void dump_set(void *ctx, const char *path, struct value *value,
                     struct perms *perms)
{
    struct dump *d = ctx;
    struct record r = set_record(d->c, d->t, path, value, perms);

    record_put(d->b, &r);
}

/* Its tree is not kept, so what comes back sees the live one, and is doomed. */
static void dump_txn(struct buf *b, const struct conn *c, const struct txn *t)
{
    static const struct txn_sink sink = { dump_rm, dump_set };
    struct dump d = { b, c, t };

    record_put(b, &(struct record){ .type = REC_TXN, .domid = c->domid,
                                    .arg = { t->id, true } });
    txn_play(t, &sink, &d);
}

static void dump_conn(struct buf *b, const struct conn *c)
{
    struct conn_state state;
    struct record r = conn_record(c, &state);
    struct watch *w;
    struct msg *m;
    struct txn *t;

    record_put(b, &r);
    if (c->in.len)
        record_put(b, &(struct record){
            .type = REC_IN, .domid = c->domid, .arg = { c->req_cons, 0 },
            .part = { { c->in.data, c->in.len } } });
    list_for_each(m, &c->out, link)
        record_put(b, &(struct record){
            .type = REC_OUT, .domid = c->domid, .arg = { m->event, 0 },
            .part = { { m->data, m->len } } });
    list_for_each(w, &c->watches, by_owner)
        record_put(b, &(struct record){
            .type = REC_WATCH, .domid = c->domid, .arg = { w->relative, 0 },
            .part = { { watch_path(w), strlen(watch_path(w)) + 1 },
                      { w->token, strlen(w->token) + 1 } } });
    list_for_each(t, &c->txns, link)
        dump_txn(b, c, t);
}

/* A transaction that outlives two journals no longer keeps its old tree. */
static void age_txns(struct conn *c)
{
    struct txn *t;

    list_for_each(t, &c->txns, link)
        if (++t->age >= 2)
            txn_rebase(t, &c->s->live);
}

int state_rewrite_begin(struct store *s)
{
    _cleanup_(buf_fini) struct buf first = BUF_INIT;
    struct conn *c;
    int rc;

    rc = journal_rewrite_begin(&s->journal);
    if (rc)
        return rc;
    s->rewriting = true;
    tree_walk_init(&s->walk, &s->live);
    list_for_each(c, &s->conns, link) {
        age_txns(c);
        if (conn_recorded(c))
            dump_conn(&s->rewrite_conns, c);
    }
    record_put(&first, &(struct record){ .type = REC_START,
                                         .arg = { s->epoch, 0 } });
    rc = journal_rewrite_add(&s->journal, &first);
    if (rc)
        state_rewrite_abort(s);
    return rc;
}

void state_rewrite_abort(struct store *s)
{
    if (!s->rewriting)
        return;
    s->rewriting = false;
    tree_walk_fini(&s->walk);
    buf_fini(&s->rewrite_conns);
    journal_rewrite_abort(&s->journal);
}

static int rewrite_slice(struct store *s, bool *ret_end)
{
    _cleanup_(buf_fini) struct buf b = BUF_INIT;
    const struct node *n;
    const char *path;
    struct record r;
    int rc;

    for (int i = 0; i < REWRITE_NODES; i++) {
        n = tree_walk_next(&s->walk, &path);
        if (!n) {
            rc = journal_rewrite_add(&s->journal, &b);
            if (!rc)
                rc = journal_rewrite_add(&s->journal, &s->rewrite_conns);
            *ret_end = true;
            return rc ? rc : journal_rewrite_end(&s->journal);
        }
        r = set_record(NULL, NULL, path, n->value, n->perms);
        record_put(&b, &r);
    }
    *ret_end = false;
    return journal_rewrite_add(&s->journal, &b);
}

int state_rewrite_step(struct store *s)
{
    bool end = false;
    int rc = rewrite_slice(s, &end);

    if (!rc && !end)
        return 1;
    if (!rc) {
        s->compactions++;
        s->rewrite_at = s->journal.size * 4;
        if (s->rewrite_at < REWRITE_MIN)
            s->rewrite_at = REWRITE_MIN;
    }
    state_rewrite_abort(s);         /* what is left of it, after success */
    return rc;
}

int state_rewrite_now(struct store *s)
{
    int rc;

    state_rewrite_abort(s);
    rc = state_rewrite_begin(s);
    if (rc)
        return rc;
    while ((rc = state_rewrite_step(s)) > 0)
        ;
    return rc;
}
