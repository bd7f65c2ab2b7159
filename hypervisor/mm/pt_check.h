/*
 * May an entry have these bits?  What does it become?  Pure.
 */
#ifndef MM_PT_CHECK_H
#define MM_PT_CHECK_H

#include "x86/paging.h"

/* Slots of a root that belong to the guest. */
static inline bool slot_is_guest(unsigned int slot)
{
    return slot < HV_FIRST_SLOT || slot > HV_LAST_SLOT;
}

/*
 * A present entry of level lvl (2 to 4) that names a table: -EINVAL for large
 * pages and cache attributes.  On success *e reads as it is to be stored.
 */
int pt_check_table(pte_t *e);

/*
 * A present entry of level 1.  The guest's kernel runs in ring 3, so every
 * page gets PTE_USER.  Kernel pages (no PTE_USER given, or PTE_GUEST_KERNEL)
 * are not global, those of user mode are.  cacheable: -EINVAL for any other
 * cache attribute than write-back.
 */
int pt_check_leaf(pte_t *e, bool cacheable);

#endif
