/*
 * Other CPUs: interrupt them, run a function there.
 */
#ifndef X86_SMP_H
#define X86_SMP_H

#include "lib/types.h"

/* Send VEC_EVENT_CHECK: the CPU leaves its guest or HLT and looks again. */
void smp_kick(unsigned int cpu);

/* Run fn(data) on each CPU of the mask with interrupts off, this one
 * included; returns when all have finished.  Interrupts must be on. */
void smp_call(cpumask_t mask, void (*fn)(void *), void *data);
/* VEC_CALL arrived. */
void smp_called(void);

#endif
