/*
 * Frames of RAM: numbers, structures, addresses; owners and references.
 *
 * There is one struct page_info for each frame up to the highest of RAM, in
 * the frame table.  Small and without pointers.
 */
#ifndef MM_FRAME_TABLE_H
#define MM_FRAME_TABLE_H

#include "lib/abi.h"
#include "x86/addrmap.h"

struct domain;

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

extern struct page_info *frame_table;    /* [max_mfn + 1] */
extern mfn_t max_mfn;                    /* (c) highest frame of RAM */
extern unsigned long total_frames;       /* (c) RAM, as e820 has it */

/* True for a frame of RAM (not MMIO, not a hole); others have no owner. */
static inline bool mfn_valid(mfn_t mfn)
{
    return mfn <= max_mfn && !(frame_table[mfn].count & PGC_NOT_RAM);
}

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
static inline paddr_t virt_to_maddr(const void *p)
{
    unsigned long va = (unsigned long)p;

    return va - (va >= DIRECTMAP_START ? DIRECTMAP_START : IMAGE_START);
}

static inline mfn_t virt_to_mfn(const void *p)
{
    return virt_to_maddr(p) >> PAGE_SHIFT;
}

/* The machine-to-physical table: what a frame's owner calls it.  Guests read
 * it at RO_M2P_START. */
#define M2P_INVALID  (~0UL)

static inline void m2p_set(mfn_t mfn, unsigned long pfn)
{
    ((unsigned long *)RW_M2P_START)[mfn] = pfn;
}

/* Lists of frames by number; NO_FRAME ends them. */
static inline void frame_list_push(uint32_t *head, struct page_info *pg)
{
    pg->prev = NO_FRAME;
    pg->next = *head;
    if (pg->next != NO_FRAME)
        mfn_to_page(pg->next)->prev = page_to_mfn(pg);
    *head = page_to_mfn(pg);
}

static inline void frame_list_remove(uint32_t *head, struct page_info *pg)
{
    if (pg->next != NO_FRAME)
        mfn_to_page(pg->next)->prev = pg->prev;
    if (pg->prev != NO_FRAME)
        mfn_to_page(pg->prev)->next = pg->next;
    else
        *head = pg->next;
}

static inline struct page_info *frame_list_pop(uint32_t *head)
{
    struct page_info *pg = *head == NO_FRAME ? NULL : mfn_to_page(*head);

    if (pg)
        frame_list_remove(head, pg);
    return pg;
}

/* Take a reference to a frame that d owns; false if it does not. */
bool page_get(struct page_info *pg, const struct domain *d);
/* The same by number, with the checks that a guest's number needs; NULL. */
struct page_info *page_get_mfn(mfn_t mfn, const struct domain *d);
/* Give it back; the last one frees the frame (scrubbed before reuse). */
void page_put(struct page_info *pg);

/* Share a frame of the hypervisor's with d, which may map it: writable or
 * read-only; dom_xen: who may name that.  It is not counted as d's memory. */
void page_share(struct page_info *pg, const struct domain *d, bool writable);
/* Undo.  True: nobody maps it, the caller may free it (frames_free).  False:
 * somebody still does, and the last mapping to go frees it. */
bool page_unshare(struct page_info *pg);

#endif
