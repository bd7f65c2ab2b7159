/*
 * mm/domain_mm.c: a domain's frames are counted, claimed and given up, also
 * where it dies while it gets some.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "domain/domain.h"
#include "mm/buddy.h"
#include "mm/page_type.h"
#include "mm/pagetable.h"
#include "x86/percpu.h"
#include "x86/tlb.h"

#define FRAMES 16

unsigned long shim_m2p[FRAMES];
static struct page_info frames[FRAMES];
static char window[PAGE_SIZE];
static struct domain dom;
static struct vcpu vcpu = { .domain = &dom };
static unsigned int refs, nr_free;
static long claimed;
static bool none_left, dies;

struct page_info *frames_alloc(unsigned int order, unsigned int maddr_bits,
                               unsigned int flags)
{
    (void)maddr_bits;
    (void)flags;
    if (dies)
        dom.dying = DOMAIN_DYING;
    if (none_left)
        return NULL;
    nr_free -= 1U << order;
    return &frames[nr_free];
}

void frames_free(struct page_info *pg, unsigned int order)
{
    (void)pg;
    nr_free += 1U << order;
}

void frames_free_guest(struct page_info *pg)
{
    frames_free(pg, 0);
}

int frames_claim(long delta)
{
    claimed += delta;
    return 0;
}

void *kzalloc(size_t size)
{
    (void)size;
    return shim_ram;
}

struct domain *domain_get_by_id(domid_t id)
{
    assert_int_equal(id, dom.id);
    refs++;
    return &dom;
}

void domain_get(struct domain *d)
{
    assert_ptr_equal(d, &dom);
    refs++;
}

void domain_put(struct domain *d)
{
    assert_ptr_equal(d, &dom);
    assert_true(refs-- > 1);
}

int page_deferred_finish(struct vcpu *v)
{
    (void)v;
    return 0;
}

void page_drop_pin(struct page_info *pg)
{
    (void)pg;
}

bool hypercall_should_yield(void)
{
    return false;
}

uint32_t tlb_clock_now(void)
{
    return 1;
}

static int setup(void **state)
{
    (void)state;
    frame_table = frames;
    shim_ram = window;
    max_mfn = FRAMES - 1;
    shim_current = &vcpu;
    memset(&dom, 0, sizeof(dom));
    refs = 1;
    nr_free = FRAMES;
    claimed = 0;
    none_left = dies = false;
    assert_int_equal(domain_mm_init(&dom), 0);
    dom.mm.max_frames = 12;
    return 0;
}

static void counted_and_given_up(void **state)
{
    (void)state;
    assert_non_null(domain_frames_alloc(&dom, 3, 0));
    assert_null(domain_frames_alloc(&dom, 3, 0));    /* its limit */
    assert_non_null(domain_frames_alloc(&dom, 0, 0));
    assert_int_equal(dom.mm.nr_frames, 9);
    assert_int_equal(refs, 2);
    dom.dying = DOMAIN_DYING;
    assert_int_equal(domain_mm_relinquish(&dom), 0);
    assert_int_equal(dom.mm.nr_frames, 0);
    assert_int_equal(nr_free, FRAMES);
    assert_int_equal(refs, 1);
}

static void claims_are_used_up(void **state)
{
    (void)state;
    assert_int_equal(domain_claim(&dom, 6), 0);
    assert_int_equal(claimed, 6);
    none_left = true;
    assert_null(domain_frames_alloc(&dom, 2, 0));
    assert_int_equal(claimed, 6);
    assert_int_equal(refs, 1);
    none_left = false;
    assert_non_null(domain_frames_alloc(&dom, 2, 0));
    assert_int_equal(claimed, 2);
    assert_non_null(domain_frames_alloc(&dom, 2, 0));
    assert_int_equal(claimed, 0);
    assert_int_equal(dom.mm.claimed, 0);
}

/* Nobody would look for frames that come after the list was emptied. */
static void it_dies_meanwhile(void **state)
{
    (void)state;
    dies = true;
    assert_null(domain_frames_alloc(&dom, 2, 0));
    assert_int_equal(nr_free, FRAMES);
    assert_int_equal(dom.mm.nr_frames, 0);
    assert_int_equal(refs, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(counted_and_given_up, setup),
        cmocka_unit_test_setup(claims_are_used_up, setup),
        cmocka_unit_test_setup(it_dies_meanwhile, setup),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
