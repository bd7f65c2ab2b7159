/* lib/vsnprintf.c: what it prints is what the C library prints. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

/* Under another name, beside the one of the C library. */
#define vsnprintf hv_vsnprintf
#define snprintf  hv_snprintf
#include "lib/vsnprintf.c"
#undef snprintf
#undef vsnprintf

#define SAME(...)                                            \
    do {                                                     \
        char a[256], b[256];                                 \
        int n = hv_snprintf(a, sizeof(a), __VA_ARGS__);      \
                                                             \
        assert_int_equal(n, snprintf(b, sizeof(b), __VA_ARGS__)); \
        assert_string_equal(a, b);                           \
    } while (0)

static void integers(void **state)
{
    (void)state;
    SAME("%d %u", -5, 9);
    SAME("[%5u|%05u|%5d]", 42, 42, 42);
    SAME("%x %#x %#x %04x %016lx", 0xbeef, 0xbeef, 0, 0xbe, 0x123456789abcUL);
    SAME("%ld %lu %lx %u", -1L, ~0UL, ~0UL, ~0U);
    SAME("%d %ld %u", INT32_MIN, INT64_MIN, 0);
}

static void texts(void **state)
{
    (void)state;
    SAME("%s|%s|%c%c", "abc", "", 'x', '%');
    SAME("100%% %s", "sure");
}

static void cut_to_fit(void **state)
{
    char buf[8];

    (void)state;
    memset(buf, 'X', sizeof(buf));
    assert_int_equal(hv_snprintf(buf, 4, "%s", "abcdefg"), 7);
    assert_string_equal(buf, "abc");
    assert_int_equal(buf[4], 'X');
    assert_int_equal(hv_snprintf(NULL, 0, "%d", 12345), 5);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(integers),
        cmocka_unit_test(texts),
        cmocka_unit_test(cut_to_fit),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
