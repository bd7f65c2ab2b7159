/*
 * mm/buddy.c: random allocations against a map of who has which frame.
 *
 * Nobody gets what another has; blocks are aligned, below their limit, and
 * clean; used frames are flushed, then scrubbed; after all is given back the
 * memory is whole again.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "mm/buddy.h"
#include "mm/frame_table.h"
#include "x86/percpu.h"
#include "x86/tlb.h"

#define FRAMES 2048
#define FIRST  3
#define BLOCKS 200

struct page_info *frame_table;
mfn_t max_mfn = FRAMES - 1;

static uint32_t clock_now = 1, flushed = 0, since;
static void (*meanwhile)(void);      /* on another CPU, during a flush */
static unsigned int rnd_state = 7;

uint32_t tlb_clock_now(void)
{
    return clock_now;
}

void tlb_flush_since(cpumask_t mask, uint32_t stamp)
{
    assert_int_equal(mask, cpu_online_mask);
    since = stamp;
    if (flushed <= stamp)
        flushed = ++clock_now;
    if (meanwhile)
        meanwhile();
}

static unsigned int rnd(unsigned int n)
{
    rnd_state = rnd_state * 1103515245u + 12345;
    return (rnd_state >> 8) % n;
}

struct block {
    struct page_info *pg;
    unsigned int order;
};

static struct block blocks[BLOCKS];
static bool taken[FRAMES];
static unsigned long nr_taken;

static bool all_zero(const struct page_info *pg, unsigned int order)
{
    const uint64_t *p = page_to_virt(pg);

    for (unsigned long i = 0; i < (PAGE_SIZE << order) / 8; i++)
        if (p[i])
            return false;
    return true;
}

static void take(struct block *b, unsigned int bits, unsigned int flags)
{
    mfn_t mfn;

    b->order = rnd(3) ? 0 : rnd(7);
    b->pg = frames_alloc(b->order, bits, flags);
    if (!b->pg)
        return;
    mfn = page_to_mfn(b->pg);
    assert_true(mfn >= FIRST && mfn % (1UL << b->order) == 0);
    if (bits)
        assert_true((mfn + (1UL << b->order)) << PAGE_SHIFT <= 1UL << bits);
    for (unsigned long i = 0; i < 1UL << b->order; i++) {
        assert_false(taken[mfn + i]);
        taken[mfn + i] = true;
        assert_int_equal(b->pg[i].count, 0);
        assert_int_equal(b->pg[i].type, 0);
    }
    nr_taken += 1UL << b->order;
    if (!(flags & ALLOC_DIRTY))
        assert_true(all_zero(b->pg, b->order));
    memset(page_to_virt(b->pg), 0x5a, PAGE_SIZE << b->order);
}

static void give(struct block *b)
{
    mfn_t mfn = page_to_mfn(b->pg);
    unsigned long i;

    for (i = 0; i < 1UL << b->order; i++)
        taken[mfn + i] = false;
    nr_taken -= 1UL << b->order;
    if (rnd(2)) {
        frames_free(b->pg, b->order);
    } else {
        for (i = 0; i < 1UL << b->order; i++)
            frames_free_guest(&b->pg[i]);
    }
    b->pg = NULL;
}

static int setup(void **state)
{
    (void)state;
    frame_table = calloc(FRAMES, sizeof(*frame_table));
    shim_ram = aligned_alloc(PAGE_SIZE, FRAMES * PAGE_SIZE);
    memset(shim_ram, 0xa5, FRAMES * PAGE_SIZE);
    frames_add(FIRST, FRAMES - 1);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    free(shim_ram);
    free(frame_table);
    return 0;
}

static void random_blocks(void **state)
{
    (void)state;
    assert_int_equal(frames_free_count(), FRAMES - FIRST);
    for (unsigned int i = 0; i < 20000; i++) {
        struct block *b = &blocks[rnd(BLOCKS)];

        if (b->pg)
            give(b);
        else
            take(b, rnd(4) ? 0 : 14 + rnd(10), rnd(5) ? 0 : ALLOC_DIRTY);
        if (!rnd(8))
            frames_scrub_some();
        assert_int_equal(frames_free_count(), FRAMES - FIRST - nr_taken);
    }
    for (unsigned int i = 0; i < BLOCKS; i++)
        if (blocks[i].pg)
            give(&blocks[i]);
    while (frames_scrub_some())
        ;
    assert_int_equal(frames_free_count(), FRAMES - FIRST);
}

/* All is clean and merged: as large as alignment lets it be. */
static void whole_again(void **state)
{
    struct page_info *a = frames_alloc(10, 0, 0);

    (void)state;
    assert_non_null(a);
    assert_int_equal(page_to_mfn(a), 1024);
    assert_null(frames_alloc(10, 0, 0));
    frames_free(a, 10);
    assert_null(frames_alloc(0, 12, 0));
    assert_null(frames_alloc(0, 13, 0));
    assert_null(frames_alloc(MAX_ORDER + 1, 0, 0));
}

static void used_frames_are_flushed_first(void **state)
{
    struct page_info *pg = frames_alloc(0, 14, 0);
    uint32_t stamp;

    (void)state;
    assert_int_equal(page_to_mfn(pg), FIRST);    /* the only one that low */
    stamp = ++clock_now;
    frames_free_guest(pg);
    assert_true(flushed <= stamp);
    pg = frames_alloc(0, 14, 0);
    assert_true(flushed > stamp);
    /* What the hypervisor itself had, no TLB knows. */
    frames_free(pg, 0);
    stamp = ++clock_now;
    assert_int_equal(page_to_mfn(frames_alloc(0, 14, 0)), FIRST);
    assert_true(flushed <= stamp);
    frames_free(mfn_to_page(FIRST), 0);
}

/* Claim: a guest's frame is flushed since it was freed, also beside one that
 * needs no flush, and when the clock has come round. */
static void stamps_merge(void **state)
{
    static const uint32_t clocks[] = { 0x7fffffff, 0x80000001, 0x90000000,
                                       0xfffffff0 };

    (void)state;
    for (unsigned int i = 0; i < 2 * sizeof(clocks) / sizeof(clocks[0]); i++) {
        struct page_info *a = frames_alloc(1, 0, 0);

        clock_now = clocks[i / 2];
        flushed = clock_now - 1;
        if (i % 2)
            frames_free_guest(a + 1);
        frames_free(a, 0);
        if (!(i % 2))
            frames_free_guest(a + 1);
        since = 0;
        while (frames_scrub_some())
            ;
        assert_true(since >= clocks[i / 2]);
        assert_true(flushed > clocks[i / 2]);
    }
}

static void find_scrubber_busy(void)
{
    meanwhile = NULL;
    assert_false(frames_scrub_some());
    frames_free(frames_alloc(0, 0, 0), 0);       /* allocations go on */
}

static void one_cpu_scrubs(void **state)
{
    struct page_info *a = frames_alloc(0, 0, 0);

    (void)state;
    frames_free_guest(a);
    meanwhile = find_scrubber_busy;
    assert_true(frames_scrub_some());
    assert_null(meanwhile);
    while (frames_scrub_some())
        ;
    assert_int_equal(frames_free_count(), FRAMES - FIRST);
}

static void claims(void **state)
{
    unsigned long n = frames_free_count();
    struct page_info *pg;

    (void)state;
    assert_int_equal(frames_claim(n + 1), -ENOMEM);
    assert_int_equal(frames_claim(n), 0);
    assert_int_equal(frames_claim(1), -ENOMEM);
    assert_null(frames_alloc(0, 0, 0));
    pg = frames_alloc(0, 0, ALLOC_CLAIMED);
    assert_non_null(pg);
    assert_int_equal(frames_claim(-1), 0);
    frames_free(pg, 0);
    pg = frames_alloc(0, 0, 0);
    assert_non_null(pg);
    frames_free(pg, 0);
    assert_int_equal(frames_claim(-(long)(n - 1)), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(random_blocks),
        cmocka_unit_test(whole_again),
        cmocka_unit_test(used_frames_are_flushed_first),
        cmocka_unit_test(stamps_merge),
        cmocka_unit_test(one_cpu_scrubs),
        cmocka_unit_test(claims),
    };

    return cmocka_run_group_tests(tests, setup, teardown);
}
