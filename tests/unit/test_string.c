/* lib/string.c: the same results as the C library has. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#define memcpy  hv_memcpy
#define memmove hv_memmove
#define memset  hv_memset
#define memcmp  hv_memcmp
#define strlen  hv_strlen
#define strcmp  hv_strcmp
#define strncmp hv_strncmp
#define strlcpy hv_strlcpy
#include "lib/string.c"
#undef memcpy
#undef memmove
#undef memset
#undef memcmp
#undef strlen
#undef strcmp
#undef strncmp

#define SIZE 64

static int sign(int x)
{
    return (x > 0) - (x < 0);
}

static void copies(void **state)
{
    unsigned char a[SIZE], b[SIZE];

    (void)state;
    for (unsigned int from = 0; from < 24; from++) {
        for (unsigned int to = 0; to < 24; to++) {
            for (unsigned int n = 0; n < 40; n++) {
                for (unsigned int i = 0; i < SIZE; i++)
                    a[i] = b[i] = i;
                hv_memmove(a + to, a + from, n);
                memmove(b + to, b + from, n);
                assert_memory_equal(a, b, SIZE);
            }
        }
    }
    hv_memset(a + 3, 0x5a, 29);
    memset(b + 3, 0x5a, 29);
    hv_memcpy(a, b + 5, 21);
    memcpy(b, b + 32, 0);
    memmove(b, b + 5, 21);
    assert_memory_equal(a, b, SIZE);
}

static void comparisons(void **state)
{
    static const char *const s[] = { "", "a", "ab", "b", "\xff", "abc" };

    (void)state;
    for (unsigned int i = 0; i < ARRAY_SIZE(s); i++) {
        assert_int_equal(hv_strlen(s[i]), strlen(s[i]));
        for (unsigned int j = 0; j < ARRAY_SIZE(s); j++) {
            assert_int_equal(sign(hv_strcmp(s[i], s[j])),
                             sign(strcmp(s[i], s[j])));
            assert_int_equal(sign(hv_strncmp(s[i], s[j], 2)),
                             sign(strncmp(s[i], s[j], 2)));
            assert_int_equal(sign(hv_memcmp(s[i], s[j], 1)),
                             sign(memcmp(s[i], s[j], 1)));
        }
    }
}

static void bounded_copy(void **state)
{
    char buf[4] = "zzz";

    (void)state;
    assert_int_equal(hv_strlcpy(buf, "abcdef", sizeof(buf)), 6);
    assert_string_equal(buf, "abc");
    assert_int_equal(hv_strlcpy(buf, "x", 1), 1);
    assert_string_equal(buf, "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(copies),
        cmocka_unit_test(comparisons),
        cmocka_unit_test(bounded_copy),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
