/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Intrusive doubly linked lists.  A struct list is a head, or a link embedded
 * in an element; an empty head and a removed link point to themselves.
 */
#ifndef XEND_UTIL_LIST_H
#define XEND_UTIL_LIST_H

#include <stdbool.h>
#include <stddef.h>

struct list {
    struct list *next, *prev;
};

#define container_of(p, type, member) \
    ((type *)((char *)(p) - offsetof(type, member)))

static inline void list_init(struct list *l)
{
    l->next = l->prev = l;
}

static inline bool list_empty(const struct list *head)
{
    return head->next == head;
}

/* Insert link before pos; with a head as pos that is the list's tail. */
static inline void list_add_before(struct list *pos, struct list *link)
{
    link->prev = pos->prev;
    link->next = pos;
    pos->prev->next = link;
    pos->prev = link;
}

static inline void list_add_tail(struct list *head, struct list *link)
{
    list_add_before(head, link);
}

static inline void list_add(struct list *head, struct list *link)
{
    list_add_before(head->next, link);
}

/* Take link out of its list; harmless on one that is in none. */
static inline void list_del(struct list *link)
{
    link->prev->next = link->next;
    link->next->prev = link->prev;
    list_init(link);
}

#define list_entry(link, type, member) container_of(link, type, member)

#define list_first(head, type, member) \
    (list_empty(head) ? NULL : list_entry((head)->next, type, member))

#define list_for_each(e, head, member)                                  \
    for (e = list_entry((head)->next, __typeof__(*e), member);          \
         &e->member != (head);                                          \
         e = list_entry(e->member.next, __typeof__(*e), member))

/* As above; e may be removed and freed in the body. */
#define list_for_each_safe(e, tmp, head, member)                        \
    for (e = list_entry((head)->next, __typeof__(*e), member),          \
         tmp = list_entry(e->member.next, __typeof__(*e), member);      \
         &e->member != (head);                                          \
         e = tmp, tmp = list_entry(e->member.next, __typeof__(*e), member))

#endif
