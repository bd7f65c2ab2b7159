/*
 * Atomic operations and barriers: gcc's builtins under short names.
 */
#ifndef X86_ATOMIC_H
#define X86_ATOMIC_H

#include "lib/types.h"

#define smp_mb()             __atomic_thread_fence(__ATOMIC_SEQ_CST)
#define smp_wmb()            __atomic_thread_fence(__ATOMIC_RELEASE)

/* Store new if *p holds old; the value found is returned. */
#define cmpxchg(p, old, new) __sync_val_compare_and_swap(p, old, new)
#define xchg(p, v)           __atomic_exchange_n(p, v, __ATOMIC_SEQ_CST)
#define atomic_inc(p)        __atomic_add_fetch(p, 1, __ATOMIC_SEQ_CST)
#define atomic_dec(p)        __atomic_sub_fetch(p, 1, __ATOMIC_SEQ_CST)
#define atomic_add(p, v)     __atomic_add_fetch(p, v, __ATOMIC_SEQ_CST)
#define atomic_or(p, v)      __atomic_fetch_or(p, v, __ATOMIC_SEQ_CST)
#define atomic_and(p, v)     __atomic_fetch_and(p, v, __ATOMIC_SEQ_CST)

/* Of a bitmap of words; the old value of the bit is returned. */
static inline bool test_and_set_bit(unsigned int n, volatile unsigned long *w)
{
    return atomic_or(&w[n / 64], BIT(n % 64)) & BIT(n % 64);
}

static inline bool test_and_clear_bit(unsigned int n, volatile unsigned long *w)
{
    return atomic_and(&w[n / 64], ~BIT(n % 64)) & BIT(n % 64);
}

static inline bool test_bit(unsigned int n, const volatile unsigned long *w)
{
    return w[n / 64] & BIT(n % 64);
}

#endif
