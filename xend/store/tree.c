/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <string.h>
#include <sys/random.h>

#include "store/tree.h"
#include "util/cleanup.h"

struct perms *perms_new(const struct perm *p, unsigned int count)
{
    struct perms *perms = xmalloc(sizeof(*perms) + count * sizeof(*p));

    perms->refs = 1;
    perms->count = count;
    memcpy(perms->p, p, count * sizeof(*p));
    return perms;
}

struct perms *perms_get(struct perms *perms)
{
    perms->refs++;
    return perms;
}

void perms_put(struct perms *perms)
{
    if (perms && --perms->refs == 0)
        free(perms);
}

unsigned int perms_access(const struct perms *perms, unsigned int domid)
{
    if (domid == 0 || perms->p[0].domid == domid)
        return ACCESS_READ | ACCESS_WRITE | ACCESS_OWNER;
    for (unsigned int i = 1; i < perms->count; i++)
        if (perms->p[i].domid == domid)
            return perms->p[i].access;
    return perms->p[0].access;
}

struct value *value_new(const void *data, size_t len)
{
    struct value *v = xmalloc(sizeof(*v) + len + 1);

    v->refs = 1;
    v->len = len;
    if (len)
        memcpy(v->data, data, len);
    v->data[len] = 0;
    return v;
}

struct value *value_get(struct value *value)
{
    value->refs++;
    return value;
}

void value_put(struct value *value)
{
    if (value && --value->refs == 0)
        free(value);
}

/* Priorities need not be secret for long, only unlike what a guest chose. */
static uint32_t random_prio(void)
{
    static uint64_t state;

    while (!state)
        if (getrandom(&state, sizeof(state), GRND_NONBLOCK) < 0)
            state = (uintptr_t)&state | 1;
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return state >> 32;
}

static struct node *node_new(const char *name, size_t len)
{
    struct node *n = xcalloc(1, sizeof(*n) + len + 1);

    n->refs = 1;
    n->prio = random_prio();
    memcpy(n->name, name, len);
    return n;
}

static struct node *node_get(struct node *n)
{
    if (n)
        n->refs++;
    return n;
}

/* Depth is bounded by the nodes on one chain, so by the owners' quotas. */
static void node_put(struct node *n)
{
    while (n && --n->refs == 0) {
        struct node *next = n->right;

        node_put(n->left);
        node_put(n->children);
        value_put(n->value);
        perms_put(n->perms);
        free(n);
        n = next;
    }
}

/* Make *slot a node that only this version has, and return it. */
static struct node *own(struct node **slot)
{
    struct node *n = *slot, *copy;
    size_t size;

    if (n->refs == 1)
        return n;
    size = sizeof(*n) + strlen(n->name) + 1;
    copy = xmalloc(size);
    memcpy(copy, n, size);
    copy->refs = 1;
    node_get(copy->left);
    node_get(copy->right);
    node_get(copy->children);
    value_get(copy->value);
    perms_get(copy->perms);
    n->refs--;
    *slot = copy;
    return copy;
}

/* Order of a name against the len bytes at s. */
static int name_cmp(const char *s, size_t len, const char *name)
{
    int c = strncmp(s, name, len);

    return c ? c : name[len] ? -1 : 0;
}

static struct node *sibling_find(struct node *n, const char *s, size_t len)
{
    while (n) {
        int c = name_cmp(s, len, n->name);

        if (c == 0)
            return n;
        n = c < 0 ? n->left : n->right;
    }
    return NULL;
}

/* Part n, whose reference is consumed, into names below and above s. */
static void split(struct node *n, const char *s, struct node **below,
                  struct node **above)
{
    while (n) {
        struct node *o = own(&n);

        if (strcmp(s, o->name) < 0) {
            *above = o;
            above = &o->left;
            n = o->left;
        } else {
            *below = o;
            below = &o->right;
            n = o->right;
        }
    }
    *below = *above = NULL;
}

static void sibling_insert(struct node **slot, struct node *fresh)
{
    while (*slot && (*slot)->prio >= fresh->prio) {
        struct node *o = own(slot);

        slot = strcmp(fresh->name, o->name) < 0 ? &o->left : &o->right;
    }
    split(*slot, fresh->name, &fresh->left, &fresh->right);
    *slot = fresh;
}

/* Join two treaps, all of a before all of b, into *slot. */
static void merge(struct node **slot, struct node *a, struct node *b)
{
    while (a && b) {
        if (a->prio >= b->prio) {
            *slot = a;
            a = own(slot);
            slot = &a->right;
            a = a->right;
        } else {
            *slot = b;
            b = own(slot);
            slot = &b->left;
            b = b->left;
        }
    }
    *slot = a ? a : b;
}

/* The slot of an existing child, all on the way to it owned. */
static struct node **sibling_slot(struct node **slot, const char *s,
                                  size_t len)
{
    for (;;) {
        struct node *o = own(slot);
        int c = name_cmp(s, len, o->name);

        if (c == 0)
            return slot;
        slot = c < 0 ? &o->left : &o->right;
    }
}

/* Step over "/name" at *path; the name's length, 0 at the end. */
static size_t next_name(const char **path, const char **ret_name)
{
    const char *p = *path;

    if (*p == '/')
        p++;
    *ret_name = p;
    *path = strchrnul(p, '/');
    return *path - p;
}

void tree_init(struct tree *t, tree_count_fn *count, void *ctx)
{
    struct perm none = { 0, ACCESS_NONE };

    t->root = node_new("", 0);
    t->root->value = value_new(NULL, 0);
    t->root->perms = perms_new(&none, 1);
    t->gen = 1;
    t->root->gen = t->root->child_gen = 1;
    t->count = count;
    t->ctx = ctx;
    if (count)
        count(ctx, 0, 1);
}

void tree_fini(struct tree *t)
{
    node_put(t->root);
    t->root = NULL;
}

void tree_snapshot(struct tree *t, const struct tree *from,
                   tree_count_fn *count, void *ctx)
{
    t->root = node_get(from->root);
    t->gen = from->gen;
    t->count = count;
    t->ctx = ctx;
}

const struct node *tree_nearest(const struct tree *t, const char *path,
                                size_t *ret_len)
{
    const char *p = path, *name;
    struct node *n = t->root, *child;
    size_t len;

    *ret_len = 1;
    while ((len = next_name(&p, &name)) > 0) {
        child = sibling_find(n->children, name, len);
        if (!child)
            break;
        n = child;
        *ret_len = p - path;
    }
    return n;
}

const struct node *tree_find(const struct tree *t, const char *path)
{
    size_t len;
    const struct node *n = tree_nearest(t, path, &len);

    return path[len] ? NULL : n;
}

static void account(struct tree *t, const struct node *n, int delta)
{
    if (t->count)
        t->count(t->ctx, n->perms->p[0].domid, delta);
}

/* The node at the first len bytes of path, which exists, owned. */
static struct node *own_path(struct tree *t, const char *path, size_t len)
{
    const char *p = path, *end = path + len, *name;
    struct node *n = own(&t->root);
    size_t part;

    while (len > 1 && p < end) {
        part = next_name(&p, &name);
        n = *sibling_slot(&n->children, name, part);
    }
    return n;
}

int tree_set(struct tree *t, const char *path, struct value *value,
             struct perms *perms)
{
    struct node *n, *parent;
    const char *name;
    size_t len;

    tree_nearest(t, path, &len);
    if (path[len]) {
        name = path + len + (path[len] == '/');
        if (strchr(name, '/'))
            return -ENOENT;
        parent = own_path(t, path, len);
        n = node_new(name, strlen(name));
        sibling_insert(&parent->children, n);
        parent->child_gen = n->child_gen = ++t->gen;
    } else {
        n = own_path(t, path, len);
        account(t, n, -1);
    }
    n->gen = ++t->gen;
    value_get(value);
    perms_get(perms);
    value_put(n->value);
    perms_put(n->perms);
    n->value = value;
    n->perms = perms;
    account(t, n, 1);
    return 0;
}

/* Tell the owners of a whole treap of nodes, and all below, of their loss. */
static void account_gone(struct tree *t, const struct node *n)
{
    for (; n; n = n->right) {
        account(t, n, -1);
        account_gone(t, n->left);
        account_gone(t, n->children);
    }
}

int tree_rm(struct tree *t, const char *path)
{
    const char *name = strrchr(path, '/') + 1;
    struct node *parent, **slot, *n;

    if (!*name)
        return -EINVAL;
    if (!tree_find(t, path))
        return -ENOENT;
    parent = own_path(t, path, name - 1 - path);
    parent->child_gen = ++t->gen;
    slot = sibling_slot(&parent->children, name, strlen(name));
    n = *slot;
    merge(slot, n->left, n->right);
    n->left = n->right = NULL;
    if (t->count) {
        account(t, n, -1);
        account_gone(t, n->children);
    }
    node_put(n);
    return 0;
}

static size_t list_siblings(const struct node *n, char **to)
{
    size_t bytes = 0, len;

    for (; n; n = n->right) {
        bytes += list_siblings(n->left, to);
        len = strlen(n->name) + 1;
        if (*to)
            *to = (char *)memcpy(*to, n->name, len) + len;
        bytes += len;
    }
    return bytes;
}

size_t tree_list(const struct node *n, char *to)
{
    return list_siblings(n->children, &to);
}

/* One treap still to be visited, and the path of its parent. */
struct tree_step {
    const struct node *n;
    char *above;
};

static void push(struct tree_walk *w, const struct node *n, const char *above)
{
    if (!n)
        return;
    if (w->depth == w->size) {
        w->size = w->size ? w->size * 2 : 16;
        w->stack = xrealloc(w->stack, w->size * sizeof(*w->stack));
    }
    w->stack[w->depth++] = (struct tree_step){ n, xstrdup(above) };
}

void tree_walk_init(struct tree_walk *w, const struct tree *t)
{
    memset(w, 0, sizeof(*w));
    w->root = node_get(t->root);
    push(w, w->root, "");
}

const struct node *tree_walk_next(struct tree_walk *w, const char **ret_path)
{
    struct tree_step step;

    if (!w->depth)
        return NULL;
    step = w->stack[--w->depth];
    free(w->path);
    if (step.n == w->root)
        w->path = xstrdup("");
    else
        w->path = xasprintf("%s/%s", step.above, step.n->name);
    push(w, step.n->left, step.above);
    push(w, step.n->right, step.above);
    push(w, step.n->children, w->path);
    free(step.above);
    *ret_path = *w->path ? w->path : "/";
    return step.n;
}

void tree_walk_fini(struct tree_walk *w)
{
    while (w->depth)
        free(w->stack[--w->depth].above);
    free(w->stack);
    free(w->path);
    node_put(w->root);
    memset(w, 0, sizeof(*w));
}
