/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The daemon's own access to the store: as domain 0, without a wire. */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "store/private.h"
#include "util/cleanup.h"

struct store_tx {
    struct store *s;
    struct txn *t;
    int rc;                         /* the first failure */
};

/* A watch of the daemon itself, behind a struct watch of the local conn. */
struct store_watch {
    struct store *s;
    struct watch *w;
    store_watch_fn *fn;
    void *ctx;
};

struct local_event {
    struct list link;
    struct hash_node waiting;
    struct store_watch *w;
    char path[];
};

struct store_miss {
    struct list link;
    unsigned int domid;
    void (*fn)(void *ctx);
    void *ctx;
    char path[];
};

static uint32_t event_hash(const struct store_watch *w, const char *path)
{
    return hash_str(path) ^ hash_u64((uintptr_t)w);
}

void local_event(struct store *s, struct watch *w, const char *path)
{
    uint32_t h = event_hash(w->data, path);
    struct local_event *e;

    hash_for_each_match(e, &s->local_waiting, h, waiting)
        if (e->w == w->data && streq(e->path, path))
            return;
    e = xmalloc(sizeof(*e) + strlen(path) + 1);
    e->w = w->data;
    strcpy(e->path, path);
    list_add_tail(&s->local_events, &e->link);
    hash_add(&s->local_waiting, &e->waiting, h);
    store_wake(s);
}

static void event_free(struct store *s, struct local_event *e)
{
    list_del(&e->link);
    hash_del(&s->local_waiting, &e->waiting);
    free(e);
}

/* Tell the daemon's own watches what waits now; what comes, next turn. */
void local_run(struct store *s)
{
    unsigned int nr = s->local_waiting.count;
    struct local_event *e;

    while (nr-- && (e = list_first(&s->local_events, struct local_event,
                                   link))) {
        _cleanup_free_ char *path = xstrdup(e->path);
        struct store_watch *w = e->w;

        event_free(s, e);
        w->fn(w->ctx, path);
    }
}

void local_init(struct store *s)
{
    hash_init(&s->local_waiting);
    list_init(&s->local_events);
    list_init(&s->misses);
    s->local = conn_new(s, CONN_LOCAL, 0);
}

void local_fini(struct store *s)
{
    struct local_event *e, *next;
    struct watch *w;

    list_for_each_safe(e, next, &s->local_events, link)
        event_free(s, e);
    list_for_each(w, &s->local->watches, by_owner)
        free(w->data);
    hash_fini(&s->local_waiting);
}

struct store_tx *store_begin(struct store *s)
{
    struct store_tx *tx = xcalloc(1, sizeof(*tx));

    tx->s = s;
    access_txn_begin(s->local, &tx->t);     /* domain 0 has no quota */
    return tx;
}

int store_commit(struct store_tx *tx)
{
    struct store *s = tx->s;
    int rc = tx->rc;

    if (rc)
        access_txn_end(s->local, tx->t);
    else
        rc = access_txn_commit(s->local, tx->t);
    free(tx);
    store_settle(s);
    return rc;
}

void store_abort(struct store_tx *tx)
{
    if (!tx)
        return;
    access_txn_end(tx->s->local, tx->t);
    free(tx);
}

/* An argument made absolute in to, with the transaction it belongs to. */
static int enter(struct store_tx *tx, const char *path, char *to,
                 struct txn **ret_t)
{
    *ret_t = tx ? tx->t : NULL;
    return wire_path(path, 0, false, to);
}

/* The end of a change: remembered for the commit, or shown at once. */
static int leave(struct store *s, struct store_tx *tx, int rc)
{
    if (tx)
        tx->rc = tx->rc ? tx->rc : rc;
    else
        store_settle(s);
    return rc;
}

static const struct node *find(struct store *s, struct store_tx *tx,
                               const char *path, unsigned int touch)
{
    char full[XENSTORE_ABS_PATH_MAX + 1];
    const struct node *n = NULL;
    struct txn *t;
    int rc = enter(tx, path, full, &t);

    if (!rc)
        rc = access_find(s->local, t, full, ACCESS_READ, touch, &n);
    errno = -rc;
    return rc ? NULL : n;
}

char *store_read(struct store *s, struct store_tx *tx, const char *path,
                 size_t *ret_len)
{
    const struct node *n = find(s, tx, path, TOUCH_READ);
    char *data;

    if (!n)
        return NULL;
    data = xmalloc(n->value->len + 1);
    memcpy(data, n->value->data, n->value->len + 1);
    if (ret_len)
        *ret_len = n->value->len;
    return data;
}

char *store_readf(struct store *s, struct store_tx *tx, const char *fmt, ...)
{
    char path[XENSTORE_ABS_PATH_MAX + 2];
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(path, sizeof(path), fmt, ap);
    va_end(ap);
    return store_read(s, tx, path, NULL);
}

int store_write_bytes(struct store *s, struct store_tx *tx, const char *path,
                      const void *value, size_t len)
{
    char full[XENSTORE_ABS_PATH_MAX + 1];
    struct txn *t;
    int rc = enter(tx, path, full, &t);

    if (!rc && len > XENSTORE_PAYLOAD_MAX)
        rc = -E2BIG;
    if (!rc)
        rc = access_write(s->local, t, full, value, len);
    return leave(s, tx, rc);
}

int store_write(struct store *s, struct store_tx *tx, const char *path,
                const char *value)
{
    return store_write_bytes(s, tx, path, value, strlen(value));
}

int store_writef(struct store *s, struct store_tx *tx, const char *value,
                 const char *fmt, ...)
{
    char path[XENSTORE_ABS_PATH_MAX + 2];
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(path, sizeof(path), fmt, ap);
    va_end(ap);
    return store_write(s, tx, path, value);
}

int store_mkdir(struct store *s, struct store_tx *tx, const char *path)
{
    char full[XENSTORE_ABS_PATH_MAX + 1];
    struct txn *t;
    int rc = enter(tx, path, full, &t);

    if (!rc)
        rc = access_mkdir(s->local, t, full);
    return leave(s, tx, rc);
}

int store_rm(struct store *s, struct store_tx *tx, const char *path)
{
    char full[XENSTORE_ABS_PATH_MAX + 1];
    struct txn *t;
    int rc = enter(tx, path, full, &t);

    if (!rc)
        rc = access_rm(s->local, t, full);
    return leave(s, tx, rc);
}

char *store_list(struct store *s, struct store_tx *tx, const char *path)
{
    const struct node *n = find(s, tx, path, TOUCH_READ | TOUCH_LIST);
    char *names;
    size_t len;

    if (!n)
        return NULL;
    len = tree_list(n, NULL);
    names = xcalloc(1, len + 2);
    tree_list(n, names);
    return names;
}

static int parse_perms(const char *text, struct perm *p, unsigned int max)
{
    _cleanup_free_ char *copy = xstrdup(text);
    char *word, *rest = copy;
    unsigned int nr = 0;

    while ((word = strsep(&rest, ",")))
        if (nr == max || wire_parse_perm(word, &p[nr++]))
            return -EINVAL;
    return nr;
}

int store_set_perms(struct store *s, struct store_tx *tx, const char *path,
                    const char *perms)
{
    char full[XENSTORE_ABS_PATH_MAX + 1];
    struct perm p[WIRE_PERMS_MAX];
    struct txn *t;
    int nr = parse_perms(perms, p, WIRE_PERMS_MAX);
    int rc = nr < 0 ? nr : enter(tx, path, full, &t);

    if (!rc)
        rc = access_set_perms(s->local, t, full, p, nr);
    return leave(s, tx, rc);
}

struct store_watch *store_watch(struct store *s, const char *path,
                                store_watch_fn *fn, void *ctx)
{
    char full[XENSTORE_ABS_PATH_MAX + 1], token[24];
    struct store_watch *w;

    if (wire_path(path, 0, true, full)) {
        errno = EINVAL;
        return NULL;
    }
    snprintf(token, sizeof(token), "%llu",
             (unsigned long long)++s->last_token);
    access_watch(s->local, full, token, false);
    w = xcalloc(1, sizeof(*w));
    w->s = s;
    w->fn = fn;
    w->ctx = ctx;
    w->w = access_find_watch(s->local, full, token);
    w->w->data = w;
    local_event(s, w->w, full);
    return w;
}

void store_unwatch(struct store_watch *w)
{
    struct local_event *e, *next;

    if (!w)
        return;
    list_for_each_safe(e, next, &w->s->local_events, link)
        if (e->w == w)
            event_free(w->s, e);
    watch_del(&w->s->watches, w->w);
    w->s->local->nr_watches--;
    free(w);
}

struct store_miss *store_on_miss(struct store *s, unsigned int domid,
                                 const char *path, void (*fn)(void *ctx),
                                 void *ctx)
{
    struct store_miss *m = xcalloc(1, sizeof(*m) + strlen(path) + 1);

    m->domid = domid;
    m->fn = fn;
    m->ctx = ctx;
    strcpy(m->path, path);
    list_add_tail(&s->misses, &m->link);
    return m;
}

void store_off_miss(struct store_miss *m)
{
    if (m)
        list_del(&m->link);
    free(m);
}

void local_missed(struct store *s, unsigned int domid, const char *path)
{
    struct store_miss *m, *tmp;

    list_for_each_safe(m, tmp, &s->misses, link)
        if (m->domid == domid && streq(m->path, path))
            m->fn(m->ctx);
}
