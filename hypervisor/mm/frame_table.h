/*
 * Frames of RAM: numbers, structures, addresses; owners and references.
 */
#ifndef MM_FRAME_TABLE_H
#define MM_FRAME_TABLE_H

#include "mm/page_info.h"
#include "x86/addrmap.h"

struct domain;

extern struct page_info *frame_table;    /* [max_mfn + 1] */
extern mfn_t max_mfn;                    /* (c) highest frame of RAM */
extern unsigned long total_frames;       /* (c) RAM, as e820 has it */

/* True for a frame that has a page_info (RAM; not MMIO, not a hole). */
bool mfn_valid(mfn_t mfn);

static inline struct page_info *mfn_to_page(mfn_t mfn)
{
    return &frame_table[mfn];
}

static inline mfn_t page_to_mfn(const struct page_info *pg)
{
    return pg - frame_table;
}

static inline void *maddr_to_virt(paddr_t maddr)
{
    return (void *)(DIRECTMAP_START + maddr);
}

static inline void *mfn_to_virt(mfn_t mfn)
{
    return maddr_to_virt(mfn << PAGE_SHIFT);
}

static inline void *page_to_virt(const struct page_info *pg)
{
    return mfn_to_virt(page_to_mfn(pg));
}

/* Of an address in the direct map or in the image. */
paddr_t virt_to_maddr(const void *p);

static inline mfn_t virt_to_mfn(const void *p)
{
    return virt_to_maddr(p) >> PAGE_SHIFT;
}

/* Take a reference to a frame that d owns; false if it does not. */
bool page_get(struct page_info *pg, const struct domain *d);
/* The same by number, with the checks that a guest's number needs; NULL. */
struct page_info *page_get_mfn(mfn_t mfn, const struct domain *d);
/* Give it back; the last one frees the frame (scrubbed before reuse). */
void page_put(struct page_info *pg);

/* Share a frame of the hypervisor's with d, which may map it: writable or
 * read-only; d NULL: any domain (DOMID_XEN).  It is not counted as d's memory
 * and is freed by page_unshare + frames_free. */
void page_share(struct page_info *pg, struct domain *d, bool writable);
/* Undo; true once nobody maps it any more, so that it may be freed. */
bool page_unshare(struct page_info *pg, struct domain *d);

#endif
