/*
 * Page types: what a frame may be used for.
 *
 * A frame of a PV domain has at most one type: writable, one of four
 * page-table levels, or descriptor table.  The type count is the number of
 * uses that rely on it; a frame changes type only at count zero.  So no guest
 * can write to a frame that a CPU reads as a page table.
 */
#ifndef MM_PAGE_TYPE_H
#define MM_PAGE_TYPE_H

#include "mm/page_info.h"

struct domain;

/*
 * Take one use of pg as type, validating it if it is the first.  The caller
 * holds a reference.
 * -EINVAL: has another type in use, or its contents do not pass.
 * -ERESTART: preempted; call again, the work done so far is kept.
 * -EINTR, -EBUSY never leave this interface.
 */
int page_type_get(struct page_info *pg, enum page_type type);

/* Give a use back; the last one of a table invalidates it.  The _preemptible
 * form may return -ERESTART: call again. */
void page_type_put(struct page_info *pg);
int page_type_put_preemptible(struct page_info *pg);

/* Reference and use together, of a frame named by a guest. */
int page_get_typed(mfn_t mfn, enum page_type type, struct domain *d,
                   struct page_info **ret_pg);
void page_put_typed(struct page_info *pg);
int page_put_typed_preemptible(struct page_info *pg);

/* MMUEXT_PIN_*, MMUEXT_UNPIN_TABLE. */
int page_pin(mfn_t mfn, enum page_type level, struct domain *d);
int page_unpin(mfn_t mfn, struct domain *d);

#endif
