/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What xl prints and parses: only the forms that other programs know. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include "xl.h"

#include <cmocka.h>

static const struct {
    const char *json, *letters;
} states[] = {
    { "{}", "------" },
    { "{\"running\":true}", "r-----" },
    { "{\"blocked\":true}", "-b----" },
    { "{\"paused\":true}", "--p---" },
    { "{\"blocked\":true,\"paused\":true}", "-bp---" },
    { "{\"shutdown\":true,\"reason\":\"poweroff\"}", "---s--" },
    { "{\"shutdown\":true,\"paused\":true,\"reason\":\"poweroff\"}",
      "---s--" },
    { "{\"shutdown\":true,\"reason\":\"reboot\"}", "---sr-" },
    { "{\"shutdown\":true,\"reason\":\"suspend\"}", "---ss-" },
    { "{\"shutdown\":true,\"reason\":\"crash\"}", "---sc-" },
    { "{\"shutdown\":true,\"reason\":\"watchdog\"}", "---sc-" },
    { "{\"dying\":true,\"paused\":true}", "-----d" },
    { "{\"dying\":true,\"shutdown\":true,\"reason\":\"poweroff\"}",
      "---s-d" },
    { "{\"dying\":true,\"shutdown\":true,\"reason\":\"reboot\"}", "-----d" },
};

static void test_states(void **state)
{
    char letters[7];

    (void)state;
    for (size_t i = 0; i < sizeof(states) / sizeof(states[0]); i++) {
        struct json_object *o = json_tokener_parse(states[i].json);

        state_letters(o, letters);
        assert_string_equal(letters, states[i].letters);
        json_object_put(o);
    }
}

static void test_uptime(void **state)
{
    char text[40];

    (void)state;
    format_uptime(59, text);
    assert_string_equal(text, " 0:00:59");
    format_uptime(86399, text);
    assert_string_equal(text, "23:59:59");
    format_uptime(86400 + 3661, text);
    assert_string_equal(text, "1 day,  1:01:01");
    format_uptime(3 * 86400, text);
    assert_string_equal(text, "3 days,  0:00:00");
}

static void test_sizes(void **state)
{
    static const struct {
        const char *text;
        int64_t kb;
    } sizes[] = {
        { "256", 262144 }, { "256m", 262144 }, { "1G", 1 << 20 },
        { "4096k", 4096 }, { "8192b", 8 }, { "1t", 1 << 30 }, { "0x10", 16384 },
        { "", -1 }, { "x", -1 }, { "5q", -1 }, { "5mm", -1 }, { "-5", -1 },
        { "99999999999999999999", -1 }, { "9999999999t", -1 },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++)
        assert_int_equal(parse_size(sizes[i].text), sizes[i].kb);
}

static void test_numbers(void **state)
{
    int64_t n;

    (void)state;
    assert_true(parse_number("7", 1, 9, &n) && n == 7);
    assert_false(parse_number("0", 1, 9, &n));
    assert_false(parse_number("10", 1, 9, &n));
    assert_false(parse_number("", 1, 9, &n));
    assert_false(parse_number("7x", 1, 9, &n));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_states),
        cmocka_unit_test(test_uptime),
        cmocka_unit_test(test_sizes),
        cmocka_unit_test(test_numbers),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
