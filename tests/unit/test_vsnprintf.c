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
    SAME("%d %i %u", -5, 7, 9);
    SAME("[%5d|%-5d|%05d|%+d|% d]", 42, 42, 42, 42, 42);
    SAME("[%.3d|%8.3d|%-8.3d]", 7, 7, 7);
    SAME("%x %X %#x %#X %#010x %o", 0xbeef, 0xbeef, 0xbeef, 0xbeef, 0xbeef, 8);
    SAME("%#x %x", 0, 0);
    SAME("%ld %lu %lx %lld %llx", -1L, ~0UL, ~0UL, -1LL, 0x123456789abcULL);
    SAME("%hhx %hx %hhd %hd", 0x1ff, 0x1ffff, 200, 40000);
    SAME("%zu %jd %td", (size_t)3, (intmax_t)-4, (ptrdiff_t)5);
    SAME("%d %ld", INT32_MIN, INT64_MIN);
    SAME("[%*d|%-*d|%*d]", 6, 1, 6, 2, -6, 3);
    SAME("[%.0d]", 5);
}

static void texts(void **state)
{
    char not_terminated[3] = { 'a', 'b', 'c' };

    (void)state;
    SAME("%s|%10s|%-10s|%.2s", "abc", "abc", "abc", "abc");
    SAME("%.3s %.*s", not_terminated, 2, not_terminated);
    SAME("%c%c%5c", 'x', 'y', 'z');
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
