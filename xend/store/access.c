/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <string.h>

#include "store/private.h"
#include "util/cleanup.h"

static struct tree *tree_of(struct conn *c, struct txn *t)
{
    return t ? &t->tree : &c->s->live;
}

static bool privileged(const struct conn *c)
{
    return c->domid == 0;
}

/* What a change is told with: who may see it depends on before and after. */
struct fire {
    struct store *s;
    const char *path;
    const struct perms *old_perms;      /* of the node that was there */
    const struct tree *old;             /* before a removal */
    unsigned int last_domid;            /* the last one asked about; 0: none */
    bool last_answer;
};

static bool readable(const struct tree *t, const char *path,
                     unsigned int domid)
{
    _cleanup_free_ char *above = xstrdup(path);
    const struct node *n = tree_find(t, path);
    char *slash = strrchr(above, '/');

    if (n && perms_access(n->perms, domid) & ACCESS_READ)
        return true;
    slash[slash == above] = 0;
    n = tree_find(t, above);
    return n && perms_access(n->perms, domid) & ACCESS_READ;
}

/* May domid see that the node at full has changed? */
static bool may_see(struct fire *f, const char *full, unsigned int domid)
{
    return (f->old_perms && perms_access(f->old_perms, domid) & ACCESS_READ) ||
           (f->old && readable(f->old, full, domid)) ||
           readable(&f->s->live, full, domid);
}

/* The same; a guest may have many watches that one change concerns. */
static bool may_see_cached(struct fire *f, const char *full,
                           unsigned int domid)
{
    if (*full == '@')
        return false;
    if (full != f->path)
        return may_see(f, full, domid);
    if (f->last_domid != domid) {
        f->last_domid = domid;
        f->last_answer = may_see(f, full, domid);
    }
    return f->last_answer;
}

static void fire_one(void *ctx, struct watch *w, const char *path)
{
    struct fire *f = ctx;
    struct conn *c = w->owner;
    const char *full = f->path;

    /* A watch below something removed is told of its own node, if it was. */
    if (f->old && strlen(watch_path(w)) > strlen(full)) {
        full = watch_path(w);
        if (!tree_find(f->old, full))
            return;
    }
    if (privileged(c) || may_see_cached(f, full, c->domid))
        conn_event(c, w, path);
}

static void fire(struct fire *f)
{
    if (!f->s->replaying)
        watches_match(&f->s->watches, f->path, f->old != NULL, fire_one, f);
}

void access_fire_special(struct store *s, const char *name)
{
    fire(&(struct fire){ .s = s, .path = name });
}

static int live_set(struct store *s, const char *path, struct value *value,
                    struct perms *perms)
{
    const struct node *n = tree_find(&s->live, path);
    struct perms *old = n ? perms_get(n->perms) : NULL;
    int rc = tree_set(&s->live, path, value, perms);

    if (!rc) {
        state_record_set(s, NULL, NULL, path, value, perms);
        fire(&(struct fire){ .s = s, .path = path, .old_perms = old });
    }
    perms_put(old);
    return rc;
}

static int live_rm(struct store *s, const char *path)
{
    struct tree old;
    int rc;

    tree_snapshot(&old, &s->live, NULL, NULL);
    rc = tree_rm(&s->live, path);
    if (!rc) {
        state_record_path(s, REC_RM, NULL, NULL, path);
        fire(&(struct fire){ .s = s, .path = path, .old = &old });
    }
    tree_fini(&old);
    return rc;
}

static int do_set(struct conn *c, struct txn *t, const char *path,
                  struct value *value, struct perms *perms)
{
    int rc;

    if (!t)
        return live_set(c->s, path, value, perms);
    rc = txn_set(t, path, value, perms);
    if (!rc && conn_recorded(c))
        state_record_set(c->s, c, t, path, value, perms);
    return rc;
}

/* Note a look or a change in the transaction, within its quota. */
static int touch(struct conn *c, struct txn *t, const char *path,
                 unsigned int flags)
{
    if (!t)
        return 0;
    if (!privileged(c) && t->count >= c->s->params.quota.tx_nodes) {
        conn_complain(c, COMPLAIN_TX_NODES);
        return -ENOSPC;
    }
    txn_touch(t, path, flags);
    return 0;
}

int access_find(struct conn *c, struct txn *t, const char *path,
                unsigned int need, unsigned int flags,
                const struct node **ret_node)
{
    const struct node *n;
    size_t len;
    int rc = touch(c, t, path, flags);

    if (rc)
        return rc;
    n = tree_nearest(tree_of(c, t), path, &len);
    if ((perms_access(n->perms, c->domid) & need) != need)
        return -EACCES;
    if (path[len])
        return -ENOENT;
    *ret_node = n;
    return 0;
}

/* Rights of a new node: those above, but a guest owns what it makes. */
static struct perms *inherit(const struct conn *c, struct perms *above)
{
    struct perms *perms;

    if (privileged(c) || above->p[0].domid == c->domid)
        return perms_get(above);
    perms = perms_new(above->p, above->count);
    perms->p[0].domid = c->domid;
    return perms;
}

static int quota_nodes(struct conn *c, struct txn *t, unsigned int more)
{
    struct store *s = c->s;

    if (privileged(c) ||
        (int)(s->owned[c->domid] + more) + (t ? t->owned : 0) <=
        (int)s->params.quota.nodes)
        return 0;
    conn_complain(c, COMPLAIN_NODES);
    return -ENOSPC;
}

/* Make path, of which the first len bytes exist, and all that is missing. */
static int create(struct conn *c, struct txn *t, const char *path, size_t len,
                  struct value *value, struct perms *above)
{
    _cleanup_free_ char *part = xstrndup(path, len);
    struct perms *perms = inherit(c, above);
    struct value *empty = value_new(NULL, 0);
    const char *end = path + len;
    unsigned int missing = 1;
    int rc;

    for (const char *p = end + 1; (p = strchr(p, '/')); p++)
        missing++;
    rc = quota_nodes(c, t, missing);
    if (!rc)
        rc = touch(c, t, part, TOUCH_READ);
    while (!rc && *end) {
        end = strchrnul(end + 1, '/');
        free(part);
        part = xstrndup(path, end - path);
        rc = touch(c, t, part, TOUCH_READ);
        if (!rc)
            rc = do_set(c, t, part, *end ? empty : value, perms);
    }
    value_put(empty);
    perms_put(perms);
    return rc;
}

/* Write value, or with mkdir leave a node that exists as it is. */
static int put(struct conn *c, struct txn *t, const char *path,
               struct value *value, bool mkdir)
{
    const struct node *n;
    struct perms *perms;
    size_t len;
    int rc;

    rc = touch(c, t, path, TOUCH_READ);
    if (rc)
        return rc;
    n = tree_nearest(tree_of(c, t), path, &len);
    if (!(perms_access(n->perms, c->domid) & ACCESS_WRITE))
        return -EACCES;
    if (!path[len] && mkdir)
        return 0;
    perms = perms_get(n->perms);
    rc = path[len] ? create(c, t, path, len, value, perms) :
        do_set(c, t, path, value, perms);
    perms_put(perms);
    return rc;
}

int access_write(struct conn *c, struct txn *t, const char *path,
                 const void *data, size_t len)
{
    struct value *value;
    int rc;

    if (!privileged(c) && len > c->s->params.quota.value) {
        conn_complain(c, COMPLAIN_VALUE);
        return -ENOSPC;
    }
    value = value_new(data, len);
    rc = put(c, t, path, value, false);
    value_put(value);
    return rc;
}

int access_mkdir(struct conn *c, struct txn *t, const char *path)
{
    struct value *value = value_new(NULL, 0);
    int rc = put(c, t, path, value, true);

    value_put(value);
    return rc;
}

int access_rm(struct conn *c, struct txn *t, const char *path)
{
    const struct node *n;
    size_t len;
    int rc;

    rc = access_find(c, t, path, ACCESS_WRITE, TOUCH_READ, &n);
    if (rc == -ENOENT) {
        /* What is not there is removed already, if it could be there. */
        tree_nearest(tree_of(c, t), path, &len);
        return strchr(path + len + 1, '/') ? -ENOENT : 0;
    }
    if (rc)
        return rc;
    if (!t)
        return live_rm(c->s, path);
    rc = txn_rm(t, path);
    if (!rc && conn_recorded(c))
        state_record_path(c->s, REC_TXN_RM, c, t, path);
    return rc;
}

int access_set_perms(struct conn *c, struct txn *t, const char *path,
                     const struct perm *p, unsigned int count)
{
    const struct node *n;
    struct perms *perms;
    struct value *value;
    int rc;

    if (!privileged(c) && count > c->s->params.quota.perms) {
        conn_complain(c, COMPLAIN_PERMS);
        return -ENOSPC;
    }
    rc = access_find(c, t, path, ACCESS_OWNER, TOUCH_READ, &n);
    if (rc)
        return rc;
    if (!privileged(c) && p[0].domid != c->domid)
        return -EPERM;
    perms = perms_new(p, count);
    value = value_get(n->value);
    rc = do_set(c, t, path, value, perms);
    value_put(value);
    perms_put(perms);
    return rc;
}

int access_txn_begin(struct conn *c, struct txn **ret_t)
{
    struct store *s = c->s;
    struct txn *t;

    if (!privileged(c) && c->nr_txns >= s->params.quota.transactions) {
        conn_complain(c, COMPLAIN_TRANSACTIONS);
        return -ENOSPC;
    }
 again:
    if (!++c->last_txn)                 /* 0 means none */
        c->last_txn = 1;
    list_for_each(t, &c->txns, link)
        if (t->id == c->last_txn)
            goto again;
    t = txn_new(&s->live, c->domid, c->last_txn);
    list_add_tail(&c->txns, &t->link);
    c->nr_txns++;
    if (conn_recorded(c))
        state_record(s, &(struct record){ .type = REC_TXN, .domid = c->domid,
                                          .arg = { t->id, 0 } });
    *ret_t = t;
    return 0;
}

void access_txn_end(struct conn *c, struct txn *t)
{
    if (conn_recorded(c))
        state_record(c->s, &(struct record){ .type = REC_TXN_END,
                                             .domid = c->domid,
                                             .arg = { t->id, 0 } });
    c->nr_txns--;
    txn_free(t);
}

static void commit_rm(void *ctx, const char *path)
{
    live_rm(ctx, path);
}

static void commit_set(void *ctx, const char *path, struct value *value,
                       struct perms *perms)
{
    live_set(ctx, path, value, perms);
}

int access_txn_commit(struct conn *c, struct txn *t)
{
    static const struct txn_sink sink = { commit_rm, commit_set };
    int rc = 0;

    if (txn_conflicts(t, &c->s->live))
        rc = -EAGAIN;
    else if (t->owned > 0)
        rc = quota_nodes(c, t, 0);
    if (!rc)
        txn_play(t, &sink, c->s);
    access_txn_end(c, t);
    return rc;
}

struct watch *access_find_watch(struct conn *c, const char *path,
                                const char *token)
{
    struct watch *w;

    list_for_each(w, &c->watches, by_owner)
        if (streq(watch_path(w), path) && streq(w->token, token))
            return w;
    return NULL;
}

int access_watch(struct conn *c, const char *path, const char *token,
                 bool relative)
{
    struct store *s = c->s;
    char home[WIRE_HOME_MAX];
    size_t skip = relative ? wire_home(c->domid, home) + 1 : 0;
    struct watch *w;

    if (access_find_watch(c, path, token))
        return -EEXIST;
    if (!privileged(c) && c->nr_watches >= s->params.quota.watches) {
        conn_complain(c, COMPLAIN_WATCHES);
        return -E2BIG;
    }
    w = watch_add(&s->watches, path, token, skip, c);
    list_add_tail(&c->watches, &w->by_owner);
    c->nr_watches++;
    if (conn_recorded(c))
        state_record(s, &(struct record){
            .type = REC_WATCH, .domid = c->domid, .arg = { skip, 0 },
            .part = { { path, strlen(path) + 1 },
                      { token, strlen(token) + 1 } } });
    return 0;
}

int access_unwatch(struct conn *c, const char *path, const char *token)
{
    struct watch *w = access_find_watch(c, path, token);

    if (!w)
        return -ENOENT;
    /* First, since path and token may be the watch's own. */
    if (conn_recorded(c))
        state_record(c->s, &(struct record){
            .type = REC_UNWATCH, .domid = c->domid,
            .part = { { path, strlen(path) + 1 },
                      { token, strlen(token) + 1 } } });
    watch_del(&c->s->watches, w);
    c->nr_watches--;
    return 0;
}
