/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The store's tree: what one operation does, and that after any number of
 * random operations the tree and each of its snapshots equal a list of paths
 * that was changed (or copied) in the simplest way.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "store/tree.h"

static struct perms *rights(unsigned int owner)
{
    return perms_new(&(struct perm){ owner, ACCESS_NONE }, 1);
}

static int set(struct tree *t, const char *path, const char *value,
               unsigned int owner)
{
    struct value *v = value_new(value, strlen(value));
    struct perms *p = rights(owner);
    int rc = tree_set(t, path, v, p);

    value_put(v);
    perms_put(p);
    return rc;
}

static const char *get(const struct tree *t, const char *path)
{
    const struct node *n = tree_find(t, path);

    return n ? n->value->data : NULL;
}

static void test_basics(void **state)
{
    struct tree t;
    char names[64];
    size_t len;

    (void)state;
    tree_init(&t, NULL, NULL);
    assert_string_equal(get(&t, "/"), "");
    assert_int_equal(set(&t, "/a/b", "x", 0), -ENOENT);
    assert_int_equal(set(&t, "/b", "2", 0), 0);
    assert_int_equal(set(&t, "/a", "1", 0), 0);
    assert_int_equal(set(&t, "/a/long-name", "3", 0), 0);
    assert_int_equal(set(&t, "/a/long", "4", 0), 0);
    assert_string_equal(get(&t, "/a/long"), "4");
    assert_null(get(&t, "/a/lon"));
    assert_null(get(&t, "/a/long-name/x"));
    assert_string_equal(tree_nearest(&t, "/a/x/y/z", &len)->name, "a");
    assert_int_equal(len, 2);
    assert_int_equal(tree_list(tree_find(&t, "/"), NULL), 4);
    tree_list(tree_find(&t, "/"), names);
    assert_memory_equal(names, "a\0b", 4);
    assert_int_equal(tree_rm(&t, "/"), -EINVAL);
    assert_int_equal(tree_rm(&t, "/c"), -ENOENT);
    assert_int_equal(tree_rm(&t, "/a"), 0);
    assert_null(get(&t, "/a/long"));
    assert_string_equal(get(&t, "/b"), "2");
    tree_fini(&t);
}

static void test_generations(void **state)
{
    struct tree t;
    uint64_t root, a, kids;

    (void)state;
    tree_init(&t, NULL, NULL);
    set(&t, "/a", "1", 0);
    root = tree_find(&t, "/")->gen;
    a = tree_find(&t, "/a")->gen;
    kids = tree_find(&t, "/a")->child_gen;
    set(&t, "/a/b", "1", 0);
    assert_int_equal(tree_find(&t, "/a")->gen, a);
    assert_int_not_equal(tree_find(&t, "/a")->child_gen, kids);
    kids = tree_find(&t, "/a")->child_gen;
    set(&t, "/a/b", "2", 0);
    assert_int_equal(tree_find(&t, "/a")->child_gen, kids);
    set(&t, "/a", "2", 0);
    assert_int_not_equal(tree_find(&t, "/a")->gen, a);
    assert_int_equal(tree_find(&t, "/")->gen, root);
    tree_rm(&t, "/a/b");
    assert_int_not_equal(tree_find(&t, "/a")->child_gen, kids);
    tree_fini(&t);
}

static void test_access(void **state)
{
    static const struct {
        const char *claim;
        unsigned int domid, may;
    } cases[] = {
        { "domain 0 may do all", 0, 7 },
        { "the owner may do all", 5, 7 },
        { "an entry counts", 7, ACCESS_WRITE },
        { "others have the first entry's", 9, ACCESS_READ },
    };
    struct perm p[] = { { 5, ACCESS_READ }, { 6, 3 }, { 7, ACCESS_WRITE } };
    struct perms *perms = perms_new(p, 3);

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        if (perms_access(perms, cases[i].domid) != cases[i].may)
            fail_msg("%s", cases[i].claim);
    perms_put(perms);
}

/* ---- the model ---- */

#define MODEL_MAX 512

struct entry {
    char path[32];
    char value[12];
    unsigned int owner;
};

struct model {
    struct entry e[MODEL_MAX];
    unsigned int nr;
};

static struct entry *model_find(struct model *m, const char *path)
{
    for (unsigned int i = 0; i < m->nr; i++)
        if (!strcmp(m->e[i].path, path))
            return &m->e[i];
    return NULL;
}

static int model_set(struct model *m, const char *path, const char *value,
                     unsigned int owner)
{
    struct entry *e = model_find(m, path);
    char parent[32];

    if (!e) {
        strcpy(parent, path);
        *strrchr(parent, '/') = 0;
        if (*parent && !model_find(m, parent))
            return -ENOENT;
        e = &m->e[m->nr++];
        strcpy(e->path, path);
    }
    strcpy(e->value, value);
    e->owner = owner;
    return 0;
}

static int model_rm(struct model *m, const char *path)
{
    size_t len = strlen(path);
    unsigned int kept = 0;

    if (!model_find(m, path))
        return -ENOENT;
    for (unsigned int i = 0; i < m->nr; i++)
        if (strncmp(m->e[i].path, path, len) ||
            (m->e[i].path[len] && m->e[i].path[len] != '/'))
            m->e[kept++] = m->e[i];
    m->nr = kept;
    return 0;
}

static void compare(struct model *m, const struct tree *t)
{
    struct tree_walk w;
    const struct node *n;
    const char *path;
    unsigned int nr = 0;

    tree_walk_init(&w, t);
    while ((n = tree_walk_next(&w, &path))) {
        struct entry *e = model_find(m, path);

        if (!strcmp(path, "/"))
            continue;
        assert_non_null(e);
        assert_string_equal(e->value, n->value->data);
        assert_int_equal(e->owner, n->perms->p[0].domid);
        assert_ptr_equal(n, tree_find(t, path));
        nr++;
    }
    tree_walk_fini(&w);
    assert_int_equal(nr, m->nr);
}

static int counts[8];

static void count(void *ctx, unsigned int owner, int delta)
{
    (void)ctx;
    counts[owner] += delta;
}

static void random_path(char *path)
{
    int depth = 1 + rand() % 4;

    for (*path = 0; depth--; )
        sprintf(path + strlen(path), "/%c%s", 'a' + rand() % 4,
                rand() % 3 ? "" : "-x");
}

#define SNAPSHOTS 4

static void test_random(void **state)
{
    static struct model live, old[SNAPSHOTS];
    struct tree t, snap[SNAPSHOTS];
    char path[32], value[12];

    (void)state;
    srand(1);
    memset(counts, 0, sizeof(counts));
    tree_init(&t, count, NULL);
    for (int i = 0; i < SNAPSHOTS; i++) {
        tree_snapshot(&snap[i], &t, NULL, NULL);
        old[i] = live;
    }
    for (int round = 0; round < 20000; round++) {
        int k = rand() % SNAPSHOTS;

        random_path(path);
        snprintf(value, sizeof(value), "%d", round);
        switch (rand() % 16) {
        case 0:
            tree_fini(&snap[k]);
            tree_snapshot(&snap[k], &t, NULL, NULL);
            old[k] = live;
            break;
        case 1:                         /* a snapshot is changed, too */
            assert_int_equal(set(&snap[k], path, value, k),
                             model_set(&old[k], path, value, k));
            break;
        case 2:
            assert_int_equal(tree_rm(&snap[k], path),
                             model_rm(&old[k], path));
            break;
        case 3: case 4:
            assert_int_equal(tree_rm(&t, path), model_rm(&live, path));
            break;
        default:
            assert_int_equal(set(&t, path, value, round % 8),
                             model_set(&live, path, value, round % 8));
        }
        if (round % 64)
            continue;
        compare(&live, &t);
        for (int i = 0; i < SNAPSHOTS; i++)
            compare(&old[i], &snap[i]);
        for (int owner = 0; owner < 8; owner++) {
            int nr = owner == 0;        /* the root's */

            for (unsigned int i = 0; i < live.nr; i++)
                nr += live.e[i].owner == (unsigned int)owner;
            assert_int_equal(counts[owner], nr);
        }
    }
    for (int i = 0; i < SNAPSHOTS; i++)
        tree_fini(&snap[i]);
    tree_fini(&t);
}

/* Names in order are the worst case of a plain search tree. */
static void test_many_siblings(void **state)
{
    struct tree t, snap;
    char path[32];

    (void)state;
    tree_init(&t, NULL, NULL);
    for (int i = 0; i < 50000; i++) {
        snprintf(path, sizeof(path), "/%08d", i);
        assert_int_equal(set(&t, path, "", 0), 0);
    }
    tree_snapshot(&snap, &t, NULL, NULL);
    for (int i = 0; i < 50000; i += 2) {
        snprintf(path, sizeof(path), "/%08d", i);
        assert_int_equal(tree_rm(&t, path), 0);
    }
    assert_int_equal(tree_list(tree_find(&t, "/"), NULL), 25000 * 9);
    assert_int_equal(tree_list(tree_find(&snap, "/"), NULL), 50000 * 9);
    tree_fini(&snap);
    tree_fini(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_basics),
        cmocka_unit_test(test_generations),
        cmocka_unit_test(test_access),
        cmocka_unit_test(test_random),
        cmocka_unit_test(test_many_siblings),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
