/*
 * The hypervisor's own page tables, and the part of them that every guest
 * root carries.
 */
#ifndef MM_PAGETABLE_H
#define MM_PAGETABLE_H

#include "lib/types.h"
#include "x86/paging.h"

struct domain;
struct vcpu;

extern mfn_t idle_root;              /* maps the hypervisor and no guest */

struct e820_map;

/*
 * Boot: direct map, frame table and M2P for the machine's memory map, then
 * the allocator gets `usable` (RAM less image, modules and low memory), and
 * the image its final rights (W^X).  Runs on the tables of boot/head.S, which
 * map the image and the first 4 GiB of the direct map.
 */
void mm_init(const struct e820_map *machine, const struct e820_map *usable);
/* Map [maddr, maddr + size) uncached for the hypervisor; NULL. */
void *ioremap(paddr_t maddr, unsigned long size);
/* Map a page of the hypervisor's own space. flags: PTE_*; va page-aligned. */
int hv_map(unsigned long va, mfn_t mfn, uint64_t flags);
/* Take the page at va (direct map, image) out of the hypervisor's space. */
void hv_unmap(unsigned long va);
/* A page in the window of d (per-domain slot), e.g. a GDT frame; mfn
 * INVALID_MFN unmaps.  va from GDT_VADDR/LDT_VADDR; the caller flushes.
 * -ENOMEM, never for unmapping. */
int window_map(struct domain *d, unsigned long va, mfn_t mfn, uint64_t flags);
/* What it maps there; INVALID_MFN: nothing. */
mfn_t window_mfn(const struct domain *d, unsigned long va);

/* Fill slots 256 to 271 of a guest's new level 4 table. */
void root_init_slots(pte_t *l4, struct domain *d);

/* Domain part: page tables of its window, lists; preemptible release of all
 * frames of a dying domain (-ERESTART). */
int domain_mm_init(struct domain *d);
int domain_mm_relinquish(struct domain *d);
void domain_mm_destroy(struct domain *d);

/*
 * Isolated roots (design 3.1, 1).  A vcpu's copies hw_root[2] follow the
 * tables that guest_root[2] name.
 */
int isolate_vcpu_init(struct vcpu *v);
void isolate_vcpu_destroy(struct vcpu *v);
/* Entry `slot` of the table l4 changed: write it to every copy of it. */
void isolate_write_through(struct domain *d, mfn_t l4, unsigned int slot,
                           pte_t val);
/* The vcpu is about to run on this cpu: its copies show that CPU's entry. */
void isolate_enter_cpu(struct vcpu *v, unsigned int cpu);
/* Per CPU at its start: tables that map entry text, entry page, IDT, TSS. */
int isolate_cpu_init(unsigned int cpu);
/* Add a page to those tables. */
int isolate_cpu_map(unsigned int cpu, unsigned long va, mfn_t mfn,
                    uint64_t flags);

#endif
