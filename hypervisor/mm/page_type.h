/*
 * Page types: what a frame may be used for.
 *
 * A frame of a PV domain has at most one type: writable, one of four
 * page-table levels, or descriptor table.  The type count is the number of
 * uses that rely on it; a frame changes type only at count zero.  So no guest
 * can write to a frame that a CPU reads as a page table.
 *
 * States of a frame with type T and n uses:
 *
 *   n = 0                        free to become anything; T is what it was
 *   n >= 1, VALIDATED            in use as T
 *   n = 1, neither bit           busy: one CPU validates it or takes it apart;
 *                                others wait.  They wait for lower levels
 *                                only, so never in a circle
 *   n = 1, PARTIAL               that work was interrupted: entries below
 *                                `state` hold references.  Whoever wants the
 *                                frame as T goes on from there
 *
 * A frame that becomes another type is busy until every CPU has flushed that
 * may hold translations of its former life: by the flush clock, on the owner's
 * dirty CPUs, or on all if other domains have had it mapped.
 *
 * Taking a table apart may leave work over.  It is noted in the running vcpu
 * (put_table), and every hypercall of memory management finishes it first.
 * All functions here want interrupts on.
 */
#ifndef MM_PAGE_TYPE_H
#define MM_PAGE_TYPE_H

#include "mm/frame_table.h"

struct domain;
struct vcpu;

/*
 * Take one use of pg as type, validating it if it is the first.  The caller
 * holds a reference.
 * -EINVAL: has another type in use, or its contents do not pass.
 * -ERESTART: preempted; call again, the work done so far is kept.
 */
int page_type_get(struct page_info *pg, enum page_type type);

/* Give a use back; the last one of a table invalidates it. */
void page_type_put(struct page_info *pg);

/* Reference and use together, of a frame named by a guest. */
int page_get_typed(mfn_t mfn, enum page_type type, const struct domain *d,
                   struct page_info **ret_pg);
void page_put_typed(struct page_info *pg);

/* The same for what the hypervisor writes to, until page_unhold(): the frame's
 * address, in the direct map.  NULL: not d's, or in use as another type. */
void *page_hold(mfn_t mfn, const struct domain *d);
/* Of any address in it; NULL is nothing. */
void page_unhold(const void *va);

/* MMUEXT_PIN_*, MMUEXT_UNPIN_TABLE: -EINVAL, -ERESTART. */
int page_pin(mfn_t mfn, enum page_type level, struct domain *d);
int page_unpin(mfn_t mfn, const struct domain *d);
/* For a dying domain: drop a pin, finish partial work, of a frame to which the
 * caller has a reference. */
void page_drop_pin(struct page_info *pg);

/* Lock a validated table against other changes of its entries: its level.  Not
 * locked: 0 if pg is none, or -ERESTART for a level above 1. */
int page_table_lock(struct page_info *pg);
void page_table_unlock(struct page_info *pg);

/* Is v left with tables to take apart?  Go on: 0 when done, or -ERESTART. */
bool page_deferred(const struct vcpu *v);
int page_deferred_finish(struct vcpu *v);

#endif
