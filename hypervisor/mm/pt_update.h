/*
 * The one door for stores to a guest's page tables.
 *
 * After any of these, and whatever they return, page_deferred(current) may be
 * true: then the hypercall is to end soon, and finishes that when it goes on.
 */
#ifndef MM_PT_UPDATE_H
#define MM_PT_UPDATE_H

#include "mm/page_info.h"
#include "x86/paging.h"

struct domain;
struct vcpu;

/*
 * Change entry `index` of the table pg (referenced by the caller, owned by
 * pt_owner) to val; frames in val belong to pg_owner.  References and uses of
 * the new frame are taken before, those of the old one given back after.
 * preserve_ad keeps accessed and dirty bits.
 * -ENOENT: pg is no table in use; -EINVAL: not allowed; -ERESTART: preempted,
 * nothing is stored yet.
 */
int pt_update(struct page_info *pg, unsigned int index, pte_t val,
              bool preserve_ad, struct domain *pt_owner,
              struct domain *pg_owner);

/* The same for a level 1 table, only if the entry still reads `expected`;
 * -EAGAIN if not. */
int pt_update_cmpxchg(struct page_info *pg, unsigned int index, pte_t expected,
                      pte_t val, struct domain *d);

/* The entry that maps va in the running vcpu's present root, as it reads now;
 * 0: none. */
pte_t pt_walk(struct vcpu *v, unsigned long va);

/* Find the level 1 entry for va in the running vcpu's root: the table's frame
 * (referenced) and index.  -EFAULT: a level is missing. */
int pt_walk_l1(struct vcpu *v, unsigned long va, struct page_info **ret_pg,
               unsigned int *ret_index);

/*
 * A guest wrote to va, which a read-only entry maps (pv/ptwr.c decoded it):
 * if the frame is a level 1 table of its own, do the store of `bytes` through
 * pt_update.  -ENOENT: not a page table, so the fault is the guest's.
 * cmpxchg: store only where `bytes` at va read `old`, else -EAGAIN.
 * Interrupts are on.
 */
int pt_emulate_write(struct vcpu *v, unsigned long va, uint64_t val,
                     unsigned int bytes, bool cmpxchg, uint64_t old);

/*
 * Level 1 entries for grants: put `val` at va of the vcpu's root, or at the
 * machine address of an entry (contains_pte); what was there is given back.
 * The caller's reference, and writable use with PTE_RW, belong to the entry
 * from then on; on an error they stay with the caller.
 */
int pt_grant_map(struct vcpu *v, uint64_t host_addr, bool contains_pte,
                 pte_t val);
/* Replace the entry by new_val (a pte that is not present) if it maps mfn,
 * and give back what it held; -EINVAL if it maps another.  The caller flushes
 * the TLBs before its guest goes on. */
int pt_grant_unmap(struct vcpu *v, uint64_t host_addr, bool contains_pte,
                   mfn_t mfn, pte_t new_val);

#endif
