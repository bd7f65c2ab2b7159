/*
 * The frame allocator: blocks of 2^order frames, by binary buddies.
 */
#ifndef MM_BUDDY_H
#define MM_BUDDY_H

#include "mm/frame_table.h"

struct domain;

#define MAX_ORDER    18              /* 1 GiB */

/* Allocation flags. */
#define ALLOC_ZERO       0x0         /* cleared: so is every block */
#define ALLOC_DIRTY      0x2         /* except one that may still hold what
                                        the firmware left in it */
#define ALLOC_CLAIMED    0x4         /* out of what is claimed */

/* A block, cleared, no CPU's TLB knows it; NULL when there is none.
 * maddr_bits: it lies below 2^bits; 0: no limit.  Interrupts are on once
 * guests run. */
struct page_info *frames_alloc(unsigned int order, unsigned int maddr_bits,
                               unsigned int flags);
void frames_free(struct page_info *pg, unsigned int order);
/* The same for what a guest has used: every CPU flushes, and the contents are
 * gone, before anyone gets it again. */
void frames_free_guest(struct page_info *pg);
/* Give [first, last] to the allocator, at boot or from the init sections. */
void frames_add(mfn_t first, mfn_t last);
unsigned long frames_free_count(void);
unsigned long frames_claimed_count(void);        /* of these */
/* Scrub some freed frames; false: none is left, or another CPU does it.  For
 * idle CPUs. */
bool frames_scrub_some(void);
/* Move the sum of claims by delta; -ENOMEM if less is free than claimed. */
int frames_claim(long delta);

/* Memory of the hypervisor by address (direct map), whole pages, cleared; NULL.
 * Few objects are smaller than a page, and they are few for each vcpu.
 * kfree(NULL) is nothing. */
void *kzalloc(size_t size);
void kfree(void *p);

static inline void *hv_page_alloc(void)
{
    return kzalloc(PAGE_SIZE);
}

static inline void hv_page_free(void *p)
{
    kfree(p);
}

/* A block as memory of d, each frame counted against d's limit, with the
 * domain's reference taken; in the M2P as INVALID.  NULL: limit or no frames.
 * d's frames are given up by dropping PGC_ALLOCATED: page_release. */
struct page_info *domain_frames_alloc(struct domain *d, unsigned int order,
                                      unsigned int maddr_bits);
/* Drop the domain's own reference, once.  False: it was dropped before. */
bool domain_frame_release(struct page_info *pg);

/* Reserve frames for a domain in building (XENMEM_claim_pages); 0 cancels. */
int domain_claim(struct domain *d, unsigned long nr_frames);

#endif
