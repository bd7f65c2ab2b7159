/*
 * Other CPUs: interrupt them, run a function there.
 */
#ifndef X86_SMP_H
#define X86_SMP_H

#include "lib/types.h"

void smp_init_boot(void);

/* Send VEC_EVENT_CHECK: the CPU leaves its guest or HLT and looks again. */
void smp_kick(unsigned int cpu);
void smp_send_ipi(cpumask_t mask, unsigned int vector);

/* Run fn(data) on each CPU of the mask with interrupts off, this one
 * included; returns when all have finished.  Interrupts must be on. */
void smp_call(cpumask_t mask, void (*fn)(void *), void *data);

#endif
