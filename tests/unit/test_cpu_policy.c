/* domain/cpu_policy.c: what tools read of CPUID, and what they may choose. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "domain/cpu_policy.h"
#include "domain/domain.h"
#include "domain/guest_ops.h"
#include "mm/buddy.h"
#include "mm/guest_copy.h"

#define LAST     0xd
#define LAST_EXT 0x80000008

static bool unreadable;

void *kzalloc(size_t size)
{
    return calloc(1, size);
}

void kfree(void *p)
{
    free(p);
}

int copy_from_guest(void *dst, const void *src, size_t n)
{
    memcpy(dst, src, n);
    return unreadable ? -EFAULT : 0;
}

int copy_to_guest(void *dst, const void *src, size_t n)
{
    memcpy(dst, src, n);
    return 0;
}

/* A machine with features 0xff in each register, and its limits. */
static struct cpuid_regs host(struct vcpu *v, uint32_t leaf, uint32_t sub)
{
    (void)v;
    (void)sub;
    return (struct cpuid_regs){
        leaf == 0 ? LAST : leaf == 0x80000000 ? LAST_EXT : 0xff,
        0xff, 0xff, 0xff };
}

static const struct guest_ops ops = { .cpuid = host };
const struct guest_ops *guest_ops = &ops;

static xen_cpuid_leaf_t leaves[CPU_POLICY_MAX];

static uint32_t list(const struct domain *d)
{
    uint32_t nr = CPU_POLICY_MAX;

    memset(leaves, 0, sizeof(leaves));
    assert_int_equal(cpu_policy_to_guest(d, leaves, &nr), 0);
    return nr;
}

static void every_leaf_once(void **state)
{
    /* Leaf 4 has 6 subleaves, 7 and 0xb 2 each, 0xd one for each of 8 bits. */
    const uint32_t basic = LAST + 1 - 4 + 6 + 2 + 2 + 8;
    uint32_t nr = list(NULL);

    (void)state;
    assert_int_equal(nr, basic + 9);
    assert_int_equal(leaves[basic].leaf, 0x80000000);
    assert_int_equal(leaves[nr - 1].leaf, LAST_EXT);
    for (uint32_t i = 1; i < nr; i++) {
        if (leaves[i].leaf == leaves[i - 1].leaf)
            assert_int_equal(leaves[i].subleaf, leaves[i - 1].subleaf + 1);
        else
            assert_true(leaves[i].leaf > leaves[i - 1].leaf &&
                        (!leaves[i].subleaf ||
                         leaves[i].subleaf == XEN_CPUID_NO_SUBLEAF));
    }
}

static void room_is_kept_to(void **state)
{
    uint32_t nr = 0;

    (void)state;
    assert_int_equal(cpu_policy_to_guest(NULL, NULL, &nr), 0);
    assert_int_equal(nr, CPU_POLICY_MAX);
    memset(leaves, 0, sizeof(leaves));
    nr = 5;
    assert_int_equal(cpu_policy_to_guest(NULL, leaves, &nr), -ENOBUFS);
    assert_int_equal(nr, 5);
    assert_int_equal(leaves[4].a, 0xff);
    assert_int_equal(leaves[5].a, 0);
}

static void features_may_only_go(void **state)
{
    static struct domain d;
    xen_cpuid_leaf_t bad = { 0 }, want[] = {
        { 7, 0, 1, 0x0f, 0, 0 }, { 1, XEN_CPUID_NO_SUBLEAF, 7, 7, 0x1f, 0x3f },
    };

    (void)state;
    assert_int_equal(cpu_policy_set(&d, want, 2, &bad), 0);
    assert_int_equal(cpu_policy_find(&d, 7, 0)->b, 0x0f);
    assert_int_equal(cpu_policy_find(&d, 1, 9)->d, 0x3f);
    assert_null(cpu_policy_find(&d, 7, 1));
    assert_int_equal(list(&d), list(NULL));
    list(&d);
    assert_int_equal(leaves[1].d, 0x3f);
    assert_int_equal(leaves[2].d, 0xff);

    want[0].b = 0x100;
    assert_int_equal(cpu_policy_set(&d, want, 2, &bad), -EINVAL);
    assert_int_equal(bad.leaf, 7);
    assert_int_equal(bad.b, 0x100);
    want[0].b = 1;
    unreadable = true;
    assert_int_equal(cpu_policy_set(&d, want, 2, &bad), -EFAULT);
    unreadable = false;
    assert_int_equal(cpu_policy_set(&d, want, CPU_POLICY_MAX + 1, &bad),
                     -E2BIG);
    assert_int_equal(cpu_policy_find(&d, 7, 0)->b, 0x0f);    /* as it was */
    free(d.pv.policy);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_leaf_once),
        cmocka_unit_test(room_is_kept_to),
        cmocka_unit_test(features_may_only_go),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
