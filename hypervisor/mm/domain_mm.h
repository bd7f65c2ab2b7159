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
    unsigned long nr_frames;         /* (p) frames owned: tot_pages */
    unsigned long max_frames;        /* (p) limit */
    unsigned long claimed;           /* (p) reserved, not yet allocated */
    uint32_t relinquish_at;          /* progress of domain_mm_relinquish */
    uint8_t relinquish_stage;
    struct spinlock root_lock;       /* LOCK_ROOTS */
    mfn_t window_l3;                 /* (c) of slot WINDOW_SLOT */
    mfn_t shared_info_mfn;           /* (c) */
};

#endif
