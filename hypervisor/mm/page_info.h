/*
 * struct page_info: what the hypervisor knows of a frame.  One for each frame
 * up to the highest of RAM, in the frame table.  Small and without pointers.
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
 * count: references, and PGC_* bits.
 * type:  enum page_type, PGT_* bits, uses of the type.
 */
struct page_info {
    uint64_t count;              /* (a) */
    uint64_t type;               /* (a) */
    uint32_t tlb_stamp;          /* when the last use of a type went, or the
                                    last reference */
    domid_t owner;               /* (c) while referenced */
    uint16_t state;              /* table: entries that hold references, while
                                    it is not validated; free block: its order
                                    and FREE_* flags */
    uint32_t next, prev;         /* frame numbers: the list it is on */
};
_Static_assert(sizeof(struct page_info) == 32, "frame table");

#define NO_FRAME 0xffffffffU

#define PGC_ALLOCATED  BIT(63)   /* the owner's own reference */
#define PGC_SHARED     BIT(62)   /* of the hypervisor, lent to guests */
#define PGC_FREE_LAST  BIT(61)   /* lent no more: the last reference frees */
#define PGC_NOT_RAM    BIT(60)   /* a hole in the frame table */
#define PGC_FREE       BIT(59)   /* first frame of a free block */
#define PGC_FOREIGN    BIT(58)   /* others than the owner have mapped it */
#define PGC_REFS       (BIT(56) - 1)

#define PGT_LOCKED     BIT(63)   /* an entry is being changed */
#define PGT_PARTIAL    BIT(62)   /* part of the entries hold references; owns
                                    a use and a reference of its own */
#define PGT_PINNED     BIT(61)   /* the pin is a use and a reference */
#define PGT_VALIDATED  BIT(60)
#define PGT_SHIFT      56
#define PGT_USES       (BIT(56) - 1)

static inline enum page_type pgt_of(uint64_t type_word)
{
    return (type_word >> PGT_SHIFT) & 7;
}

static inline uint64_t pgt_word(enum page_type type)
{
    return (uint64_t)type << PGT_SHIFT;
}

static inline bool pgt_is_table(enum page_type type)
{
    return type >= PGT_L1 && type <= PGT_L4;
}

#endif
