/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stdlib.h>
#include <string.h>

#include "store/transaction.h"
#include "util/cleanup.h"

static void count_owned(void *ctx, unsigned int owner, int delta)
{
    struct txn *t = ctx;

    if (owner == t->domid)
        t->owned += delta;
}

struct txn *txn_new(const struct tree *live, unsigned int domid, uint32_t id)
{
    struct txn *t = xcalloc(1, sizeof(*t));

    list_init(&t->link);
    t->id = id;
    t->domid = domid;
    tree_snapshot(&t->base, live, NULL, NULL);
    tree_snapshot(&t->tree, live, count_owned, t);
    hash_init(&t->by_path);
    list_init(&t->touched);
    return t;
}

void txn_free(struct txn *t)
{
    struct touch *touch, *next;

    list_for_each_safe(touch, next, &t->touched, link)
        free(touch);
    hash_fini(&t->by_path);
    tree_fini(&t->base);
    tree_fini(&t->tree);
    list_del(&t->link);
    free(t);
}

void txn_touch(struct txn *t, const char *path, unsigned int flags)
{
    uint32_t h = hash_str(path);
    const struct node *n;
    struct touch *touch;

    hash_for_each_match(touch, &t->by_path, h, by_path)
        if (streq(touch->path, path)) {
            touch->flags |= flags;
            return;
        }
    touch = xcalloc(1, sizeof(*touch) + strlen(path) + 1);
    strcpy(touch->path, path);
    touch->flags = flags;
    n = tree_find(&t->base, path);
    if (n) {
        touch->gen = n->gen;
        touch->child_gen = n->child_gen;
    }
    hash_add(&t->by_path, &touch->by_path, h);
    list_add_tail(&t->touched, &touch->link);
    t->count++;
}

int txn_set(struct txn *t, const char *path, struct value *value,
            struct perms *perms)
{
    int rc = tree_set(&t->tree, path, value, perms);

    if (!rc) {
        txn_touch(t, path, TOUCH_SET);
        t->changed = true;
    }
    return rc;
}

int txn_rm(struct txn *t, const char *path)
{
    int rc = tree_rm(&t->tree, path);

    if (!rc) {
        txn_touch(t, path, TOUCH_RM);
        t->changed = true;
    }
    return rc;
}

static bool touch_conflicts(const struct touch *touch, const struct tree *live)
{
    const struct node *n = tree_find(live, touch->path);

    if (!n)
        return touch->gen != 0;
    if (n->gen != touch->gen)
        return true;
    return (touch->flags & TOUCH_LIST) && n->child_gen != touch->child_gen;
}

bool txn_conflicts(const struct txn *t, const struct tree *live)
{
    struct touch *touch;

    if (t->doomed)
        return true;
    if (!t->changed || t->base.root == live->root)
        return false;
    if (t->strict)
        return true;
    list_for_each(touch, &t->touched, link)
        if (touch_conflicts(touch, live))
            return true;
    return false;
}

static int by_path(const void *a, const void *b)
{
    const struct touch *const *x = a, *const *y = b;

    return strcmp((*x)->path, (*y)->path);
}

void txn_play(const struct txn *t, const struct txn_sink *sink, void *ctx)
{
    _cleanup_free_ struct touch **sorted = NULL;
    const struct node *n;
    struct touch *touch;
    unsigned int nr = 0, i;

    if (!t->changed)
        return;
    sorted = xmalloc(t->count * sizeof(*sorted));
    list_for_each(touch, &t->touched, link)
        if (touch->flags & (TOUCH_SET | TOUCH_RM))
            sorted[nr++] = touch;
    /* A prefix sorts first, so a parent comes before its children. */
    qsort(sorted, nr, sizeof(*sorted), by_path);
    for (i = 0; i < nr; i++)
        if (sorted[i]->flags & TOUCH_RM)
            sink->rm(ctx, sorted[i]->path);
    for (i = 0; i < nr; i++) {
        if (!(sorted[i]->flags & TOUCH_SET))
            continue;
        n = tree_find(&t->tree, sorted[i]->path);
        if (n)
            sink->set(ctx, sorted[i]->path, n->value, n->perms);
    }
}

static void rebase_rm(void *ctx, const char *path)
{
    tree_rm(ctx, path);
}

static void rebase_set(void *ctx, const char *path, struct value *value,
                       struct perms *perms)
{
    tree_set(ctx, path, value, perms);
}

void txn_rebase(struct txn *t, const struct tree *live)
{
    static const struct txn_sink sink = { rebase_rm, rebase_set };
    struct tree fresh;

    tree_snapshot(&fresh, live, NULL, NULL);
    txn_play(t, &sink, &fresh);
    tree_fini(&t->tree);
    tree_fini(&t->base);
    tree_snapshot(&t->tree, &fresh, count_owned, t);
    tree_snapshot(&t->base, live, NULL, NULL);
    tree_fini(&fresh);
    t->doomed = true;
}
