/*
 * struct page_info: what the hypervisor knows of a frame.  One for each frame
 * of RAM, in the frame table.  Small and without pointers.
 */
#ifndef MM_PAGE_INFO_H
#define MM_PAGE_INFO_H

#include "lib/abi.h"

enum page_type {
    PGT_NONE,
    PGT_L1, PGT_L2, PGT_L3, PGT_L4,  /* page tables */
    PGT_SEG_DESC,                    /* GDT or LDT of a guest */
    PGT_WRITABLE,
};

/*
 * count: references, and PGC_ALLOCATED, the domain's own one.
 * type:  enum page_type, PGT_* bits, uses of the type.
 * The bits and who may change which field are in mm/page_type.h.
 */
struct page_info {
    uint64_t count;              /* (a) */
    uint64_t type;               /* (a) */
    uint32_t tlb_stamp;          /* when the last use of a type went */
    domid_t owner;               /* (c) while referenced */
    uint16_t state;              /* of partial work: entries done; else order
                                    and node of a free block */
    uint32_t next, prev;         /* frame numbers: the list it is on */
};
_Static_assert(sizeof(struct page_info) == 32, "frame table");

#define NO_FRAME 0xffffffffU

#endif
