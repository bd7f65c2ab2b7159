/*
 * Small objects.
 *
 * A page holds objects of one size, a power of two; the free ones are linked
 * by their offsets through their first two bytes.  What we know of the page is
 * in its page_info: size class in state, offset of the first free object in
 * owner, free objects in tlb_stamp, and the list of pages with free objects in
 * next and prev.  Larger objects are blocks of frames.
 */
#include "lib/env.h"
#include "lib/string.h"
#include "mm/buddy.h"
#include "mm/frame_table.h"
#include "x86/spinlock.h"

#define MIN_SHIFT    5
#define MAX_SHIFT    11              /* half a page */
#define NR_SIZES     (MAX_SHIFT - MIN_SHIFT + 1)
#define STATE_BLOCK  0x100           /* with the order */

static struct spinlock lock = SPINLOCK_INIT(LOCK_HEAP);
static uint32_t partial[NR_SIZES] = {        /* (lock) pages with room */
    [0 ... NR_SIZES - 1] = NO_FRAME,
};

static uint16_t *slot_at(struct page_info *pg, unsigned int offset)
{
    return (uint16_t *)((char *)page_to_virt(pg) + offset);
}

/* A page of free objects of this size class, on its list. */
static bool slab_add(unsigned int class)
{
    void *p = hv_page_alloc();
    unsigned int size = 1U << (class + MIN_SHIFT), at;
    struct page_info *pg;

    if (!p)
        return false;
    pg = mfn_to_page(virt_to_mfn(p));
    for (at = 0; at < PAGE_SIZE; at += size)
        *slot_at(pg, at) = at + size;
    pg->state = class;
    pg->owner = 0;
    pg->tlb_stamp = PAGE_SIZE / size;
    spin_lock(&lock);
    frame_list_push(&partial[class], pg);
    spin_unlock(&lock);
    return true;
}

static void *slab_take(unsigned int class)
{
    struct page_info *pg;
    void *p = NULL;

    spin_lock(&lock);
    if (partial[class] != NO_FRAME) {
        pg = mfn_to_page(partial[class]);
        p = slot_at(pg, pg->owner);
        pg->owner = *(uint16_t *)p;
        if (!--pg->tlb_stamp)
            frame_list_remove(&partial[class], pg);
    }
    spin_unlock(&lock);
    return p;
}

static void *block_alloc(size_t size)
{
    unsigned int order = 0;
    struct page_info *pg;

    while (PAGE_SIZE << order < size)
        order++;
    pg = frames_alloc(order, 0, ALLOC_CLAIMED);
    if (!pg)
        return NULL;
    pg->state = STATE_BLOCK | order;
    return page_to_virt(pg);
}

void *kzalloc(size_t size)
{
    unsigned int class = 0;
    void *p;

    while (class < NR_SIZES && size > 1UL << (class + MIN_SHIFT))
        class++;
    if (class == NR_SIZES)
        return block_alloc(size);
    do
        p = slab_take(class);
    while (!p && slab_add(class));
    if (p)
        memset(p, 0, 1UL << (class + MIN_SHIFT));
    return p;
}

void kfree(void *p)
{
    struct page_info *pg;
    unsigned int size;
    bool empty;

    if (!p)
        return;
    pg = mfn_to_page(virt_to_mfn(p));
    if (pg->state & STATE_BLOCK) {
        frames_free(pg, pg->state & ~STATE_BLOCK);
        return;
    }
    size = 1U << (pg->state + MIN_SHIFT);
    spin_lock(&lock);
    *(uint16_t *)p = pg->owner;
    pg->owner = (unsigned long)p & ~PAGE_MASK;
    if (!pg->tlb_stamp++)
        frame_list_push(&partial[pg->state], pg);
    empty = pg->tlb_stamp == PAGE_SIZE / size;
    if (empty)
        frame_list_remove(&partial[pg->state], pg);
    spin_unlock(&lock);
    if (empty)
        frames_free(pg, 0);
}
