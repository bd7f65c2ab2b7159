/*
 * The frame allocator.
 *
 * A zone holds the frames of one power of two: zone z those from 2^(z-1) to
 * 2^z - 1; so an address limit is a highest zone.  A block never crosses
 * zones, since it is aligned to its size and frame 0 is never given to us.
 *
 * Free blocks are of three classes, which do not merge: clean ones, what the
 * firmware left at boot, and used ones.  The latter may also need a flush of
 * all TLBs since their stamp; it comes before they are scrubbed, else a guest
 * could still write to them.  Idle CPUs clean; who cannot wait cleans itself.
 */
#include "mm/buddy.h"
#include "lib/env.h"
#include "lib/string.h"
#include "mm/frame_table.h"
#include "x86/atomic.h"
#include "x86/cpu.h"
#include "x86/percpu.h"
#include "x86/spinlock.h"
#include "x86/tlb.h"

enum free_class { FREE_CLEAN, FREE_BOOT, FREE_USED, NR_CLASSES };

#define NR_ZONES      33             /* frame numbers have 32 bits */
#define STATE_ORDER   0x1f
#define STATE_CLASS   8              /* shift */
#define STATE_FLUSH   0x8000
#define SCRUB_ORDER   6              /* idle CPUs: 256 KiB at a time */
#define SCRUB_WAIT    128            /* so many an allocation waits for */

/* (h) lock  (a) atomic */
static struct {
    struct spinlock lock;            /* LOCK_HEAP */
    unsigned long nr_free;           /* (h) those being scrubbed included */
    unsigned long claimed;           /* (h) of nr_free, promised to domains */
    bool scrubbing;                  /* (a) a block may be off the lists */
    unsigned int scrubbed;           /* (h) blocks that came back since */
    uint32_t orders[NR_ZONES][NR_CLASSES];   /* (h) bit: list is not empty */
    uint32_t head[NR_ZONES][NR_CLASSES][MAX_ORDER + 1];  /* (h) where so */
} heap = { .lock = SPINLOCK_INIT(LOCK_HEAP) };

static unsigned int zone_of(mfn_t mfn)
{
    return 64 - __builtin_clzl(mfn);
}

static unsigned int block_order(const struct page_info *pg)
{
    return pg->state & STATE_ORDER;
}

static enum free_class block_class(const struct page_info *pg)
{
    return (pg->state >> STATE_CLASS) & 3;
}

static void push_locked(struct page_info *pg, unsigned int order,
                        unsigned int flags)
{
    unsigned int zone = zone_of(page_to_mfn(pg)), class;

    pg->state = flags | order;
    pg->count = PGC_FREE;
    class = block_class(pg);
    if (!(heap.orders[zone][class] & BIT(order)))
        heap.head[zone][class][order] = NO_FRAME;
    frame_list_push(&heap.head[zone][class][order], pg);
    heap.orders[zone][class] |= BIT(order);
}

static void remove_locked(struct page_info *pg)
{
    unsigned int zone = zone_of(page_to_mfn(pg)), order = block_order(pg);
    uint32_t *head = &heap.head[zone][block_class(pg)][order];

    frame_list_remove(head, pg);
    if (*head == NO_FRAME)
        heap.orders[zone][block_class(pg)] &= ~BIT(order);
    pg->count = 0;
}

static void free_locked(struct page_info *pg, unsigned int order,
                        unsigned int flags)
{
    while (order < MAX_ORDER) {
        mfn_t mfn = page_to_mfn(pg), other = mfn ^ BIT(order);
        struct page_info *buddy = mfn_to_page(other);

        if (!other || other > max_mfn || !(buddy->count & PGC_FREE) ||
            block_order(buddy) != order ||
            block_class(buddy) != ((flags >> STATE_CLASS) & 3))
            break;
        remove_locked(buddy);
        flags |= buddy->state & STATE_FLUSH;
        if (other < mfn)
            pg = buddy;
        /* Of two stamps none is known to be the later: 32 bits are not all,
         * and what needs no flush has none.  Now is later than both. */
        if (flags & STATE_FLUSH)
            pg->tlb_stamp = tlb_clock_now();
        order++;
    }
    push_locked(pg, order, flags);
}

/* Take a block off the lists and put back what is more than `order`. */
static void split_locked(struct page_info *pg, unsigned int order)
{
    unsigned int have = block_order(pg), flags = pg->state & ~STATE_ORDER;

    remove_locked(pg);
    while (have > order) {
        have--;
        pg[1UL << have].tlb_stamp = pg->tlb_stamp;
        push_locked(pg + (1UL << have), have, flags);
    }
    pg->state = flags | order;
}

/* The smallest block of at least this order, in the highest zone; of the
 * classes named, in their order. */
static struct page_info *find_locked(unsigned int order, unsigned int max_zone,
                                     const uint8_t *classes, unsigned int nr)
{
    unsigned int zone, i, orders;

    for (zone = max_zone; zone > order; zone--)
        for (i = 0; i < nr; i++) {
            orders = heap.orders[zone][classes[i]] >> order << order;
            if (orders)
                return mfn_to_page(heap.head[zone][classes[i]]
                                            [__builtin_ctz(orders)]);
        }
    return NULL;
}

/* No TLB knows the block, and nothing is left in it. */
static void block_clean(struct page_info *pg, unsigned int order)
{
    if (pg->state & STATE_FLUSH)
        tlb_flush_since(cpu_online_mask, pg->tlb_stamp);
    memset(page_to_virt(pg), 0, PAGE_SIZE << order);
}

static struct page_info *block_take(unsigned int order, unsigned int max_zone,
                                    unsigned int flags)
{
    static const uint8_t prefer[2][NR_CLASSES] = {
        { FREE_CLEAN, FREE_USED, FREE_BOOT },
        { FREE_BOOT, FREE_CLEAN, FREE_USED },
    };
    unsigned long size = 1UL << order;
    unsigned int start = 0;
    struct page_info *pg;
    bool enough, wait;

    for (bool first = true;; first = false, cpu_relax()) {
        spin_lock(&heap.lock);
        pg = NULL;
        enough = heap.nr_free >=
                 size + (flags & ALLOC_CLAIMED ? 0 : heap.claimed);
        if (enough)
            pg = find_locked(order, max_zone, prefer[!!(flags & ALLOC_DIRTY)],
                             NR_CLASSES);
        if (pg) {
            split_locked(pg, order);
            heap.nr_free -= size;
        }
        if (first)
            start = heap.scrubbed;
        /* They come back in a moment, but maybe none that will do. */
        wait = !pg && enough && READ_ONCE(heap.scrubbing) &&
               heap.scrubbed - start < SCRUB_WAIT;
        spin_unlock(&heap.lock);
        if (!wait)
            return pg;
    }
}

struct page_info *frames_alloc(unsigned int order, unsigned int maddr_bits,
                               unsigned int flags)
{
    unsigned int max_zone = NR_ZONES - 1;
    struct page_info *pg;
    enum free_class class;

    if (order > MAX_ORDER)
        return NULL;
    if (maddr_bits)
        max_zone = maddr_bits > PAGE_SHIFT
                   ? MIN(maddr_bits - PAGE_SHIFT, max_zone) : 0;
    pg = block_take(order, max_zone, flags);
    if (!pg)
        return NULL;
    class = block_class(pg);
    if (class == FREE_USED || (class == FREE_BOOT && !(flags & ALLOC_DIRTY)))
        block_clean(pg, order);
    for (unsigned long i = 0; i < 1UL << order; i++)
        pg[i] = (struct page_info){ .owner = DOMID_INVALID, .next = NO_FRAME,
                                    .prev = NO_FRAME };
    return pg;
}

static void block_free(struct page_info *pg, unsigned int order,
                       unsigned int flags)
{
    for (unsigned long i = 0; i < 1UL << order; i++) {
        pg[i].count = pg[i].type = 0;
        pg[i].owner = DOMID_INVALID;
    }
    spin_lock(&heap.lock);
    heap.nr_free += 1UL << order;
    free_locked(pg, order, flags);
    spin_unlock(&heap.lock);
}

void frames_free_guest(struct page_info *pg)
{
    pg->tlb_stamp = tlb_clock_now();
    block_free(pg, 0, STATE_FLUSH | (FREE_USED << STATE_CLASS));
}

void frames_free(struct page_info *pg, unsigned int order)
{
    if (pg->count & PGC_SHARED)
        frames_free_guest(pg);
    else
        block_free(pg, order, FREE_USED << STATE_CLASS);
}

void frames_add(mfn_t first, mfn_t last)
{
    while (first <= last) {
        unsigned int order = 0;

        while (order < MAX_ORDER && !(first & BIT(order)) &&
               first + (2UL << order) - 1 <= last)
            order++;
        if (first)
            block_free(mfn_to_page(first), order, FREE_BOOT << STATE_CLASS);
        first += 1UL << order;
    }
}

unsigned long frames_free_count(void)
{
    return READ_ONCE(heap.nr_free);
}

unsigned long frames_claimed_count(void)
{
    return READ_ONCE(heap.claimed);
}

bool frames_scrub_some(void)
{
    static const uint8_t dirty[] = { FREE_BOOT, FREE_USED };
    static bool boot_over;
    struct page_info *pg;
    unsigned int order = 0;

    /* Classes do not merge, and the boot wants large blocks: CPU 0 is the
     * last one to become idle. */
    if (!boot_over && smp_processor_id())
        return false;
    boot_over = true;
    /* One does it, at the speed of the memory; many stand in line for the lock,
     * each turn of which may take a time slice of another hypervisor's. */
    if (xchg(&heap.scrubbing, true))
        return false;
    spin_lock(&heap.lock);
    pg = find_locked(0, NR_ZONES - 1, dirty, ARRAY_SIZE(dirty));
    if (pg) {
        order = MIN(block_order(pg), SCRUB_ORDER);
        split_locked(pg, order);
    }
    spin_unlock(&heap.lock);
    if (pg) {
        block_clean(pg, order);
        spin_lock(&heap.lock);
        heap.scrubbed++;
        free_locked(pg, order, FREE_CLEAN << STATE_CLASS);
        spin_unlock(&heap.lock);
    }
    WRITE_ONCE(heap.scrubbing, false);
    return pg;
}

int frames_claim(long delta)
{
    int rc = 0;

    spin_lock(&heap.lock);
    if (delta > 0 && heap.claimed + delta > heap.nr_free)
        rc = -ENOMEM;
    else
        heap.claimed += delta;
    spin_unlock(&heap.lock);
    return rc;
}

void *kzalloc(size_t size)
{
    unsigned int order = 0;
    struct page_info *pg;

    while (PAGE_SIZE << order < size)
        order++;
    pg = frames_alloc(order, 0, ALLOC_CLAIMED);
    if (!pg)
        return NULL;
    pg->state = order;
    return page_to_virt(pg);
}

void kfree(void *p)
{
    struct page_info *pg;

    if (!p)
        return;
    pg = mfn_to_page(virt_to_mfn(p));
    frames_free(pg, pg->state);
}
