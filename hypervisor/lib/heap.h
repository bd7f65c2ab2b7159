/*
 * A heap of nodes that lie in their owners: the smallest key first.
 *
 * A pairing heap: each node has its first child and a list of siblings, so
 * that nothing is allocated and any node can be taken out.  Insert takes
 * constant time, remove O(log n) on average.
 */
#ifndef LIB_HEAP_H
#define LIB_HEAP_H

#include "lib/types.h"

struct heap_node {
    int64_t key;
    struct heap_node *child, *next;
    struct heap_node *prev;          /* elder sibling, or the parent */
};

struct heap {
    struct heap_node *top;           /* NULL: empty */
};

/* Add a node, which is in no heap, with its key set. */
void heap_insert(struct heap *h, struct heap_node *n);
/* Take a node of this heap out. */
void heap_remove(struct heap *h, struct heap_node *n);

#endif
