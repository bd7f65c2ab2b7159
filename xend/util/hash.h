/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Intrusive hash tables.  The element embeds a hash_node; the caller computes
 * the hash value of its key, and compares keys while it walks the matches:
 *
 *     hash_for_each_match(e, &t->by_name, hash_str(name), name_node)
 *         if (streq(e->name, name))
 *             return e;
 */
#ifndef XEND_UTIL_HASH_H
#define XEND_UTIL_HASH_H

#include <stdint.h>

#include "util/list.h"

struct hash_node {
    struct hash_node *next;
    uint32_t value;
};

struct hash {
    struct hash_node **bucket;
    unsigned int mask;          /* buckets - 1, a power of two minus one */
    unsigned int count;
};

void hash_init(struct hash *h);

/* Free the table; the elements belong to the caller. */
void hash_fini(struct hash *h);

/* Add node under a hash value.  Duplicates are allowed; grows as needed. */
void hash_add(struct hash *h, struct hash_node *node, uint32_t value);

/* Remove node, which must be in the table. */
void hash_del(struct hash *h, struct hash_node *node);

/* The first element with this hash value, and the next one after node. */
struct hash_node *hash_first(const struct hash *h, uint32_t value);
struct hash_node *hash_next(const struct hash_node *node);

/* Hash values, seeded at start so that guests cannot aim at one bucket. */
uint32_t hash_bytes(const void *p, size_t len);
uint32_t hash_str(const char *s);
uint32_t hash_u64(uint64_t v);

#define hash_for_each_match(e, h, v, member)                               \
    for (struct hash_node *_n = hash_first(h, v);                          \
         _n && (e = container_of(_n, __typeof__(*e), member), 1);          \
         _n = hash_next(_n))

#endif
