/*
 * A set of numbers (I/O ports, frames of MMIO, interrupts) as sorted ranges
 * that neither overlap nor touch.  Bounded, so that it needs no allocator.
 */
#ifndef LIB_RANGESET_H
#define LIB_RANGESET_H

#include "lib/types.h"

#define RANGESET_MAX 24

struct rangeset {
    unsigned int nr;
    struct {
        unsigned long first, last;   /* inclusive */
    } r[RANGESET_MAX];
};

/* -EINVAL: first > last; -ENOSPC: too many ranges, nothing changed. */
int rangeset_add(struct rangeset *s, unsigned long first, unsigned long last);
int rangeset_remove(struct rangeset *s, unsigned long first,
                    unsigned long last);
/* All of first to last is in the set. */
bool rangeset_contains(const struct rangeset *s, unsigned long first,
                       unsigned long last);

#endif
