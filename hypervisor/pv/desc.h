/*
 * Descriptor tables, and how a CPU gets from a guest to us.
 *
 * The hypervisor's descriptors are page 14 of every GDT, at selector 0xe000.
 * Each CPU has a GDT page of its own, used by the idle vcpu; guests' windows
 * map one shared page there, which has no TSS: LTR is done once, at start.
 */
#ifndef PV_DESC_H
#define PV_DESC_H

#include "lib/types.h"
#include "x86/desc.h"

/* Frame that every guest's window maps at page 14, read-only. */
extern mfn_t desc_shared_mfn;

/* First of all: an IDT for our own faults, until desc_load_cpu. */
void desc_load_early(void);
/* Build the tables of a CPU and map its entry block; on the boot CPU. */
int desc_prepare_cpu(unsigned int cpu);
/* Load them, TSS and system-call MSRs; on the CPU itself. */
void desc_load_cpu(void);
/* GDTR to the window of vcpu number `id`; or to this CPU's own GDT. */
void desc_load_window(unsigned int id);
void desc_load_own(void);
/* LDTR: the guest's in its window; 0 entries: none. */
void desc_load_ldt(unsigned int id, unsigned int nr_entries);

#endif
