/* lib/cmdline.c: options into variables, and nothing from a bad word. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "lib/cmdline.h"
#include "lib/env.h"

static int flag, three, word;
static unsigned int number;
static char text[8];
static char complaints[256];

static const char *const words[] = { "none", "some", "all", NULL };
static const struct boot_option options[] = {
    { "flag", OPT_FLAG, &flag, 0, NULL },
    { "three", OPT_FLAG, &three, 0, NULL },
    { "number", OPT_UINT, &number, 0, NULL },
    { "word", OPT_WORD, &word, 0, words },
    { "text", OPT_STRING, text, sizeof(text), NULL },
};

/* The host's C library has none. */
size_t strlcpy(char *dst, const char *src, size_t n);
size_t strlcpy(char *dst, const char *src, size_t n)
{
    return snprintf(dst, n, "%s", src);
}

/* In place of the console: what is said of each word. */
void printk(enum log_level level, const char *fmt, ...)
{
    va_list ap;

    (void)level;
    va_start(ap, fmt);
    vsnprintf(complaints + strlen(complaints),
              sizeof(complaints) - strlen(complaints), fmt, ap);
    va_end(ap);
}

static void parse(const char *s)
{
    flag = 0;
    three = -1;
    number = 99;
    word = 99;
    strcpy(text, "old");
    complaints[0] = '\0';
    cmdline_parse(s, options, ARRAY_SIZE(options));
}

static void all_kinds(void **state)
{
    (void)state;
    parse("  flag three=off number=0x10\tword=all text=hello ");
    assert_true(flag);
    assert_int_equal(three, 0);
    assert_int_equal(number, 16);
    assert_int_equal(word, 2);
    assert_string_equal(text, "hello");
    assert_string_equal(complaints, "");
}

static void booleans(void **state)
{
    static const struct { const char *s; bool val; } cases[] = {
        { "flag", true }, { "flag=on", true }, { "flag=1", true },
        { "flag=yes", true }, { "flag flag=no", false },
        { "flag no-flag", false }, { "flag flag=off", false },
    };

    (void)state;
    for (unsigned int i = 0; i < ARRAY_SIZE(cases); i++) {
        parse(cases[i].s);
        assert_int_equal(flag, cases[i].val);
        assert_string_equal(complaints, "");
    }
}

static void bad_words(void **state)
{
    static const char *const bad[] = {
        "flag=maybe", "number", "number=", "number=x", "number=1x",
        "number=4294967296", "number=99999999999999999999", "word",
        "word=", "word=al", "unknown", "unknown=1", "no-number", "no-flag=1",
        "fla", "flags",
    };

    (void)state;
    for (unsigned int i = 0; i < ARRAY_SIZE(bad); i++) {
        char expected[128];

        parse(bad[i]);
        snprintf(expected, sizeof(expected),
                 "Boot option not known or not valid: %s\n", bad[i]);
        assert_string_equal(complaints, expected);
        assert_int_equal(number, 99);
        assert_int_equal(word, 99);
        assert_int_equal(flag, 0);
    }
    parse("text=far-too-long-for-it");
    assert_string_equal(text, "far-too");
}

static void sizes(void **state)
{
    static const struct { const char *s; uint64_t n; } cases[] = {
        { "512", 512 << 10 }, { "1B", 1 }, { "3k", 3 << 10 },
        { "5M", 5 << 20 }, { "7g", 7ULL << 30 }, { "2T", 2ULL << 40 },
        { "0x10M", 16 << 20 },
    };
    const char *end;
    uint64_t n;

    (void)state;
    for (unsigned int i = 0; i < ARRAY_SIZE(cases); i++) {
        assert_true(parse_size(cases[i].s, &end, &n));
        assert_int_equal(n, cases[i].n);
        assert_string_equal(end, "");
    }
    assert_true(parse_size("1G,max:2G", &end, &n));
    assert_string_equal(end, ",max:2G");
    assert_false(parse_size("99999999999999T", &end, &n));
    assert_false(parse_size("M", &end, &n));
}

static void words_are_whole(void **state)
{
    (void)state;
    assert_true(cmdline_has("ro word=1", "word"));
    assert_true(cmdline_has("word ro", "word"));
    assert_true(cmdline_has("ro word", "word"));
    assert_false(cmdline_has("words aword ro=word", "word"));
    assert_false(cmdline_has("", "word"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_kinds),
        cmocka_unit_test(booleans),
        cmocka_unit_test(bad_words),
        cmocka_unit_test(sizes),
        cmocka_unit_test(words_are_whole),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
