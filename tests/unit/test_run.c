/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Other programs: how they end, what they say, and for how long. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "util/run.h"

/* Claim: a program that ends like this gives this. */
static const struct {
    const char *script;
    int rc;
    const char *text;           /* what the error is */
} cases[] = {
    { "exit 0", 0, "" },
    { "echo out; echo err >&2", 0, "" },
    { "exit 3", -EIO, "sh ended with code 3" },
    { "echo one >&2; echo two >&2; exit 1", -EIO, "sh: one; two" },
    { "printf 'a\n\nb\n\n\n\n' >&2; exit 1", -EIO, "sh: a; b" },
    { "printf 'a\nb\nc\nd' >&2; exit 1", -EIO, "sh: b; c; d" },
    { "echo only out; exit 1", -EIO, "sh ended with code 1" },
    { "kill -9 $$", -EIO, "sh was killed by signal 9" },
    { "head -c 100000 /dev/zero | tr '\\0' x >&2; echo >&2; echo end >&2;"
      "exit 1", -EIO, "sh: end" },
    { "test \"$ZZ_A\" = 'b c' && test -n \"$PATH\"", 0, "" },
    { "test \"$HOME\" = /nowhere", 0, "" },
    { "read x && exit 1; exit 0", 0, "" },
};

static void test_ends(void **state)
{
    static const char *const env[] = { "ZZ_A=b c", "HOME=/nowhere", NULL };

    (void)state;
    setenv("HOME", "/root", 1);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        const char *const argv[] = { "sh", "-c", cases[i].script, NULL };
        struct err err = ERR_INIT;
        int rc = run_program(argv, env, 60, &err);

        if (rc != cases[i].rc || strcmp(err.text, cases[i].text))
            fail_msg("%s: %d, \"%s\"", cases[i].script, rc, err.text);
    }
}

static void test_not_there(void **state)
{
    const char *const argv[] = { "/no/such/program", NULL };
    struct err err = ERR_INIT;

    (void)state;
    assert_int_equal(run_program(argv, NULL, 60, &err), -ENOENT);
    assert_non_null(strstr(err.text, "cannot run /no/such/program: No such"));
}

/* Run a script that writes a process id into the file $1 first. */
static int run_with_child(const char *script, unsigned int seconds,
                          struct err *err, int *ret_child)
{
    char path[] = "/tmp/test_run.XXXXXX", line[20];
    const char *const argv[] = { "sh", "-c", script, "sh", path, NULL };
    int fd = mkstemp(path), rc;
    FILE *f;

    assert_true(fd >= 0);
    rc = run_program(argv, NULL, seconds, err);
    f = fdopen(fd, "r");
    assert_non_null(fgets(line, sizeof(line), f));
    fclose(f);
    unlink(path);
    *ret_child = atoi(line);
    return rc;
}

/* Claim: what goes into the background is neither waited for nor killed. */
static void test_background(void **state)
{
    struct err err = ERR_INIT;
    int pid;

    (void)state;
    assert_int_equal(run_with_child("sleep 1000 & echo $! >$1", 100, &err,
                                    &pid), 0);
    assert_int_equal(kill(pid, SIGKILL), 0);
}

/* Claim: at the limit the program and what it started are killed. */
static void test_limit(void **state)
{
    struct err err = ERR_INIT;
    FILE *f;
    int pid;

    (void)state;
    assert_int_equal(run_with_child("sleep 1000 & echo $! >$1; echo busy >&2;"
                                    "wait", 1, &err, &pid), -ETIMEDOUT);
    assert_string_equal(err.text, "sh did not end within 1 s: busy");
    /* Its parent is gone, too: init takes a moment to bury it. */
    for (int i = 0; i < 6000 && !kill(pid, 0); i++) {
        char stat[64], state_letter = 0;

        snprintf(stat, sizeof(stat), "/proc/%d/stat", pid);
        f = fopen(stat, "r");
        if (f && fscanf(f, "%*d %*s %c", &state_letter) == 1 &&
            state_letter == 'Z') {
            fclose(f);
            return;
        }
        if (f)
            fclose(f);
        usleep(10 * 1000);
    }
    assert_int_equal(kill(pid, 0), -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_ends),
        cmocka_unit_test(test_not_there),
        cmocka_unit_test(test_background),
        cmocka_unit_test(test_limit),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
