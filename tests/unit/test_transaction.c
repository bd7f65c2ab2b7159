/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Transactions: which ones meet, and that random interleaved ones are
 * serializable: one that ends well read what is true at that moment, and then
 * the live tree is as if its changes had been made just now.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "store/transaction.h"

/* A small fixed world of paths, so that the model is an array of values. */
#define PATHS 12
static const char *const path[PATHS] = {
    "/a", "/a/x", "/a/x/1", "/a/x/2", "/a/y", "/b", "/b/x", "/b/x/1", "/b/y",
    "/c", "/c/x", "/d",
};

struct world {
    int value[PATHS];                   /* 0: is not there */
};

static int parent_of(int i)
{
    char above[16];

    strcpy(above, path[i]);
    *strrchr(above, '/') = 0;
    for (int k = 0; k < PATHS; k++)
        if (!strcmp(path[k], above))
            return k;
    return -1;
}

static void world_set(struct world *w, int i, int value)
{
    int above = parent_of(i);

    if (above < 0 || w->value[above])
        w->value[i] = value;
}

static void world_rm(struct world *w, int i)
{
    size_t len = strlen(path[i]);

    for (int k = 0; k < PATHS; k++)
        if (!strncmp(path[k], path[i], len) &&
            (!path[k][len] || path[k][len] == '/'))
            w->value[k] = 0;
}

static int value_at(const struct tree *t, const char *p)
{
    const struct node *n = tree_find(t, p);

    return n ? atoi(n->value->data) : 0;
}

static void compare(const struct world *w, const struct tree *t)
{
    for (int i = 0; i < PATHS; i++)
        assert_int_equal(w->value[i], value_at(t, path[i]));
}

static struct value *number(int value)
{
    char text[16];

    snprintf(text, sizeof(text), "%d", value);
    return value_new(text, strlen(text));
}

static struct perms *none;

static void live_set(struct tree *t, const char *p, int value)
{
    struct value *v = number(value);

    tree_set(t, p, v, none);
    value_put(v);
}

/* As a write is executed: it depends on the node it is made below, too. */
static void set_in(struct txn *t, const char *p, int value)
{
    struct value *v = number(value);
    char above[16];

    strcpy(above, p);
    *strrchr(above, '/') = 0;
    if (*above && !tree_find(&t->tree, p))
        txn_touch(t, above, TOUCH_READ);
    txn_touch(t, p, TOUCH_READ);
    txn_set(t, p, v, none);
    value_put(v);
}

static void sink_rm(void *ctx, const char *p)
{
    tree_rm(ctx, p);
}

static void sink_set(void *ctx, const char *p, struct value *v,
                     struct perms *perms)
{
    assert_int_equal(tree_set(ctx, p, v, perms), 0);
}

static const struct txn_sink sink = { sink_rm, sink_set };

static bool commit(struct txn *t, struct tree *live)
{
    bool ok = !txn_conflicts(t, live);

    if (ok)
        txn_play(t, &sink, live);
    txn_free(t);
    return ok;
}

/*
 * One letter and a path are a step: r reads, l lists, s sets, d removes, in
 * the transaction; S and D are somebody else's, meanwhile.
 */
static const struct {
    const char *claim, *steps;
    bool ok;
} cases[] = {
    { "alone it succeeds", "r/a s/a d/b", true },
    { "somebody changed what it read", "r/a s/d S/a", false },
    { "somebody changed what it read first", "S/a r/a s/d", true },
    { "somebody changed something else", "r/a s/d S/b", true },
    { "only reading always succeeds", "r/a r/b S/a S/b", true },
    { "both wrote one node", "s/a S/a", false },
    { "what was not there has come", "r/c s/d S/c", false },
    { "what was there has gone", "r/b s/d D/b", false },
    { "both made different children", "s/a/y S/a/x", true },
    { "both made the same child", "s/a/y S/a/y", false },
    { "the list that it saw has grown", "l/a s/d S/a/y", false },
    { "the list that it saw has shrunk", "l/b s/d D/b/x", false },
    { "a value in the list does not matter", "l/b s/d S/b/x", true },
    { "reading a node is not listing it", "r/a s/d S/a/y", true },
    { "its parent was removed", "s/b/y D/b", false },
    { "it removed what somebody changed", "d/b S/b", false },
    { "it removed what somebody added below", "d/b S/b/y", true },
    { "absent by its own doing is no reading", "d/b r/b/x", true },
};

static void play_steps(const char *steps, struct txn *t, struct tree *live)
{
    char copy[64], *word, *rest = copy;

    strcpy(copy, steps);
    while ((word = strsep(&rest, " "))) {
        switch (*word) {
        case 'r': txn_touch(t, word + 1, TOUCH_READ); break;
        case 'l': txn_touch(t, word + 1, TOUCH_READ | TOUCH_LIST); break;
        case 's': set_in(t, word + 1, 7); break;
        case 'd': txn_rm(t, word + 1); break;
        case 'S': live_set(live, word + 1, 8); break;
        case 'D': tree_rm(live, word + 1); break;
        }
    }
}

static void test_conflicts(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        const char *steps = cases[i].steps;
        struct tree live;
        struct txn *t;

        tree_init(&live, NULL, NULL);
        live_set(&live, "/a", 1);
        live_set(&live, "/b", 1);
        live_set(&live, "/b/x", 1);
        if (*steps == 'S') {            /* before the start */
            live_set(&live, "/a", 2);
            steps = strchr(steps, ' ') + 1;
        }
        t = txn_new(&live, 0, 1);
        play_steps(steps, t, &live);
        if (commit(t, &live) != cases[i].ok)
            fail_msg("%s", cases[i].claim);
        tree_fini(&live);
    }
}

static void test_remove_and_make_again(void **state)
{
    struct tree live;
    struct txn *t;

    (void)state;
    tree_init(&live, NULL, NULL);
    live_set(&live, "/a", 1);
    live_set(&live, "/a/x", 2);
    live_set(&live, "/a/y", 3);
    t = txn_new(&live, 0, 1);
    set_in(t, "/a/x", 4);
    txn_rm(t, "/a");
    set_in(t, "/a", 5);
    set_in(t, "/a/x", 6);
    assert_true(commit(t, &live));
    assert_int_equal(value_at(&live, "/a"), 5);
    assert_int_equal(value_at(&live, "/a/x"), 6);
    assert_null(tree_find(&live, "/a/y"));
    tree_fini(&live);
}

static void test_rebase(void **state)
{
    struct tree live;
    struct txn *t;

    (void)state;
    tree_init(&live, NULL, NULL);
    live_set(&live, "/a", 1);
    live_set(&live, "/b", 1);
    t = txn_new(&live, 0, 1);
    set_in(t, "/a", 2);
    live_set(&live, "/b", 3);
    txn_rebase(t, &live);
    assert_int_equal(value_at(&t->tree, "/a"), 2);
    assert_int_equal(value_at(&t->tree, "/b"), 3);
    assert_false(commit(t, &live));
    assert_int_equal(value_at(&live, "/a"), 1);
    tree_fini(&live);
}

static void test_strict(void **state)
{
    struct tree live;
    struct txn *t;

    (void)state;
    tree_init(&live, NULL, NULL);
    for (int changed = 0; changed < 2; changed++) {
        t = txn_new(&live, 0, 1);
        t->strict = true;
        set_in(t, "/a", 2);
        if (changed)
            live_set(&live, "/b", 3);
        assert_int_equal(commit(t, &live), !changed);
    }
    tree_fini(&live);
}

#define TXNS 3

struct run {
    struct txn *t;
    struct world start, now;
    bool read[PATHS], removed[PATHS];
    unsigned int began;
};

static void begin(struct run *r, struct tree *live, const struct world *w,
                  unsigned int version)
{
    memset(r, 0, sizeof(*r));
    r->t = txn_new(live, 0, 1);
    r->start = r->now = *w;
    r->began = version;
}

/* Judge the end of a transaction by the model; it may be refused for less. */
static bool end(struct run *r, struct tree *live, struct world *w,
                unsigned int version)
{
    bool alone = r->began == version, wrote = r->t->changed;
    bool ok = commit(r->t, live);

    r->t = NULL;
    if (alone || !wrote)
        assert_true(ok);
    if (!ok || !wrote)
        return false;
    for (int i = 0; i < PATHS; i++)
        if (r->read[i])
            assert_int_equal(w->value[i], r->start.value[i]);
    for (int i = 0; i < PATHS; i++)
        if (r->removed[i])
            world_rm(w, i);
    for (int i = 0; i < PATHS; i++)     /* what it changed, it changed */
        if (r->start.value[i] != r->now.value[i])
            w->value[i] = r->now.value[i];
    return true;
}

static void step(struct run *r, int i, int value)
{
    switch (rand() % 4) {
    case 0:
        r->removed[i] |= r->now.value[i] != 0;
        world_rm(&r->now, i);
        txn_touch(r->t, path[i], TOUCH_READ);
        txn_rm(r->t, path[i]);
        break;
    case 1:
        assert_int_equal(value_at(&r->t->tree, path[i]), r->now.value[i]);
        txn_touch(r->t, path[i], TOUCH_READ);
        r->read[i] = r->now.value[i] == r->start.value[i];
        break;
    default:
        world_set(&r->now, i, value);
        set_in(r->t, path[i], value);
    }
    compare(&r->now, &r->t->tree);
}

static void test_random(void **state)
{
    struct run run[TXNS] = { { .t = NULL } };
    struct world w = { { 0 } };
    unsigned int version = 0;
    struct tree live;

    (void)state;
    srand(2);
    tree_init(&live, NULL, NULL);
    for (int round = 1; round < 60000; round++) {
        struct run *r = &run[rand() % TXNS];
        int i = rand() % PATHS;

        if (!r->t) {
            begin(r, &live, &w, version);
        } else if (rand() % 8 == 0) {
            version += end(r, &live, &w, version);
            compare(&w, &live);
        } else if (rand() % 24 == 0) {
            world_set(&w, i, round);
            live_set(&live, path[i], round);
            version++;
        } else {
            step(r, i, round);
        }
    }
    for (int i = 0; i < TXNS; i++)
        if (run[i].t)
            txn_free(run[i].t);
    tree_fini(&live);
}

static int setup(void **state)
{
    (void)state;
    none = perms_new(&(struct perm){ 0, ACCESS_NONE }, 1);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    perms_put(none);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_conflicts),
        cmocka_unit_test(test_remove_and_make_again),
        cmocka_unit_test(test_rebase),
        cmocka_unit_test(test_strict),
        cmocka_unit_test(test_random),
    };

    return cmocka_run_group_tests(tests, setup, teardown);
}
