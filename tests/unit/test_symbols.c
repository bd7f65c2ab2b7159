/* lib/symbols.c: an address belongs to the last symbol at or below it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "lib/symbols.h"

static void lookups(void **state)
{
    static const uint32_t offsets[] = { 0x10, 0x20, 0x20, 0x80 };
    const struct symbol_table t = { 0x1000, 0x1100, 4, offsets,
                                    "one\0two\0alias\0three" };
    unsigned long off = 0;

    (void)state;
    assert_null(symbol_lookup(&t, 0xfff, &off));
    assert_null(symbol_lookup(&t, 0x100f, &off));
    assert_null(symbol_lookup(&t, 0x1100, &off));
    assert_string_equal(symbol_lookup(&t, 0x1010, &off), "one");
    assert_int_equal(off, 0);
    assert_string_equal(symbol_lookup(&t, 0x101f, &off), "one");
    assert_int_equal(off, 15);
    assert_string_equal(symbol_lookup(&t, 0x1021, &off), "alias");
    assert_string_equal(symbol_lookup(&t, 0x10ff, &off), "three");
    assert_int_equal(off, 0x7f);
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(lookups) };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
