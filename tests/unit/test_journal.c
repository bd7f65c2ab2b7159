/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The journal's file: a group is there as a whole or not at all, wherever the
 * file was cut off, and writing it anew beside a running one loses nothing.
 */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

#include "store/journal.h"

static char dir[] = "/tmp/test_journal.XXXXXX";

static char *file(void)
{
    static char path[64];

    snprintf(path, sizeof(path), "%s/store.journal", dir);
    return path;
}

static void record(struct record *r, unsigned int i)
{
    static char text[8][64];
    char *s = text[i % 8];

    snprintf(s, 64, "number %u%.*s", i, i % 40,
             "----------------------------------------");
    *r = (struct record){ .type = REC_SET, .domid = i,
                          .arg = { i, ~i },
                          .part = { { s, strlen(s) + 1 }, { s, i % 5 } } };
}

struct seen {
    unsigned int nr, first;
};

static int check(void *ctx, const struct record *r)
{
    struct seen *seen = ctx;
    struct record want;

    record(&want, seen->first + seen->nr++);
    assert_int_equal(r->type, want.type);
    assert_int_equal(r->domid, want.domid);
    assert_int_equal(r->arg[0], want.arg[0]);
    assert_int_equal(r->arg[1], want.arg[1]);
    assert_string_equal(record_string(r, 0), want.part[0].p);
    assert_int_equal(r->part[1].len, want.part[1].len);
    assert_int_equal(r->part[2].len, 0);
    return 0;
}

static void add(struct journal *j, unsigned int from, unsigned int to)
{
    struct record r;

    for (; from < to; from++) {
        record(&r, from);
        journal_add(j, &r);
    }
    assert_int_equal(journal_commit(j), 0);
}

static unsigned int replay(struct journal *j, size_t *ret_torn)
{
    struct seen seen = { 0, 0 };

    assert_int_equal(journal_replay(j, check, &seen, ret_torn), 0);
    return seen.nr;
}

static void test_round_trip(void **state)
{
    struct journal j, other;
    size_t torn;

    (void)state;
    assert_int_equal(journal_open(&j, dir), 0);
    assert_int_equal(replay(&j, &torn), 0);
    assert_int_equal(journal_open(&other, dir), -EBUSY);
    add(&j, 0, 3);
    add(&j, 3, 3);                      /* an empty group is none */
    add(&j, 3, 7);
    journal_close(&j);
    assert_int_equal(journal_open(&j, dir), 0);
    assert_int_equal(replay(&j, &torn), 7);
    assert_int_equal(torn, 0);
    journal_close(&j);
    unlink(file());
}

static size_t slurp(char *to, size_t max)
{
    FILE *f = fopen(file(), "r");
    size_t n = fread(to, 1, max, f);

    fclose(f);
    return n;
}

static void spill(const char *data, size_t len)
{
    FILE *f = fopen(file(), "w");

    fwrite(data, 1, len, f);
    fclose(f);
}

/* Cut off at each byte: only the groups that end before it are there. */
static void test_truncation(void **state)
{
    static char data[65536];
    unsigned int groups[] = { 0, 1, 4, 5, 11 }, nr = 5;
    size_t end[5], len, torn;
    struct journal j;

    (void)state;
    assert_int_equal(journal_open(&j, dir), 0);
    replay(&j, &torn);
    end[0] = j.size;
    for (unsigned int i = 1; i < nr; i++) {
        add(&j, groups[i - 1], groups[i]);
        end[i] = j.size;
    }
    journal_close(&j);
    len = slurp(data, sizeof(data));
    assert_int_equal(len, end[nr - 1]);
    for (size_t cut = 0; cut <= len; cut++) {
        unsigned int whole = 0;

        while (whole + 1 < nr && end[whole + 1] <= cut)
            whole++;
        spill(data, cut);
        assert_int_equal(journal_open(&j, dir), 0);
        assert_int_equal(replay(&j, &torn), groups[whole]);
        if (cut >= end[0])
            assert_int_equal(torn, cut - end[whole]);
        add(&j, groups[whole], groups[whole] + 2);  /* and it goes on */
        journal_close(&j);
        assert_int_equal(journal_open(&j, dir), 0);
        assert_int_equal(replay(&j, &torn), groups[whole] + 2);
        journal_close(&j);
    }
    unlink(file());
}

/* A damaged byte ends the replay before its group; it never misleads it. */
static void test_damage(void **state)
{
    static char data[65536];
    struct journal j;
    size_t len, torn;

    (void)state;
    assert_int_equal(journal_open(&j, dir), 0);
    replay(&j, &torn);
    add(&j, 0, 3);
    add(&j, 3, 6);
    journal_close(&j);
    len = slurp(data, sizeof(data));
    for (size_t at = 8; at < len; at++) {
        unsigned int got;

        data[at] ^= 0x55;
        spill(data, len);
        data[at] ^= 0x55;
        assert_int_equal(journal_open(&j, dir), 0);
        got = replay(&j, &torn);
        assert_true(got == 0 || got == 3);
        assert_true(torn > 0);
        journal_close(&j);
    }
    unlink(file());
}

static void test_rewrite(void **state)
{
    struct buf b = BUF_INIT;
    struct journal j;
    struct record r;
    size_t torn;

    (void)state;
    assert_int_equal(journal_open(&j, dir), 0);
    replay(&j, &torn);
    add(&j, 100, 200);                  /* what the new one does not need */
    assert_int_equal(journal_rewrite_begin(&j), 0);
    for (unsigned int i = 0; i < 10; i++) {
        record(&r, i);
        record_put(&b, &r);
        if (i % 3 == 0)
            assert_int_equal(journal_rewrite_add(&j, &b), 0);
        add(&j, 10 + i, 11 + i);        /* the old one goes on */
    }
    assert_int_equal(journal_rewrite_add(&j, &b), 0);
    assert_int_equal(journal_rewrite_end(&j), 0);
    add(&j, 20, 25);
    journal_close(&j);
    buf_fini(&b);
    assert_int_equal(journal_open(&j, dir), 0);
    assert_int_equal(replay(&j, &torn), 25);
    /* Given up, the old one is as it was. */
    assert_int_equal(journal_rewrite_begin(&j), 0);
    add(&j, 25, 27);
    journal_close(&j);
    assert_int_equal(journal_open(&j, dir), 0);
    assert_int_equal(replay(&j, &torn), 27);
    journal_close(&j);
    unlink(file());
}

/* A full disk: the file is frozen until it is written anew. */
static void test_failure(void **state)
{
    struct buf b = BUF_INIT;
    struct journal j;
    struct record r;
    size_t torn;
    int good;

    (void)state;
    assert_int_equal(journal_open(&j, dir), 0);
    replay(&j, &torn);
    add(&j, 0, 2);
    good = j.fd;
    j.fd = open("/dev/full", O_RDWR);
    record(&r, 2);
    journal_add(&j, &r);
    assert_int_equal(journal_commit(&j), -EINVAL);  /* from its ftruncate */
    assert_true(j.failed);
    close(j.fd);
    j.fd = good;
    journal_add(&j, &r);
    assert_int_equal(journal_commit(&j), -EIO);
    assert_int_equal(journal_rewrite_begin(&j), 0);
    for (unsigned int i = 0; i < 4; i++) {
        record(&r, i);
        record_put(&b, &r);
    }
    assert_int_equal(journal_rewrite_add(&j, &b), 0);
    assert_int_equal(journal_rewrite_end(&j), 0);
    add(&j, 4, 6);
    journal_close(&j);
    buf_fini(&b);
    assert_int_equal(journal_open(&j, dir), 0);
    assert_int_equal(replay(&j, &torn), 6);
    journal_close(&j);
    unlink(file());
}

static int setup(void **state)
{
    (void)state;
    return mkdtemp(dir) ? 0 : -1;
}

static int teardown(void **state)
{
    char path[64];

    (void)state;
    snprintf(path, sizeof(path), "%s/store.lock", dir);
    unlink(path);
    return rmdir(dir);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_round_trip),
        cmocka_unit_test(test_truncation),
        cmocka_unit_test(test_damage),
        cmocka_unit_test(test_rewrite),
        cmocka_unit_test(test_failure),
    };

    return cmocka_run_group_tests(tests, setup, teardown);
}
