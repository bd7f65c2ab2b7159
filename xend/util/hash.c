/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>

#include "util/cleanup.h"
#include "util/hash.h"

#define HASH_MIN 16

void hash_init(struct hash *h)
{
    h->mask = HASH_MIN - 1;
    h->count = 0;
    h->bucket = xcalloc(HASH_MIN, sizeof(*h->bucket));
}

void hash_fini(struct hash *h)
{
    free(h->bucket);
    h->bucket = NULL;
    h->mask = h->count = 0;
}

static void link_node(struct hash *h, struct hash_node *node)
{
    struct hash_node **b = &h->bucket[node->value & h->mask];

    node->next = *b;
    *b = node;
}

static void grow(struct hash *h)
{
    struct hash_node **old = h->bucket, *n, *next;
    unsigned int i, nr = h->mask + 1;

    h->bucket = xcalloc((size_t)nr * 2, sizeof(*h->bucket));
    h->mask = nr * 2 - 1;
    for (i = 0; i < nr; i++)
        for (n = old[i]; n; n = next) {
            next = n->next;
            link_node(h, n);
        }
    free(old);
}

void hash_add(struct hash *h, struct hash_node *node, uint32_t value)
{
    if (h->count > h->mask)
        grow(h);
    node->value = value;
    link_node(h, node);
    h->count++;
}

void hash_del(struct hash *h, struct hash_node *node)
{
    struct hash_node **p = &h->bucket[node->value & h->mask];

    while (*p && *p != node)
        p = &(*p)->next;
    if (!*p)
        return;
    *p = node->next;
    h->count--;
}

struct hash_node *hash_first(const struct hash *h, uint32_t value)
{
    struct hash_node *n = h->bucket[value & h->mask];

    while (n && n->value != value)
        n = n->next;
    return n;
}

struct hash_node *hash_next(const struct hash_node *node)
{
    struct hash_node *n = node->next;

    while (n && n->value != node->value)
        n = n->next;
    return n;
}

static uint64_t seed(void)
{
    static uint64_t value;
    const void *random = (const void *)getauxval(AT_RANDOM);

    if (!value) {
        if (random)
            memcpy(&value, random, sizeof(value));
        value |= 1;
    }
    return value;
}

/* 64-bit mixing of 8-byte words; the constants are odd, with high entropy. */
static uint64_t mix(uint64_t h)
{
    h ^= h >> 32;
    h *= 0xd6e8feb86659fd93ull;
    h ^= h >> 32;
    h *= 0xd6e8feb86659fd93ull;
    return h ^ h >> 32;
}

uint32_t hash_bytes(const void *p, size_t len)
{
    uint64_t h = seed() + len, word;

    while (len) {
        size_t n = len < sizeof(word) ? len : sizeof(word);

        word = 0;
        memcpy(&word, p, n);
        h = mix(h ^ word);
        p = (const char *)p + n;
        len -= n;
    }
    return (uint32_t)h;
}

uint32_t hash_str(const char *s)
{
    return hash_bytes(s, strlen(s));
}

uint32_t hash_u64(uint64_t v)
{
    return (uint32_t)mix(seed() ^ v);
}
