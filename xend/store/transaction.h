/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Transactions: a snapshot, what was looked at in it, and what was changed.
 *
 * base is the tree as it was at the start, tree the same with the changes.  At
 * the end each path that was touched must still be in the live tree what it
 * was in base, else somebody else came first and the result is -EAGAIN; then
 * the touched paths get the state they have in tree.  A transaction that only
 * read saw one consistent snapshot and always succeeds.
 *
 * Adding a child does not touch its parent's value, so two transactions that
 * add different children do not meet; listing children does touch the list.
 */
#ifndef XEND_STORE_TRANSACTION_H
#define XEND_STORE_TRANSACTION_H

#include <stdbool.h>
#include <stdint.h>

#include "store/tree.h"
#include "util/hash.h"
#include "util/list.h"

#define TOUCH_READ 1u               /* value, rights or absence */
#define TOUCH_LIST 2u               /* names of the children */
#define TOUCH_SET  4u
#define TOUCH_RM   8u

struct touch {
    struct hash_node by_path;
    struct list link;
    uint64_t gen, child_gen;        /* in base; 0: was not there */
    unsigned int flags;
    char path[];
};

struct txn {
    struct list link;               /* its connection's */
    uint32_t id;
    unsigned int domid;             /* on whose behalf */
    struct tree base, tree;
    struct hash by_path;
    struct list touched;            /* in order of the first touch */
    unsigned int count;
    int owned;                      /* nodes that domid gained in it */
    bool changed;
    bool doomed;                    /* must end with -EAGAIN */
    bool strict;                    /* what it read is not known: any change
                                       of the live tree is a conflict */
    unsigned int age;               /* for the owner's use */
};

struct txn *txn_new(const struct tree *live, unsigned int domid, uint32_t id);
void txn_free(struct txn *t);

/* Note that path was looked at or will be changed (TOUCH_*). */
void txn_touch(struct txn *t, const char *path, unsigned int flags);

/* As tree_set and tree_rm, noted. */
int txn_set(struct txn *t, const char *path, struct value *value,
            struct perms *perms);
int txn_rm(struct txn *t, const char *path);

/* Has somebody else changed what t touched? */
bool txn_conflicts(const struct txn *t, const struct tree *live);

/*
 * Play the changes, the state at the end and not each step: removals first,
 * parents before children.  Either may fail for want of what is not there.
 */
struct txn_sink {
    void (*rm)(void *ctx, const char *path);
    void (*set)(void *ctx, const char *path, struct value *value,
                struct perms *perms);
};
void txn_play(const struct txn *t, const struct txn_sink *sink, void *ctx);

/*
 * Put t on top of the live tree of now and doom it: it still sees its own
 * changes, and no longer keeps old versions of nodes in memory.
 */
void txn_rebase(struct txn *t, const struct tree *live);

#endif
