/*
 * Spin locks on the host: they check instead of waiting.
 *
 * A lock taken twice, given back without being held, taken against the order
 * of levels, or still held when the program ends is a failed test.
 */
#ifndef SHIM_X86_SPINLOCK_H
#define SHIM_X86_SPINLOCK_H

#include_next "x86/spinlock.h"

/* How many locks are held; a test may ask in between. */
unsigned int shim_locks_held(void);

#endif
