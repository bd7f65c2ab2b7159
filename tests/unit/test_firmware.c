/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which file firmware= stands for. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "domain/domain.h"

static void test_places(void **state)
{
    static const char *const paths[] = { "/no/such", "/dev/null", "/dev/zero",
                                         NULL };
    struct err e = ERR_INIT;
    char *path = firmware_find("pvgrub64", paths, &e);

    (void)state;
    assert_string_equal(path, "/dev/null");
    free(path);
}

/* Claim: a path is taken as it is; the builder says what is wrong with it. */
static void test_path(void **state)
{
    struct err e = ERR_INIT;
    char *path = firmware_find("/no/such", NULL, &e);

    (void)state;
    assert_string_equal(path, "/no/such");
    free(path);
}

static void test_missing(void **state)
{
    static const char *const paths[] = { "/no/such", "/no/other", NULL };
    struct err e = ERR_INIT;

    (void)state;
    assert_null(firmware_find("pvgrub64", paths, &e));
    assert_int_equal(e.rc, -ENOENT);
    assert_non_null(strstr(e.text, "/no/such"));
    assert_non_null(strstr(e.text, "install the package grub-xen-host"));
    assert_null(strchr(e.text, '\n'));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_places),
        cmocka_unit_test(test_path),
        cmocka_unit_test(test_missing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
