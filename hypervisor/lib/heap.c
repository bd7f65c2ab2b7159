/*
 * A pairing heap (Fredman, Sedgewick, Sleator, Tarjan 1986).
 */
#include "lib/heap.h"

/* Join two trees, none of them empty: the larger key becomes a child. */
static struct heap_node *meld(struct heap_node *a, struct heap_node *b)
{
    if (b->key < a->key) {
        struct heap_node *t = a;

        a = b;
        b = t;
    }
    b->next = a->child;
    if (b->next)
        b->next->prev = b;
    b->prev = a;
    a->child = b;
    a->next = a->prev = NULL;
    return a;
}

/* Make one tree of a list of siblings: in pairs, then from the last pair. */
static struct heap_node *merge_pairs(struct heap_node *n)
{
    struct heap_node *pairs = NULL, *tree = NULL, *next;

    while (n) {
        struct heap_node *a = n, *b = n->next;

        next = b ? b->next : NULL;
        a->next = a->prev = NULL;
        if (b)
            a = meld(a, b);
        a->next = pairs;
        pairs = a;
        n = next;
    }
    for (n = pairs; n; n = next) {
        next = n->next;
        n->next = NULL;
        tree = tree ? meld(tree, n) : n;
    }
    return tree;
}

void heap_insert(struct heap *h, struct heap_node *n)
{
    n->child = n->next = n->prev = NULL;
    h->top = h->top ? meld(h->top, n) : n;
}

void heap_remove(struct heap *h, struct heap_node *n)
{
    struct heap_node *rest = merge_pairs(n->child);

    n->child = NULL;
    if (n == h->top) {
        h->top = rest;
        return;
    }
    if (n->prev->child == n)
        n->prev->child = n->next;
    else
        n->prev->next = n->next;
    if (n->next)
        n->next->prev = n->prev;
    if (rest)
        h->top = meld(h->top, rest);
}
