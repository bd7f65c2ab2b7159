/* SPDX-License-Identifier: GPL-2.0-or-later */
/* vif.default.* of xl.conf. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "config/config.h"
#include "device/vif.h"

/* Claim: with this in the file an interface of bridge has these two. */
static const struct {
    const char *text, *given, *bridge, *script;
} cases[] = {
    { "", NULL, NULL, NULL },
    { "# vif.default.bridge=\"br7\"\n", NULL, NULL, NULL },
    { "vif.default.bridge=\"br7\"\n", NULL, "br7", NULL },
    { "vif.default.bridge=\"br7\"\n", "mine", "mine", NULL },
    { "autoballoon=\"off\"\nvif.default.script = 'vif-route'\n"
      "vif.default.bridge='a'\nvif.default.bridge='b'", NULL, "b",
      "vif-route" },
    { "vif.default.bridge=\"\"\n", NULL, NULL, NULL },
    { "vif.default.bridge=7\n", NULL, NULL, NULL },
    { "vif.default.bridge=\"br7\"\noops\n", NULL, NULL, NULL },
};

static void check_text(const char *expected, const char *is)
{
    if (expected && is)
        assert_string_equal(is, expected);
    else
        assert_true(!expected && !is);
}

static void test_files(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct vif_config v = { 0 };
        char path[] = "/tmp/test_vif_defaults.XXXXXX";
        FILE *f = fdopen(mkstemp(path), "w");

        assert_non_null(f);
        fputs(cases[i].text, f);
        fclose(f);
        v.bridge = cases[i].given ? strdup(cases[i].given) : NULL;
        vif_defaults(path, &v);
        unlink(path);
        check_text(cases[i].bridge, v.bridge);
        check_text(cases[i].script, v.script);
        free(v.bridge);
        free(v.script);
    }
}

static void test_no_file(void **state)
{
    struct vif_config v = { 0 };

    (void)state;
    vif_defaults("/no/such/file", &v);
    vif_defaults("/", &v);
    assert_null(v.bridge);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_files),
        cmocka_unit_test(test_no_file),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
