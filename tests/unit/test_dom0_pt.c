/* boot/dom0_pt.c: the tables map what the layout says, and nothing else. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include <sys/mman.h>

#include "boot/dom0_pt.h"
#include "lib/abi.h"
#include "mm/frame_table.h"

#define DEBIAN { .virt_base = 0xffffffff80000000, .p2m_base = 0x8000000000, \
                 .nr_pages = 0x10000, .nr_initrd = 0x300 }
#define RAM    (0x20000ul * PAGE_SIZE)
#define FLIP   0x5a5a                /* pfn to machine frame, and back */

static mfn_t mfn_of(unsigned long pfn)
{
    return pfn ^ FLIP;
}

/* The leaf for va, 0 if there is none; marks the tables on the way. */
static pte_t walk(const struct dom0_layout *l, unsigned long va)
{
    pte_t *table = mfn_to_virt(mfn_of(l->pt)), e = 0;

    for (int lvl = 4; lvl; lvl--) {
        e = table[PT_INDEX(va, lvl)];
        if (!(e & PTE_PRESENT))
            return 0;
        table = mfn_to_virt(pte_mfn(e));
    }
    return e;
}

/* Not from the heap: to shadow that much of it takes longer than the test. */
static void ram_init(void)
{
    shim_ram = mmap(NULL, RAM, PROT_READ | PROT_WRITE,
                    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    assert_ptr_not_equal(shim_ram, MAP_FAILED);
}

static void check(struct dom0_layout l, unsigned long kernel_end)
{
    unsigned long list = PFN_UP(l.nr_pages * 8), pfn;

    assert_int_equal(dom0_layout(&l, kernel_end), 0);
    ram_init();
    dom0_pt_fill(&l, mfn_of);
    for (pfn = 0; pfn < l.mapped_end; pfn++) {
        pte_t e = walk(&l, l.virt_base + (pfn << PAGE_SHIFT));

        assert_int_equal(pte_mfn(e), mfn_of(pfn));
        assert_int_equal(!!(e & PTE_RW),
                         pfn < l.pt || pfn >= l.pt + l.nr_pt);
    }
    if (l.virt_base + (l.mapped_end << PAGE_SHIFT))
        assert_int_equal(walk(&l, l.virt_base +
                              (l.mapped_end << PAGE_SHIFT)), 0);
    for (pfn = 0; pfn < list; pfn++)
        assert_int_equal(pte_mfn(walk(&l, l.p2m_base + (pfn << PAGE_SHIFT))),
                         mfn_of(l.p2m + pfn));
    /* Tables lie where they should: the frame behind them was not used. */
    assert_true(l.end <= l.nr_pages);
    assert_int_equal(*(pte_t *)mfn_to_virt(mfn_of(l.stack)), 0);
    assert_int_equal(*(pte_t *)mfn_to_virt(mfn_of(l.end)), 0);
    munmap(shim_ram, RAM);
}

static void test_debian(void **state)
{
    struct dom0_layout l = DEBIAN;

    (void)state;
    check(l, 0x4a00);
    assert_int_equal(dom0_layout(&l, 0x4a00), 0);
    assert_int_equal(l.start_info, 0x4a00);
    assert_int_equal(l.pt, 0x4a01);
    assert_int_equal(l.nr_pt, 0x29);
    assert_int_equal(l.mapped_end, 0x4c00);
    assert_int_equal(l.nr_p2m, 0x80 + 3);
}

static void test_others(void **state)
{
    struct dom0_layout l = DEBIAN;

    (void)state;
    for (unsigned long end = 0x3f0; end < 0x440; end++)
        check(l, end);               /* around a boundary of 2 MiB */
    l.initrd_mapped = l.p2m_mapped = true;
    check(l, 0x4a00);
    l = (struct dom0_layout)DEBIAN;
    l.p2m_base = l.virt_base + 0x20000000;
    check(l, 0x4a00);                /* shares tables with the first part */
}

/* Claim: only what is mapped must find room above virt_base, not all memory. */
static void test_large(void **state)
{
    struct dom0_layout l = DEBIAN;

    (void)state;
    l.nr_pages = 1UL << 28;                      /* a TiB */
    assert_int_equal(dom0_layout(&l, 0x4a00), 0);
    assert_int_equal(l.mapped_end, 0x4c00);
    assert_int_equal(l.nr_p2m, (1UL << 19) + 1024 + 2 + 1);
}

static void test_refused(void **state)
{
    struct dom0_layout l = DEBIAN;

    (void)state;
    l.virt_base = -0x200000UL;
    assert_int_equal(dom0_layout(&l, 0x201), -EINVAL);
    assert_int_equal(dom0_layout(&l, 0x1f0), -EINVAL);
    l = (struct dom0_layout)DEBIAN;
    l.nr_pages = 0x4b00;
    assert_int_equal(dom0_layout(&l, 0x4a00), -ENOMEM);
    l = (struct dom0_layout)DEBIAN;
    l.p2m_base = HV_VIRT_START;
    assert_int_equal(dom0_layout(&l, 0x4a00), -EINVAL);
    l = (struct dom0_layout)DEBIAN;
    l.virt_base += PAGE_SIZE;
    assert_int_equal(dom0_layout(&l, 0x4a00), -EINVAL);
    l = (struct dom0_layout)DEBIAN;
    l.virt_base = 1UL << 50;
    assert_int_equal(dom0_layout(&l, 0x4a00), -EINVAL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_debian),
        cmocka_unit_test(test_others),
        cmocka_unit_test(test_large),
        cmocka_unit_test(test_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
