/*
 * Sorted sets of ranges.
 */
#include "lib/rangeset.h"
#include "lib/abi.h"

/* The first range that ends at or behind n; nr if there is none. */
static unsigned int find(const struct rangeset *s, unsigned long n)
{
    unsigned int i = 0;

    while (i < s->nr && s->r[i].last < n)
        i++;
    return i;
}

/* Replace ranges [from, to) by `n` ranges, which the caller fills in. */
static void splice(struct rangeset *s, unsigned int from, unsigned int to,
                   unsigned int n)
{
    __builtin_memmove(&s->r[from + n], &s->r[to],
                      (s->nr - to) * sizeof(s->r[0]));
    s->nr = s->nr - (to - from) + n;
}

int rangeset_add(struct rangeset *s, unsigned long first, unsigned long last)
{
    unsigned int from, to;

    if (first > last)
        return -EINVAL;
    from = find(s, first ? first - 1 : 0);
    for (to = from; to < s->nr && (s->r[to].first <= last ||
                                   s->r[to].first - 1 == last); to++) {
        first = MIN(first, s->r[to].first);
        last = MAX(last, s->r[to].last);
    }
    if (from == to && s->nr == RANGESET_MAX)
        return -ENOSPC;
    splice(s, from, to, 1);
    s->r[from].first = first;
    s->r[from].last = last;
    return 0;
}

int rangeset_remove(struct rangeset *s, unsigned long first,
                    unsigned long last)
{
    unsigned int from = find(s, first), to;
    unsigned long left, right;
    bool keep_left, keep_right;

    if (first > last)
        return -EINVAL;
    for (to = from; to < s->nr && s->r[to].first <= last; to++)
        ;
    if (from == to)
        return 0;
    left = s->r[from].first;
    right = s->r[to - 1].last;
    keep_left = left < first;
    keep_right = right > last;
    if (to - from == 1 && keep_left && keep_right && s->nr == RANGESET_MAX)
        return -ENOSPC;
    splice(s, from, to, keep_left + keep_right);
    if (keep_left) {
        s->r[from].first = left;
        s->r[from].last = first - 1;
    }
    if (keep_right) {
        s->r[from + keep_left].first = last + 1;
        s->r[from + keep_left].last = right;
    }
    return 0;
}

bool rangeset_contains(const struct rangeset *s, unsigned long first,
                       unsigned long last)
{
    unsigned int i = find(s, last);

    return first <= last && i < s->nr && s->r[i].first <= first;
}
