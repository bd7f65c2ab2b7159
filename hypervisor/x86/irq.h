/*
 * Interrupts: vectors, sources, and who is told.
 *
 * A source (GSI of the I/O APIC, MSI) owns one vector on one CPU.  Vectors of
 * the hypervisor itself (timer, IPIs) have a fixed handler.
 */
#ifndef X86_IRQ_H
#define X86_IRQ_H

#include "x86/pci.h"

struct cpu_user_regs;

typedef void irq_handler(void *data, unsigned int irq);

/* The number space: GSIs first, then MSIs (irq >= nr_gsis). */
extern unsigned int nr_gsis;
#define NR_IRQS 256

/* A fixed vector of a higher layer, at boot. */
void irq_set_vector(unsigned int vector, void (*fn)(void));

/* Program a GSI's pin; -EEXIST if it is set up in this way already, -EBUSY
 * if it is bound with another trigger.  Leaves it masked. */
int irq_setup_gsi(unsigned int gsi, bool level, bool active_low);

/* Take an irq for handler (called with interrupts off, on any CPU): gives it
 * a vector, unmasks it.  A level irq stays masked from its arrival until
 * irq_eoi.  -EBUSY, -ENOSPC, -EINVAL. */
int irq_bind(unsigned int irq, irq_handler *handler, void *data);
void irq_unbind(unsigned int irq);   /* returns when no handler runs */
void irq_eoi(unsigned int irq);
void irq_set_affinity(unsigned int irq, unsigned int cpu);

/* Allocate an irq for an MSI; programs the device at irq_bind. */
int irq_alloc_msi(const struct msi_desc *m, unsigned int *ret_irq);
void irq_free_msi(unsigned int irq);
bool irq_needs_eoi(unsigned int irq);    /* it is level-triggered */

/* entry.S calls this for every vector >= 0x20 that is not a guest's int. */
void do_irq(struct cpu_user_regs *regs);

#endif
