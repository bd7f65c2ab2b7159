/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The tree of nodes, copy on write.
 *
 * A node is reached from one parent in each version of the tree, but may belong
 * to several versions: it is counted, and changed in place only while exactly
 * one version has it.  So a snapshot is one more reference to the root, and a
 * change copies at most the nodes on the way to it.  The children of a node
 * form a treap (a search tree by name, a heap by random priority) whose links
 * are part of the nodes, so that way is short however many siblings there are.
 *
 * Paths here are absolute and valid (wire.h): "/" or "/a/b".
 */
#ifndef XEND_STORE_TREE_H
#define XEND_STORE_TREE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ACCESS_NONE  0u
#define ACCESS_READ  1u
#define ACCESS_WRITE 2u
#define ACCESS_OWNER 4u

/* The first one names the owner and what domains without an entry may do. */
struct perm {
    uint16_t domid;
    uint16_t access;                /* ACCESS_READ, ACCESS_WRITE */
};

/* Rights and values never change once made; nodes share them by reference. */
struct perms {
    unsigned int refs, count;
    struct perm p[];
};

struct value {
    unsigned int refs;
    uint32_t len;
    char data[];
};

struct node {
    unsigned int refs;
    uint32_t prio;
    uint64_t gen;                   /* changes with existence, value, rights */
    uint64_t child_gen;             /* changes with the set of children */
    struct node *left, *right;      /* siblings */
    struct node *children;
    struct value *value;
    struct perms *perms;
    char name[];
};

/* Told of each node that an owner gains (1) or loses (-1). */
typedef void tree_count_fn(void *ctx, unsigned int owner, int delta);

struct tree {
    struct node *root;              /* NULL only in a tree that is finished */
    uint64_t gen;                   /* the last generation given out */
    tree_count_fn *count;           /* may be NULL */
    void *ctx;
};

struct perms *perms_new(const struct perm *p, unsigned int count);
struct perms *perms_get(struct perms *perms);
void perms_put(struct perms *perms);

/* What domid may do: ACCESS_* bits.  Domain 0 and the owner may do all. */
unsigned int perms_access(const struct perms *perms, unsigned int domid);

struct value *value_new(const void *data, size_t len);
struct value *value_get(struct value *value);
void value_put(struct value *value);

/* A tree with nothing but "/", owned by domain 0. */
void tree_init(struct tree *t, tree_count_fn *count, void *ctx);
void tree_fini(struct tree *t);

/* Make t a tree of its own that now equals from; O(1). */
void tree_snapshot(struct tree *t, const struct tree *from,
                   tree_count_fn *count, void *ctx);

/* The node at path, or NULL.  Valid until the tree is changed. */
const struct node *tree_find(const struct tree *t, const char *path);

/*
 * The node at path or, if there is none, the nearest one above it; *ret_len is
 * the length of that one's path (1 for "/").
 */
const struct node *tree_nearest(const struct tree *t, const char *path,
                                size_t *ret_len);

/*
 * Set value and rights at path, making the node if its parent exists.  Takes
 * references of its own.  -ENOENT: the parent does not exist.
 */
int tree_set(struct tree *t, const char *path, struct value *value,
             struct perms *perms);

/* Remove the node and all below.  -ENOENT; -EINVAL for "/". */
int tree_rm(struct tree *t, const char *path);

/*
 * Names of the children in order, each with its zero byte, into to; returns
 * the bytes needed.  to may be NULL to learn the size.
 */
size_t tree_list(const struct node *n, char *to);

/*
 * Visit every node, parents first, in slices: tree_walk_init() takes a
 * snapshot, each tree_walk_next() returns one node and its path (valid until
 * the next call), NULL at the end.
 */
struct tree_walk {
    struct tree_step *stack;
    size_t depth, size;
    struct node *root;
    char *path;
};

void tree_walk_init(struct tree_walk *w, const struct tree *t);
const struct node *tree_walk_next(struct tree_walk *w, const char **ret_path);
void tree_walk_fini(struct tree_walk *w);

#endif
