/*
 * The one door for stores to a guest's page tables.
 *
 * After any of these, and whatever they return, page_deferred(current) may be
 * true: then the hypercall is to end soon, and finishes that when it goes on.
 */
#ifndef MM_PT_UPDATE_H
#define MM_PT_UPDATE_H

#include "mm/frame_table.h"
#include "x86/paging.h"

struct domain;
struct vcpu;

#define PTE_AD (PTE_ACCESSED | PTE_DIRTY)

/* Only in a table of level 1, and where these bits of the entry read so. */
struct pt_cond {
    pte_t bits, value;
};

/*
 * Change entry `index` of the table pg, the running domain's and referenced by
 * the caller, to val; the bits in `keep` stay as they are, or get val's as
 * well.  Frames in val belong to pg_owner.  References and uses of the new
 * frame are taken before, those of the old one given back after.
 * -ENOENT: pg is no such table in use; -EAGAIN: not as only_if wants it;
 * -EINVAL: not allowed; -ERESTART: preempted, nothing is stored yet.
 */
int pt_update(struct page_info *pg, unsigned int index, pte_t val, pte_t keep,
              const struct pt_cond *only_if, struct domain *pg_owner);

/* The same for the level 1 entry that maps the address in the running vcpu's
 * root, or that lies at the machine address.  -EFAULT: there is none. */
int pt_update_at(uint64_t addr, bool is_maddr, pte_t val,
                 const struct pt_cond *only_if, struct domain *pg_owner);

/* The entry that maps va in the running vcpu's present root, as it reads now;
 * 0: none. */
pte_t pt_walk(struct vcpu *v, unsigned long va);
/* A reference to the frame there, if it is the vcpu's domain's own; NULL. */
struct page_info *pt_page_get(struct vcpu *v, unsigned long va);

/*
 * A guest wrote to va, which a read-only entry maps (pv/ptwr.c decoded it):
 * if the frame is a level 1 table of its own, do the store of `bytes` through
 * pt_update.  -ENOENT: not a page table, so the fault is the guest's.
 * cmpxchg: store only where `bytes` at va read `old`, else -EAGAIN.
 * Interrupts are on.
 */
int pt_emulate_write(struct vcpu *v, unsigned long va, uint64_t val,
                     unsigned int bytes, bool cmpxchg, uint64_t old);

#endif
