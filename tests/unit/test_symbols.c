/* lib/symbols.c: an address belongs to the last symbol at or below it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "lib/symbols.h"

extern const uint32_t symbol_nr, symbol_low[];
extern const char symbol_names[];
const uint32_t symbol_nr = 4, symbol_low[] = { 0x10, 0x20, 0x20, 0x80 };
const char symbol_names[] = "one\0two\0alias\0three";

static void lookups(void **state)
{
    static const struct { unsigned long addr; const char *text; } cases[] = {
        { 0x10, "one+0" }, { 0x1f, "one+0xf" }, { 0x21, "alias+0x1" },
        { 0x80, "three+0" }, { 0xffff820000000081, "three+0x1" },
    };
    char buf[16];

    (void)state;
    for (unsigned int i = 0; i < ARRAY_SIZE(cases); i++) {
        symbol_format(buf, sizeof(buf), cases[i].addr);
        assert_string_equal(buf, cases[i].text);
    }
    symbol_format(buf, 4, 0x80);
    assert_string_equal(buf, "thr");
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(lookups) };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
