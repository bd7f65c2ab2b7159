/*
 * Intrusive, circular, doubly linked lists.  A head is an entry of its own.
 */
#ifndef LIB_LIST_H
#define LIB_LIST_H

#include "lib/types.h"

struct list {
    struct list *next, *prev;
};

#define list_entry(ptr, type, member) container_of(ptr, type, member)
#define list_for_each(pos, head) \
    for ((pos) = (head)->next; (pos) != (head); (pos) = (pos)->next)

static inline void list_init(struct list *l)
{
    l->next = l->prev = l;
}

/* Insert l before pos: with a head, at the end of the list. */
static inline void list_add_before(struct list *l, struct list *pos)
{
    l->prev = pos->prev;
    l->next = pos;
    pos->prev->next = l;
    pos->prev = l;
}

static inline void list_add_after(struct list *l, struct list *pos)
{
    list_add_before(l, pos->next);
}

/* Unlink l; l is then an empty list, so removing it twice is harmless. */
static inline void list_del(struct list *l)
{
    l->prev->next = l->next;
    l->next->prev = l->prev;
    list_init(l);
}

#endif
