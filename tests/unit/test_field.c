/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Field tables: JSON to structs and back. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <json-c/json.h>
#include <stdlib.h>
#include <string.h>

#include "util/field.h"
#include "util/strlist.h"

struct sample {
    char *text;
    int64_t number;
    bool flag;
    int word;
    struct strlist list;
    struct json_object *any;
};

static const char *const words[] = { "red", "green", NULL };

#define AT(f) offsetof(struct sample, f)

static const struct field fields[] = {
    { "text", FIELD_STRING, AT(text), true, 0, 0, 0, NULL },
    { "number", FIELD_INT, AT(number), false, 1, 9, -1, NULL },
    { "flag", FIELD_BOOL, AT(flag), false, 0, 0, 0, NULL },
    { "word", FIELD_WORD, AT(word), false, 0, 0, 0, words },
    { "list", FIELD_STRINGS, AT(list), false, 0, 0, 0, NULL },
    { "any", FIELD_JSON, AT(any), false, 0, 0, 0, NULL },
    { NULL, 0, 0, false, 0, 0, 0, NULL }
};

static int read_text(const char *text, struct sample *s, char **error)
{
    struct json_object *o = json_tokener_parse(text);
    int rc;

    *s = (struct sample){ 0 };
    *error = NULL;
    fields_init(fields, s);
    rc = fields_read(fields, o, s, error);
    json_object_put(o);
    return rc;
}

static void test_round_trip(void **state)
{
    static const char text[] = "{ \"text\": \"a\", \"number\": 3, \"flag\": "
        "true, \"word\": \"green\", \"list\": [ \"x\", \"y\" ], \"any\": "
        "{ \"k\": 1 } }";
    struct json_object *out = json_object_new_object();
    struct sample s;
    char *error;

    (void)state;
    assert_int_equal(read_text(text, &s, &error), 0);
    assert_int_equal(s.word, 1);
    assert_int_equal(s.list.nr, 2);
    fields_write(fields, &s, out);
    assert_string_equal(json_object_to_json_string(out), text);
    json_object_put(out);
    fields_fini(fields, &s);
}

static void test_absent(void **state)
{
    struct json_object *out = json_object_new_object();
    struct sample s;
    char *error;

    (void)state;
    assert_int_equal(read_text("{\"text\":\"a\"}", &s, &error), 0);
    assert_int_equal(s.number, -1);
    s.list.nr = 0;
    fields_write(fields, &s, out);
    assert_string_equal(json_object_to_json_string(out),
                        "{ \"text\": \"a\", \"list\": [ ] }");
    json_object_put(out);
    fields_fini(fields, &s);
}

/* Claim: each of these is refused by a line with the parameter's name. */
static const char *const bad[][2] = {
    { "{}", "text" }, { "{\"text\":1}", "text" },
    { "{\"text\":\"a\",\"number\":0}", "number" },
    { "{\"text\":\"a\",\"number\":10}", "number" },
    { "{\"text\":\"a\",\"number\":1.5}", "number" },
    { "{\"text\":\"a\",\"flag\":1}", "flag" },
    { "{\"text\":\"a\",\"word\":\"blue\"}", "word" },
    { "{\"text\":\"a\",\"word\":2}", "word" },
    { "{\"text\":\"a\",\"list\":[1]}", "list" },
    { "{\"text\":\"a\",\"list\":\"x\"}", "list" },
    { "{\"text\":\"a\",\"colour\":1}", "colour" },
    { "{\"text\":\"a\\u0000b\"}", "text" },
    { "[1]", "object" },
};

static void test_bad(void **state)
{
    struct sample s;
    char *error;

    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        assert_int_equal(read_text(bad[i][0], &s, &error), -EINVAL);
        if (!strstr(error, bad[i][1]))
            fail_msg("%s: %s", bad[i][0], error);
        free(error);
        fields_fini(fields, &s);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_round_trip),
        cmocka_unit_test(test_absent),
        cmocka_unit_test(test_bad),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
