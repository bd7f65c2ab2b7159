/* drivers/e820.c: the map comes out sorted, without overlaps, merged. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "drivers/e820.h"

#define MB 0x100000ULL

static struct e820_map map_of(const struct e820_entry *e, unsigned int nr)
{
    struct e820_map m = { .nr = nr };

    memcpy(m.e, e, nr * sizeof(*e));
    return m;
}

static void assert_map(const struct e820_map *m, const struct e820_entry *e,
                       unsigned int nr)
{
    assert_int_equal(m->nr, nr);
    for (unsigned int i = 0; i < nr; i++) {
        assert_int_equal(m->e[i].addr, e[i].addr);
        assert_int_equal(m->e[i].size, e[i].size);
        assert_int_equal(m->e[i].type, e[i].type);
    }
}

static void sorted_and_merged(void **state)
{
    const struct e820_entry in[] = {
        { 4 * MB, 2 * MB, E820_RAM }, { 0, 1 * MB, E820_RAM },
        { 1 * MB, 3 * MB, E820_RAM }, { 8 * MB, 0, E820_ACPI },
    };
    const struct e820_entry out[] = { { 0, 6 * MB, E820_RAM } };
    struct e820_map m = map_of(in, 4);

    (void)state;
    e820_sanitize(&m);
    assert_map(&m, out, 1);
}

static void higher_type_wins(void **state)
{
    const struct e820_entry in[] = {
        { 0, 10 * MB, E820_RAM }, { 2 * MB, 1 * MB, E820_RESERVED },
        { 9 * MB, 3 * MB, E820_NVS },
    };
    const struct e820_entry out[] = {
        { 0, 2 * MB, E820_RAM }, { 2 * MB, 1 * MB, E820_RESERVED },
        { 3 * MB, 6 * MB, E820_RAM }, { 9 * MB, 3 * MB, E820_NVS },
    };
    struct e820_map m = map_of(in, 3);

    (void)state;
    e820_sanitize(&m);
    assert_map(&m, out, 4);
    assert_int_equal(e820_type(&m, 2 * MB), E820_RESERVED);
    assert_int_equal(e820_type(&m, 3 * MB), E820_RAM);
    assert_int_equal(e820_type(&m, 12 * MB), 0);
}

static void wrap_is_cut(void **state)
{
    const struct e820_entry in[] = { { 1 * MB, UINT64_MAX, E820_RESERVED } };
    struct e820_map m = map_of(in, 1);

    (void)state;
    e820_sanitize(&m);
    assert_int_equal(m.nr, 1);
    assert_int_equal(m.e[0].addr + m.e[0].size, UINT64_MAX);
}

static void only_ram_changes(void **state)
{
    const struct e820_entry in[] = {
        { 0, 4 * MB, E820_RAM }, { 4 * MB, 1 * MB, E820_RESERVED },
        { 5 * MB, 5 * MB, E820_RAM },
    };
    const struct e820_entry out[] = {
        { 0, 3 * MB, E820_RAM }, { 4 * MB, 1 * MB, E820_RESERVED },
        { 6 * MB, 4 * MB, E820_RAM },
    };
    struct e820_map m = map_of(in, 3);

    (void)state;
    e820_change(&m, 3 * MB, 6 * MB, 0);
    assert_map(&m, out, 3);
    e820_change(&m, 7 * MB, 8 * MB, E820_UNUSABLE);
    assert_int_equal(m.nr, 5);
    assert_int_equal(e820_type(&m, 7 * MB), E820_UNUSABLE);
}

/* Every address keeps the highest type that a random map gave it. */
static void random_maps(void **state)
{
    (void)state;
    srandom(7);
    for (unsigned int round = 0; round < 300; round++) {
        struct e820_map m = { .nr = random() % 20 }, before;

        for (unsigned int i = 0; i < m.nr; i++)
            m.e[i] = (struct e820_entry){ random() % 64, random() % 16,
                                          1 + random() % 5 };
        before = m;
        e820_sanitize(&m);
        for (unsigned int a = 0; a < 80; a++)
            assert_int_equal(e820_type(&m, a), e820_type(&before, a));
        for (unsigned int i = 1; i < m.nr; i++)
            assert_true(m.e[i - 1].addr + m.e[i - 1].size <= m.e[i].addr);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sorted_and_merged),
        cmocka_unit_test(higher_type_wins),
        cmocka_unit_test(wrap_is_cut),
        cmocka_unit_test(only_ram_changes),
        cmocka_unit_test(random_maps),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
