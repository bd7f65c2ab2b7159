/*
 * The one door for stores to a guest's page tables.
 */
#ifndef MM_PT_UPDATE_H
#define MM_PT_UPDATE_H

#include "mm/page_info.h"
#include "x86/paging.h"

struct domain;
struct vcpu;

/*
 * Change entry `index` of the table pg (locked by its reference and use; of
 * level lvl, owned by pt_owner) to val; frames in val belong to pg_owner.
 * References and uses of the new frame are taken before, those of the old one
 * given back after.  preserve_ad keeps accessed and dirty bits.
 * -EINVAL: not allowed; -EBUSY: a concurrent change won (expected mismatched).
 * -ERESTART: preempted.
 */
int pt_update(struct page_info *pg, unsigned int lvl, unsigned int index,
              pte_t val, bool preserve_ad, struct domain *pt_owner,
              struct domain *pg_owner);

/* The same only if the entry still reads `expected`; -EAGAIN if not.
 * For emulated writes (level 1), which are compare and exchange. */
int pt_update_cmpxchg(struct page_info *pg, unsigned int index, pte_t expected,
                      pte_t val, struct domain *d);

/* Find the level 1 entry that maps va in the running vcpu's root: the table's
 * frame (referenced) and index.  -EFAULT: a level is missing. */
int pt_walk_l1(struct vcpu *v, unsigned long va, struct page_info **ret_pg,
               unsigned int *ret_index);

/*
 * A guest wrote to va, which a read-only entry maps (pv/ptwr.c decoded it):
 * if the frame is a level 1 table of its own, do the store of `bytes` through
 * pt_update.  -ENOENT: not a page table, so the fault is the guest's.
 */
int pt_emulate_write(struct vcpu *v, unsigned long va, uint64_t val,
                     unsigned int bytes, bool cmpxchg, uint64_t old);

/* Level 1 entries for grants: put `val` (frame referenced by the caller, no
 * checks of ownership) at va of the vcpu's root, or at the machine address of
 * an entry (contains_pte); the old entry is given back.  And take it out,
 * only if it maps mfn. */
int pt_grant_map(struct vcpu *v, uint64_t host_addr, bool contains_pte,
                 pte_t val);
int pt_grant_unmap(struct vcpu *v, uint64_t host_addr, bool contains_pte,
                   mfn_t mfn, pte_t new_val);

#endif
