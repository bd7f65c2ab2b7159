/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which watches a change concerns, and what path each is told. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "store/watch.h"

static const char home[] = "/local/domain/3/";

/* Watches, by token; a relative one leaves out the home of domain 3. */
static const struct {
    const char *token, *path;
    bool relative;
} given[] = {
    { "root", "/", false },
    { "a", "/a", false },
    { "ab", "/a/b", false },
    { "ab2", "/a/b", false },
    { "abc", "/a/b/c", false },
    { "ax", "/a/b-x", false },
    { "rel", "/local/domain/3/device", true },
    { "sub", "/local/domain/3/device/vif/0", true },
    { "intro", "@introduceDomain", false },
};

static const struct {
    const char *claim, *path;
    bool removed;
    const char *told;                   /* token=path, sorted */
} cases[] = {
    { "a change is seen at it and above", "/a/b", false,
      "a=/a/b ab2=/a/b ab=/a/b root=/a/b" },
    { "not below", "/a", false, "a=/a root=/a" },
    { "a removal is seen below, as the watched path", "/a", true,
      "a=/a ab2=/a/b ab=/a/b abc=/a/b/c ax=/a/b-x root=/a" },
    { "a name that goes on is another name", "/a/b-x/c", true,
      "a=/a/b-x/c ax=/a/b-x/c root=/a/b-x/c" },
    { "removal of a name with longer neighbours", "/a/b", true,
      "a=/a/b ab2=/a/b ab=/a/b abc=/a/b/c root=/a/b" },
    { "relative watches hear relative paths",
      "/local/domain/3/device/vif", false,
      "rel=device/vif root=/local/domain/3/device/vif" },
    { "also when all of it goes", "/local/domain/3", true,
      "rel=device root=/local/domain/3 sub=device/vif/0" },
    { "nobody but the root", "/z", true, "root=/z" },
    { "a special name only itself", "@introduceDomain", false,
      "intro=@introduceDomain" },
    { "no watch on it", "@releaseDomain", false, "" },
};

struct told {
    char word[16][64];
    int nr;
};

static void tell(void *ctx, struct watch *w, const char *path)
{
    struct told *t = ctx;

    snprintf(t->word[t->nr++], sizeof(t->word[0]), "%s=%s", w->token, path);
}

static int compare(const void *a, const void *b)
{
    return strcmp(a, b);
}

static void test_match(void **state)
{
    struct watch *w[sizeof(given) / sizeof(given[0])];
    size_t nr = sizeof(given) / sizeof(given[0]);
    struct watches ws;

    (void)state;
    watches_init(&ws);
    for (size_t i = 0; i < nr; i++)
        w[i] = watch_add(&ws, given[i].path, given[i].token,
                         given[i].relative ? strlen(home) : 0, NULL);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct told t = { .nr = 0 };
        char line[512] = "";

        watches_match(&ws, cases[i].path, cases[i].removed, tell, &t);
        qsort(t.word, t.nr, sizeof(t.word[0]), compare);
        for (int k = 0; k < t.nr; k++)
            sprintf(line + strlen(line), "%s%s", k ? " " : "", t.word[k]);
        if (strcmp(line, cases[i].told))
            fail_msg("%s: %s", cases[i].claim, line);
    }
    for (size_t i = 0; i < nr; i++)
        watch_del(&ws, w[i]);
    assert_int_equal(ws.count, 0);
    watches_fini(&ws);
}

static void count(void *ctx, struct watch *w, const char *path)
{
    (void)w;
    (void)path;
    ++*(int *)ctx;
}

/* Many watches come and go; each path finds exactly its own. */
static void test_random(void **state)
{
    struct watch *w[400] = { NULL };
    int held[20] = { 0 };
    struct watches ws;
    char path[16];

    (void)state;
    srand(3);
    watches_init(&ws);
    for (int round = 0; round < 20000; round++) {
        int i = rand() % 400, want = held[i % 20], got = 0;

        snprintf(path, sizeof(path), "/%c/%d", 'a' + i % 20 / 5, i % 20);
        watches_match(&ws, path, round % 2, count, &got);
        assert_int_equal(got, want);
        if (w[i]) {
            watch_del(&ws, w[i]);
            w[i] = NULL;
            held[i % 20]--;
        } else {
            w[i] = watch_add(&ws, path, "t", 0, NULL);
            held[i % 20]++;
        }
    }
    for (int i = 0; i < 400; i++)
        if (w[i])
            watch_del(&ws, w[i]);
    watches_fini(&ws);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_match),
        cmocka_unit_test(test_random),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
