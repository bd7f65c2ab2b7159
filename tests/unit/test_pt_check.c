/* mm/pt_check.c: which bits pass, and what becomes of them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "lib/abi.h"
#include "mm/pt_check.h"
#include "x86/cpu.h"
#include "x86/desc.h"

#define P   PTE_PRESENT
#define PW  (P | PTE_RW)
#define K   PTE_GUEST_KERNEL
#define U   PTE_USER
#define G   PTE_GLOBAL

struct leaf_case {
    const char *claim;
    pte_t in;
    bool cacheable;
    int rc;
    pte_t result;
};

static const struct leaf_case leaves[] = {
    { "kernel pages run in ring 3, but are not global",
      PW, true, 0, PW | U | K },
    { "user pages are global", PW | U, true, 0, PW | U | G },
    { "a kernel page read back and stored again stays one",
      P | U | K, true, 0, P | U | K },
    { "a guest cannot make its kernel's pages global",
      P | U | K | G, true, 0, P | U | K },
    { "nor with plain bits", P | G, true, 0, P | U | K },
    { "the guest's own bits pass", PW | U | PTE_AVAIL | 0x3fUL << 53, true, 0,
      PW | U | G | PTE_AVAIL | 0x3fUL << 53 },
    { "NX stays", P | U | PTE_NX, true, 0, P | U | G | PTE_NX },
    { "who has no devices gets memory as it is", P | PTE_PCD, true, -EINVAL,
      0 },
    { "write-through", P | PTE_PWT, true, -EINVAL, 0 },
    { "PAT", P | PTE_PAT, true, -EINVAL, 0 },
    { "who has devices may choose", P | U | PTE_PCD | PTE_PAT, false, 0,
      P | U | G | PTE_PCD | PTE_PAT },
};

static void leaf_entries(void **state)
{
    (void)state;
    for (unsigned int i = 0; i < ARRAY_SIZE(leaves); i++) {
        const struct leaf_case *c = &leaves[i];
        pte_t e = c->in;

        if (pt_check_leaf(&e, c->cacheable) != c->rc ||
            (!c->rc && e != c->result))
            fail_msg("%s: %#lx became %#lx", c->claim, c->in, e);
    }
}

static void table_entries(void **state)
{
    static const pte_t bad[] = { PTE_PSE, PTE_GLOBAL, PTE_PCD, PTE_PWT };
    pte_t e = PW | PTE_ACCESSED | PTE_NX | PTE_AVAIL;

    (void)state;
    assert_int_equal(pt_check_table(&e), 0);
    assert_true(e == (PW | PTE_ACCESSED | PTE_NX | PTE_AVAIL | U));
    for (unsigned int i = 0; i < ARRAY_SIZE(bad); i++) {
        e = PW | bad[i];
        assert_int_equal(pt_check_table(&e), -EINVAL);
    }
}

static void no_nx_on_the_cpu(void **state)
{
    pte_t leaf = P | U | PTE_NX, entry = P | PTE_NX;

    (void)state;
    cpu_features.nx = false;
    assert_int_equal(pt_check_leaf(&leaf, true), 0);
    assert_int_equal(pt_check_table(&entry), 0);
    cpu_features.nx = true;
    assert_false((leaf | entry) & PTE_NX);
}

static void slots_of_the_root(void **state)
{
    (void)state;
    assert_true(slot_is_guest(0));
    assert_true(slot_is_guest(255));
    assert_false(slot_is_guest(256));
    assert_false(slot_is_guest(271));
    assert_true(slot_is_guest(272));
    assert_true(slot_is_guest(511));
}

static void descriptors(void **state)
{
    uint64_t code0 = 0x00af9b000000ffff, gate = 0x00008c0000000000,
             tss = 0x0000890000000067, gone = 0x00000c0000000000;

    (void)state;
    assert_true(desc_check(&code0));
    assert_true(code0 == 0x00affb000000ffff);    /* ring 3 now */
    assert_false(desc_check(&gate));
    assert_false(desc_check(&tss));
    assert_true(desc_check(&gone));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(leaf_entries),
        cmocka_unit_test(table_entries),
        cmocka_unit_test(no_nx_on_the_cpu),
        cmocka_unit_test(slots_of_the_root),
        cmocka_unit_test(descriptors),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
