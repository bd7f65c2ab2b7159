/*
 * The memory part of a domain.
 */
#ifndef MM_DOMAIN_MM_H
#define MM_DOMAIN_MM_H

#include "lib/types.h"
#include "x86/spinlock.h"

/* (p) page_lock  (r) root_lock  (c) constant after create */
struct domain_mm {
    struct spinlock page_lock;       /* LOCK_PAGES */
    uint32_t first;                  /* (p) list of frames, by number */
    uint32_t first_left;             /* (p) of a dying domain: frames that
                                        domain_mm_relinquish has seen */
    unsigned long nr_frames;         /* (p) frames owned: tot_pages */
    unsigned long max_frames;        /* (p) limit; ~0: none */
    unsigned long claimed;           /* (p) reserved, not yet allocated */
    struct spinlock root_lock;       /* LOCK_ROOTS */
    mfn_t window_l3;                 /* (c) of slot WINDOW_SLOT */
    mfn_t shared_info_mfn;           /* (c) */
};

#endif
