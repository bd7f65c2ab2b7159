/*
 * TLB flushes.  tlb.c states the rules.
 *
 * A flush request names CPUs, not domains; callers pass a domain's dirty mask
 * (d->dirty_cpus: the CPUs that may hold entries of its roots).
 */
#ifndef X86_TLB_H
#define X86_TLB_H

#include "lib/types.h"

#define FLUSH_ALL    0UL             /* instead of an address: everything,
                                        global entries included */

/* Flush one page, or everything, here.  va: FLUSH_ALL or an address. */
void tlb_flush_local(unsigned long va);

/* The same on every CPU of the mask; returns when all have done it.  Called
 * with interrupts on, or off when the mask holds this CPU only; never with an
 * irq lock held. */
void tlb_flush_mask(cpumask_t mask, unsigned long va);

/*
 * The flush clock: counts full flushes of the machine.  A frame notes it when
 * its last use of a type goes (tlb_clock_now), and before it is used as
 * another type, tlb_flush_since removes the CPUs that have flushed since, and
 * flushes on those that remain.
 */
uint32_t tlb_clock_now(void);
void tlb_flush_since(cpumask_t mask, uint32_t stamp);

/*
 * An idle CPU may still hold the root of the vcpu that ran last.  Whoever
 * flushes such a CPU (percpu.loaded set and not current) calls this, which
 * puts it on idle_root.  Set by pv/context.c.
 */
extern void (*tlb_drop_lazy_root)(void);

/* Load a root; global entries of the old one go too when flush_global. */
void tlb_load_root(unsigned long cr3, bool flush_global);

#endif
