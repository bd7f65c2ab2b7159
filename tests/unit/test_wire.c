/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The wire's words: what is accepted, and that nothing else is. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "store/wire.h"

static void test_size(void **state)
{
    static const struct {
        uint32_t len;
        size_t have;
        int size;
    } cases[] = {
        { 0, 0, 0 }, { 0, 15, 0 }, { 0, 16, 16 }, { 0, 99, 16 },
        { 5, 20, 0 }, { 5, 21, 21 }, { 4096, 5000, 4112 }, { 4096, 4111, 0 },
        { 4097, 16, -EPROTO }, { 0xffffffff, 16, -EPROTO },
        { 0x80000000, 5000, -EPROTO },
    };
    char data[5000] = { 0 };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct xsd_sockmsg msg = { .len = cases[i].len };

        memcpy(data, &msg, sizeof(msg));
        assert_int_equal(wire_size(data, cases[i].have), cases[i].size);
    }
}

static void test_errors(void **state)
{
    (void)state;
    assert_string_equal(wire_error(ENOENT), "ENOENT");
    assert_string_equal(wire_error(EAGAIN), "EAGAIN");
    assert_string_equal(wire_error(EPERM), "EPERM");
    assert_string_equal(wire_error(EPROTO), "EINVAL");
    assert_string_equal(wire_error(-1), "EINVAL");
}

static void test_strings(void **state)
{
    static const struct {
        const char *payload;
        size_t len;
        unsigned int max;
        bool rest;
        int nr;
        size_t left;
    } cases[] = {
        { "a\0b\0", 4, 2, false, 2, 0 },
        { "a\0b\0", 4, 1, false, -EINVAL, 0 },
        { "a\0b\0", 4, 3, false, 2, 0 },
        { "a\0b", 3, 2, false, -EINVAL, 0 },
        { "a\0b", 3, 2, true, 1, 1 },
        { "a\0bcd", 5, 1, true, 1, 3 },
        { "", 0, 1, false, 0, 0 },
        { "\0", 1, 1, false, 1, 0 },
        { "abc", 3, 1, false, -EINVAL, 0 },
        { "abc", 3, 0, true, 0, 3 },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char *copy = malloc(cases[i].len + 1), *s[3], *rest = NULL;

        memcpy(copy, cases[i].payload, cases[i].len);
        copy = realloc(copy, cases[i].len ? cases[i].len : 1);
        assert_int_equal(wire_strings(copy, cases[i].len, s, cases[i].max,
                                      cases[i].rest ? &rest : NULL),
                         cases[i].nr);
        if (rest)
            assert_int_equal(copy + cases[i].len - rest, cases[i].left);
        free(copy);
    }
}

static void test_paths(void **state)
{
    static const struct {
        const char *sent, *path;        /* NULL: refused */
    } cases[] = {
        { "/", "/" }, { "/a", "/a" }, { "/a/b-c_d@e/0Z", "/a/b-c_d@e/0Z" },
        { "a/b", "/local/domain/7/a/b" }, { "0", "/local/domain/7/0" },
        { "@releaseDomain", "@releaseDomain" },
        { "", NULL }, { "//", NULL }, { "/a/", NULL }, { "/a//b", NULL },
        { "a/", NULL }, { "/a b", NULL }, { "/a\n", NULL }, { "/\xc3", NULL },
        { "/a.b", NULL }, { "/a\\", NULL }, { "/a:b", NULL },
    };
    char path[XENSTORE_ABS_PATH_MAX + 1], longest[5000];

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        int rc = wire_path(cases[i].sent, 7, true, path);

        if (cases[i].path ? rc || strcmp(path, cases[i].path) : rc != -EINVAL)
            fail_msg("%s", cases[i].sent);
    }
    assert_int_equal(wire_path("@releaseDomain", 7, false, path), -EINVAL);
    memset(longest, 'a', sizeof(longest));
    *longest = '/';
    longest[XENSTORE_ABS_PATH_MAX] = 0;
    assert_int_equal(wire_path(longest, 7, false, path), 0);
    longest[XENSTORE_ABS_PATH_MAX] = 'a';
    longest[XENSTORE_ABS_PATH_MAX + 1] = 0;
    assert_int_equal(wire_path(longest, 7, false, path), -EINVAL);
    memset(longest, 'a', sizeof(longest));
    longest[XENSTORE_REL_PATH_MAX] = 0;
    assert_int_equal(wire_path(longest, 7, false, path), 0);
    longest[XENSTORE_REL_PATH_MAX] = 'a';
    longest[XENSTORE_REL_PATH_MAX + 1] = 0;
    assert_int_equal(wire_path(longest, 7, false, path), -EINVAL);
}

static void test_numbers(void **state)
{
    static const struct {
        const char *s;
        uint64_t max;
        bool ok;
        uint64_t v;
    } cases[] = {
        { "0", 10, true, 0 }, { "10", 10, true, 10 }, { "11", 10, false, 0 },
        { "9", 5, false, 0 }, { "", 10, false, 0 }, { "-1", 10, false, 0 },
        { "1 ", 10, false, 0 }, { "0x1", 10, false, 0 },
        { "18446744073709551615", UINT64_MAX, true, UINT64_MAX },
        { "18446744073709551616", UINT64_MAX, false, 0 },
        { "99999999999999999999", UINT64_MAX, false, 0 },
        { "4294967296", UINT32_MAX, false, 0 },
    };
    uint64_t v;

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        int rc = wire_number(cases[i].s, cases[i].max, &v);

        if (rc != (cases[i].ok ? 0 : -EINVAL) || (!rc && v != cases[i].v))
            fail_msg("%s", cases[i].s);
    }
}

static void test_perms(void **state)
{
    static const char *const good[] = { "n0", "r1", "w65535", "b32751" };
    static const char *const bad[] = { "", "n", "x1", "1", "n65536", "n-1",
                                       "nn1", "r1 ", "N1" };
    char text[WIRE_PERM_MAX];
    struct perm p;

    (void)state;
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        assert_int_equal(wire_parse_perm(good[i], &p), 0);
        assert_int_equal(wire_format_perm(&p, text), strlen(good[i]) + 1);
        assert_string_equal(text, good[i]);
    }
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        assert_int_equal(wire_parse_perm(bad[i], &p), -EINVAL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_size),
        cmocka_unit_test(test_errors),
        cmocka_unit_test(test_strings),
        cmocka_unit_test(test_paths),
        cmocka_unit_test(test_numbers),
        cmocka_unit_test(test_perms),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
