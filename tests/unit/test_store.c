/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The store as a whole, over rings: what the protocol answers, and what a
 * hostile guest can and cannot do.
 */
#include "store_rig.h"

#include <errno.h>

#include "util/log.h"

struct step {
    const char *claim;
    unsigned int domid;
    uint32_t type;
    const char *payload;                /* | stands for a zero byte */
    const char *reply;                  /* the same; "!E" is an error */
};

static size_t bar_to_zero(char *to, const char *s)
{
    size_t len = strlen(s);

    for (size_t i = 0; i <= len; i++)
        to[i] = s[i] == '|' ? 0 : s[i];
    return len;
}

static void play(const struct step *steps, size_t nr)
{
    for (size_t i = 0; i < nr; i++) {
        char payload[512], want[512], reply[8192];
        size_t len = bar_to_zero(payload, steps[i].payload);
        uint32_t type;

        type = call(steps[i].domid, steps[i].type, 0, payload, len, reply);
        if (*steps[i].reply == '!') {
            if (type != XS_ERROR || strcmp(reply, steps[i].reply + 1))
                fail_msg("%s: type %u, %s", steps[i].claim, type, reply);
            continue;
        }
        len = bar_to_zero(want, steps[i].reply);
        if (type != steps[i].type || memcmp(reply, want, len + 1))
            fail_msg("%s: type %u, %s", steps[i].claim, type, reply);
    }
}

static const struct step protocol[] = {
    { "write", 1, XS_WRITE, "a|hello", "OK|" },
    { "read", 1, XS_READ, "a|", "hello" },
    { "read by full path", 1, XS_READ, "/local/domain/1/a|", "hello" },
    { "an empty value", 1, XS_WRITE, "e|", "OK|" },
    { "reads as nothing", 1, XS_READ, "e|", "" },
    { "a value may have zero bytes", 1, XS_WRITE, "z|x||y", "OK|" },
    { "and has them", 1, XS_READ, "z|", "x||y" },
    { "parents are made", 1, XS_WRITE, "d/e/f|1", "OK|" },
    { "children", 1, XS_DIRECTORY, "|", "!EINVAL" },
    { "children", 1, XS_DIRECTORY, "/local/domain/1|", "a|d|e|z|" },
    { "no children", 1, XS_DIRECTORY, "a|", "" },
    { "of what is not there", 1, XS_DIRECTORY, "nope|", "!ENOENT" },
    { "mkdir", 1, XS_MKDIR, "dir|", "OK|" },
    { "mkdir again", 1, XS_MKDIR, "dir|", "OK|" },
    { "rights are inherited", 1, XS_GET_PERMS, "d/e/f|", "n1|" },
    { "rights set", 1, XS_SET_PERMS, "a|n1|r0|b2|", "OK|" },
    { "rights read", 1, XS_GET_PERMS, "a|", "n1|r0|b2|" },
    { "another may read now", 2, XS_READ, "/local/domain/1/a|", "hello" },
    { "and write", 2, XS_WRITE, "/local/domain/1/a|2", "OK|" },
    { "but not what it may not", 2, XS_READ, "/local/domain/1/z|", "!EACCES" },
    { "nor see whether it is there", 2, XS_READ, "/local/domain/1/q|",
      "!EACCES" },
    { "nor remove", 2, XS_RM, "/local/domain/1/z|", "!EACCES" },
    { "nor set rights", 2, XS_SET_PERMS, "/local/domain/1/a|n2|", "!EACCES" },
    { "nor give away its own", 1, XS_SET_PERMS, "a|n2|", "!EPERM" },
    { "nor write outside", 1, XS_WRITE, "/new|1", "!EACCES" },
    { "domain 0 may", 0, XS_READ, "/local/domain/1/z|", "x||y" },
    { "what dom0 makes below belongs to the guest", 0, XS_WRITE,
      "/local/domain/1/k|1", "OK|" },
    { "as above", 0, XS_GET_PERMS, "/local/domain/1/k|", "n1|" },
    { "rm", 1, XS_RM, "d|", "OK|" },
    { "all below went", 1, XS_READ, "d/e/f|", "!ENOENT" },
    { "rm again", 1, XS_RM, "d|", "OK|" },
    { "rm without a parent", 1, XS_RM, "d/e/f|", "!ENOENT" },
    { "rm of the root", 0, XS_RM, "/|", "!EINVAL" },
    { "own path", 1, XS_GET_DOMAIN_PATH, "17|", "/local/domain/17|" },
    { "is introduced", 1, XS_IS_DOMAIN_INTRODUCED, "2|", "T|" },
    { "is not", 1, XS_IS_DOMAIN_INTRODUCED, "3|", "F|" },
    { "dom0 is", 1, XS_IS_DOMAIN_INTRODUCED, "0|", "T|" },
    { "part of a list", 1, XS_DIRECTORY_PART, "a|x|", "!EINVAL" },
    { "a guest introduces nobody", 1, XS_INTRODUCE, "3|1|1|", "!EACCES" },
    { "nor releases", 1, XS_RELEASE, "2|", "!EACCES" },
    { "nor resumes", 1, XS_RESUME, "1|", "!EACCES" },
    { "nor controls", 1, XS_CONTROL, "help|", "!EACCES" },
    { "targets are not supported", 0, XS_SET_TARGET, "1|2|", "!ENOSYS" },
    { "dom0 introduces", 0, XS_INTRODUCE, "3|1|1|", "OK|" },
    { "but not itself", 0, XS_INTRODUCE, "0|1|1|", "!EINVAL" },
    { "nor nobody", 0, XS_INTRODUCE, "32752|1|1|", "!EINVAL" },
    { "dom0 resumes", 0, XS_RESUME, "3|", "OK|" },
    { "dom0 releases", 0, XS_RELEASE, "3|", "OK|" },
    { "only once", 0, XS_RELEASE, "3|", "!ENOENT" },
    { "unknown request", 1, 20, "", "!ENOSYS" },
    { "unknown request", 1, 22222, "x|", "!ENOSYS" },
    { "an event is no request", 1, XS_WATCH_EVENT, "a|b|", "!ENOSYS" },
    { "nor is an error", 1, XS_ERROR, "EINVAL|", "!ENOSYS" },
    { "no argument", 1, XS_READ, "", "!EINVAL" },
    { "no end", 1, XS_READ, "a", "!EINVAL" },
    { "too many arguments", 1, XS_READ, "a|b|", "!EINVAL" },
    { "bad path", 1, XS_READ, "/a//b|", "!EINVAL" },
    { "special path", 1, XS_READ, "@releaseDomain|", "!EINVAL" },
    { "bad rights", 1, XS_SET_PERMS, "a|q1|", "!EINVAL" },
    { "no rights", 1, XS_SET_PERMS, "a|", "!EINVAL" },
    { "end of no transaction", 1, XS_TRANSACTION_END, "T|", "!ENOENT" },
    { "unwatch of no watch", 1, XS_UNWATCH, "a|t|", "!ENOENT" },
    { "reset", 1, XS_RESET_WATCHES, "|", "OK|" },
};

static void test_protocol(void **state)
{
    (void)state;
    play(protocol, sizeof(protocol) / sizeof(protocol[0]));
}

static void test_transactions(void **state)
{
    char reply[8192];
    uint32_t tx, other;

    (void)state;
    tx = begin(1);
    call(1, XS_WRITE, tx, "a\0001", 3, reply);
    call(1, XS_READ, 0, "a", 2, reply);
    assert_string_equal(reply, "ENOENT");
    call(1, XS_READ, tx, "a", 2, reply);
    assert_string_equal(reply, "1");
    call(1, XS_TRANSACTION_START, tx, "", 1, reply);
    assert_string_equal(reply, "EBUSY");
    call(1, XS_READ, tx + 1, "a", 2, reply);
    assert_string_equal(reply, "ENOENT");
    assert_string_equal(end(1, tx, "T"), "OK");
    call(1, XS_READ, 0, "a", 2, reply);
    assert_string_equal(reply, "1");

    tx = begin(1);
    other = begin(1);
    assert_int_not_equal(tx, other);
    call(1, XS_READ, tx, "a", 2, reply);
    call(1, XS_WRITE, tx, "b\0001", 3, reply);
    call(1, XS_WRITE, other, "a\0002", 3, reply);
    assert_string_equal(end(1, other, "T"), "OK");
    assert_string_equal(end(1, tx, "T"), "EAGAIN");
    call(1, XS_READ, 0, "b", 2, reply);
    assert_string_equal(reply, "ENOENT");

    tx = begin(1);
    call(1, XS_WRITE, tx, "c\0001", 3, reply);
    assert_string_equal(end(1, tx, "F"), "OK");
    assert_string_equal(end(1, tx, "F"), "ENOENT");
    call(1, XS_READ, 0, "c", 2, reply);
    assert_string_equal(reply, "ENOENT");
}

static void test_watches(void **state)
{
    char reply[8192];

    (void)state;
    assert_int_equal(call(1, XS_WATCH, 0, "dev\0tok", 8, reply), XS_WATCH);
    assert_string_equal(event(1), "dev tok");
    call(1, XS_WATCH, 0, "dev\0tok", 8, reply);
    assert_string_equal(reply, "EEXIST");
    store_write(s, NULL, "/local/domain/1/dev/x", "1");
    assert_string_equal(event(1), "dev tok");       /* parents are made */
    assert_string_equal(event(1), "dev/x tok");
    store_write(s, NULL, "/local/domain/1/dev/x", "2");
    assert_string_equal(event(1), "dev/x tok");
    /* Another may not see it, a watch on everything or not. */
    call(2, XS_WATCH, 0, "/\0all", 6, reply);
    assert_string_equal(event(2), "/ all");
    store_write(s, NULL, "/local/domain/1/dev/x", "4");
    assert_string_equal(event(2), "");
    store_set_perms(s, NULL, "/local/domain/1/dev/x", "n1,r2");
    assert_string_equal(event(2), "/local/domain/1/dev/x all");
    event(1), event(1);
    store_rm(s, NULL, "/local/domain/1/dev");
    assert_string_equal(event(1), "dev tok");
    assert_string_equal(event(1), "");
    /* Special watches are domain 0's. */
    call(1, XS_WATCH, 0, "@releaseDomain\0r", 17, reply);
    assert_string_equal(event(1), "@releaseDomain r");
    call(0, XS_WATCH, 0, "@releaseDomain\0r", 17, reply);
    assert_string_equal(event(0), "@releaseDomain r");
    store_announce(s, "@releaseDomain");
    assert_string_equal(event(0), "@releaseDomain r");
    assert_string_equal(event(1), "");
    assert_true(store_is_watched(s, 1, "/local/domain/1/dev"));
    assert_false(store_is_watched(s, 1, "/local/domain/1/dev/x"));
    assert_false(store_is_watched(s, 2, "/local/domain/1/dev"));
    assert_false(store_is_watched(s, 77, "/local/domain/1/dev"));
    call(1, XS_RESET_WATCHES, 0, "", 1, reply);
    assert_false(store_is_watched(s, 1, "/local/domain/1/dev"));
    store_write(s, NULL, "/local/domain/1/dev/x", "5");
    assert_string_equal(event(1), "");
}

/* A list longer than a message: whole names, until an empty one. */
static void test_long_list(void **state)
{
    char path[64], request[64], reply[8192], all[32768];
    size_t at = 0, nr = 0;

    (void)state;
    for (int i = 0; i < 900; i++) {
        snprintf(path, sizeof(path), "/list/number-%04d", i);
        store_write(s, NULL, path, "");
    }
    call(0, XS_DIRECTORY, 0, "/list", 6, reply);
    assert_string_equal(reply, "E2BIG");
    for (;;) {
        int len = snprintf(request, sizeof(request), "/list%c%zu", 0, at) + 1;
        char *p;

        assert_int_equal(call(0, XS_DIRECTORY_PART, 0, request, len, reply),
                         XS_DIRECTORY_PART);
        for (p = reply + strlen(reply) + 1; *p; p += strlen(p) + 1) {
            strcpy(all + at, p);
            at += strlen(p) + 1;
            nr++;
            if (p + strlen(p) + 1 >= reply + XENSTORE_PAYLOAD_MAX - 12)
                break;
        }
        if (nr >= 900)
            break;
    }
    assert_int_equal(nr, 900);
    assert_string_equal(all, "number-0000");
    assert_string_equal(all + at - 12, "number-0899");
}

/* What the log gets from here on, until complained(). */
static FILE *words;
static int own_stderr;

static void listen_to_log(void)
{
    words = tmpfile();
    own_stderr = dup(2);
    assert_true(words && own_stderr >= 0 && dup2(fileno(words), 2) == 2);
}

/* Domain 1 was complained of for all of these, to the end of the list. */
static void complained(const char *const list[])
{
    char text[8192], line[100];
    size_t n;

    assert_int_equal(dup2(own_stderr, 2), 2);
    close(own_stderr);
    rewind(words);
    n = fread(text, 1, sizeof(text) - 1, words);
    text[n] = 0;
    fclose(words);
    for (; *list; list++) {
        snprintf(line, sizeof(line), "domain 1 (no name): %s exceeded\n",
                 *list);
        if (!strstr(text, line))
            fail_msg("no \"%s\" in: %s", line, text);
    }
}

static void test_quotas(void **state)
{
    static const char *const said[] = {
        "quota of bytes in a value", "quota of nodes", "quota of watches",
        "quota of open transactions", "quota of permissions", NULL,
    };
    char payload[XENSTORE_PAYLOAD_MAX], reply[8192];
    int len, i;

    (void)state;
    listen_to_log();
    memset(payload, 'v', sizeof(payload));
    memcpy(payload, "v", 2);
    call(1, XS_WRITE, 0, payload, 2 + 2048, reply);
    assert_string_equal(reply, "OK");
    call(1, XS_WRITE, 0, payload, 2 + 2049, reply);
    assert_string_equal(reply, "ENOSPC");
    for (i = 0; i < 2000; i++) {
        len = snprintf(payload, sizeof(payload), "n/%d", i) + 1;
        call(1, XS_MKDIR, 0, payload, len, reply);
        if (strcmp(reply, "OK"))
            break;
    }
    assert_string_equal(reply, "ENOSPC");
    assert_int_equal(i, 1000 - 3);      /* its home, v, n */
    call(1, XS_RM, 0, "n", 2, reply);
    call(1, XS_MKDIR, 0, "n/1", 4, reply);
    assert_string_equal(reply, "OK");
    for (i = 0; i < 200; i++) {
        len = snprintf(payload, sizeof(payload), "w%c%d", 0, i) + 1;
        if (call(1, XS_WATCH, 0, payload, len, reply) != XS_WATCH)
            break;
        event(1);
    }
    assert_int_equal(i, 128);
    assert_string_equal(reply, "E2BIG");
    for (i = 0; i < 20; i++)
        if (call(1, XS_TRANSACTION_START, 0, "", 1, reply) !=
            XS_TRANSACTION_START)
            break;
    assert_int_equal(i, 10);
    assert_string_equal(reply, "ENOSPC");
    len = bar_to_zero(payload, "v|n1|n2|n3|n4|n5|n6|");
    call(1, XS_SET_PERMS, 0, payload, len, reply);
    assert_string_equal(reply, "ENOSPC");
    complained(said);
}

/* The nodes of a transaction count when it ends, too. */
static void test_transaction_quotas(void **state)
{
    static const char *const said[] = { "quota of nodes",
                                        "quota of nodes in a transaction",
                                        NULL };
    char payload[64], reply[8192];
    uint32_t tx = begin(1), other = begin(1);
    int i;

    (void)state;
    listen_to_log();
    for (i = 0; i < 600; i++) {
        int len = snprintf(payload, sizeof(payload), "p%d", i) + 1;

        call(1, XS_MKDIR, tx, payload, len, reply);
        assert_string_equal(reply, "OK");
        len = snprintf(payload, sizeof(payload), "q%d", i) + 1;
        call(1, XS_MKDIR, other, payload, len, reply);
        assert_string_equal(reply, "OK");
    }
    assert_string_equal(end(1, tx, "T"), "OK");
    assert_string_equal(end(1, other, "T"), "ENOSPC");
    tx = begin(1);
    for (i = 0; i < 2000; i++) {
        int len = snprintf(payload, sizeof(payload), "r%d", i) + 1;

        call(1, XS_READ, tx, payload, len, reply);
        if (!strcmp(reply, "ENOSPC"))
            break;
    }
    assert_int_equal(i, 1024);
    complained(said);
}

/* Requests without reading replies: memory is bounded, and nothing is lost. */
static void test_never_reads(void **state)
{
    char msg[64], got[8192];
    struct guest *g = &guest[1];
    static const char *const said[] = { "quota of unread replies", NULL };
    unsigned int sent = 0, read = 0;
    struct xsd_sockmsg hdr;
    size_t size;

    (void)state;
    listen_to_log();
    for (int i = 0; i < 1000; i++) {
        struct xenstore_domain_interface *ring = fake_store(1);

        size = guest_request(g, msg, XS_READ, 0, "/", 2);
        if (XENSTORE_RING_SIZE - (ring->req_prod - ring->req_cons) < size)
            break;
        guest_put(g, msg, size);
        turn();
        sent++;
    }
    assert_true(sent < 200);
    for (int idle = 0; idle < 3; idle++) {
        turn();
        while (guest_get(g))
            turn();
        while ((size = guest_message(g, got))) {
            memcpy(&hdr, got, sizeof(hdr));
            assert_int_equal(hdr.req_id, ++read);
            idle = 0;
        }
    }
    assert_int_equal(read, sent);
    complained(said);
}

/* Watch events for a guest that does not read: bounded, identical ones one. */
static void test_event_storm(void **state)
{
    struct store_stats before, after;
    static const char *const said[] = { "quota of unread watch events", NULL };
    char reply[8192], path[64];
    size_t bytes = 0, n;

    (void)state;
    listen_to_log();
    call(1, XS_WATCH, 0, "s\0t", 4, reply);
    event(1);
    store_get_stats(s, &before);
    for (int i = 0; i < 20000; i++)
        store_write(s, NULL, "/local/domain/1/s", "x");
    for (int i = 0; i < 40000; i++) {
        snprintf(path, sizeof(path), "/local/domain/1/s/number-%d", i);
        store_write(s, NULL, path, "x");
    }
    store_get_stats(s, &after);
    while ((n = guest_get(&guest[1]))) {
        bytes += n;
        guest[1].in_len = 0;
        turn();
    }
    assert_true(bytes > (1u << 19));
    assert_true(bytes < (1u << 20) + 8192);
    complained(said);
    /* and the other is served as ever */
    call(2, XS_WRITE, 0, "a\0001", 3, reply);
    assert_string_equal(reply, "OK");
}

static void test_garbage(void **state)
{
    static const struct {
        const char *claim;
        uint32_t req_prod, rsp_cons, len;
    } cases[] = {
        { "more requests than the ring holds", 1025, 0, 0 },
        { "requests from the past", 0xffffffff, 0, 0 },
        { "replies read that were never sent", 0, 1, 0 },
        { "replies read far away", 0, 0x80000000, 0 },
        { "a message longer than allowed", 16, 0, 4097 },
        { "a message of 4 GiB", 16, 0, 0xffffffff },
    };
    char reply[8192];

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct xenstore_domain_interface *ring = fake_store(1);
        struct xsd_sockmsg hdr = { .type = XS_READ, .len = cases[i].len };

        memset(ring, 0, sizeof(*ring));
        assert_int_equal(store_introduce(s, 1, 100, FAKE_PORT_STORE), 0);
        memcpy(ring->req, &hdr, sizeof(hdr));
        ring->req_prod = cases[i].req_prod;
        ring->rsp_cons = cases[i].rsp_cons;
        fake_send(1, FAKE_PORT_STORE);
        turn();
        if (!cases[i].req_prod) {       /* found when there is output */
            store_set_perms(s, NULL, "/local/domain/1", "n1");
            guest_put(&guest[1], (char *)&hdr, sizeof(hdr));
            turn();
        }
        if (!ring->error)
            fail_msg("%s", cases[i].claim);
        call(2, XS_READ, 0, "/local/domain/2", 16, reply);
        assert_string_equal(reply, "");
    }
    /* Such a ring can be used again after a proper reconnection. */
    fake_store(1)->connection = XENSTORE_RECONNECT;
    fake_send(1, FAKE_PORT_STORE);
    turn();
    assert_int_equal(fake_store(1)->connection, XENSTORE_CONNECTED);
    assert_int_equal(fake_store(1)->error, XENSTORE_ERROR_NONE);
    memset(&guest[1], 0, sizeof(guest[1]));
    guest[1].domid = 1;
    call(1, XS_WRITE, 0, "a\0001", 3, reply);
    assert_string_equal(reply, "OK");
}

/* Random bytes in the ring, and random indices: nobody else notices. */
static void test_fuzz(void **state)
{
    struct xenstore_domain_interface *ring = fake_store(1);
    char reply[8192];

    (void)state;
    log_set_level(LOG_ERR);             /* each new connection may complain */
    srand(5);
    for (int round = 0; round < 3000; round++) {
        struct xsd_sockmsg hdr = { rand() % 26, rand(), rand() % 3,
                                   rand() % 64 };
        char body[64];

        if (round % 8 == 0) {
            memset(ring, 0, sizeof(*ring));
            assert_int_equal(store_introduce(s, 1, 100, FAKE_PORT_STORE), 0);
        }
        for (size_t i = 0; i < sizeof(body); i++)
            body[i] = "/a1n@|-\0\0\0Tr\n\xff"[rand() % 14];
        if (rand() % 4 == 0)
            hdr.len = rand();
        guest_put(&guest[1], (char *)&hdr, sizeof(hdr));
        guest_put(&guest[1], body, hdr.len < 64 ? hdr.len : 64);
        if (rand() % 16 == 0)
            ring->req_prod = rand();
        if (rand() % 4)
            ring->rsp_cons = ring->rsp_prod;
        turn();
        if (round % 50 == 0)
            assert_int_equal(call(2, XS_WRITE, 0, "a\0001", 3, reply),
                             XS_WRITE);
    }
    log_set_level(LOG_INFO);
}

/* ---- in the daemon itself ---- */

static char heard[256];

static void hear(void *ctx, const char *path)
{
    (void)ctx;
    snprintf(heard + strlen(heard), sizeof(heard) - strlen(heard), "%s ",
             path);
}

static const char *hears(void)
{
    static char text[256];

    *heard = 0;
    turn();
    return strcpy(text, heard);
}

static void test_local(void **state)
{
    struct store_watch *w;
    struct store_tx *tx;
    char *value;

    (void)state;
    w = store_watch(s, "/data", hear, NULL);
    assert_string_equal(hears(), "/data ");
    tx = store_begin(s);
    assert_int_equal(store_write(s, tx, "/data/a", "1"), 0);
    assert_int_equal(store_writef(s, tx, "2", "/data/%s", "b"), 0);
    assert_int_equal(store_set_perms(s, tx, "/data/b", "n1,r2"), 0);
    assert_string_equal(hears(), "");
    assert_int_equal(store_commit(tx), 0);
    assert_string_equal(hears(), "/data /data/a /data/b ");
    tx = store_begin(s);
    assert_int_equal(store_write(s, tx, "/data/c", "1"), 0);
    assert_int_equal(store_write(s, tx, "/data//c", "1"), -EINVAL);
    assert_int_equal(store_commit(tx), -EINVAL);
    assert_null(store_read(s, NULL, "/data/c", NULL));
    tx = store_begin(s);
    store_write(s, tx, "/data/c", "1");
    store_abort(tx);
    assert_string_equal(hears(), "");
    value = store_list(s, NULL, "/data");
    assert_memory_equal(value, "a\0b\0", 5);
    free(value);
    value = store_readf(s, NULL, "/data/%c", 'b');
    assert_string_equal(value, "2");
    free(value);
    assert_int_equal(store_rm(s, NULL, "/data"), 0);
    store_unwatch(w);
    assert_string_equal(hears(), "");
    w = store_watch(s, "@introduceDomain", hear, NULL);
    hears();
    store_introduce(s, 3, 1, FAKE_PORT_STORE);
    assert_string_equal(hears(), "@introduceDomain ");
    store_unwatch(w);
    assert_null(store_watch(s, "/bad//path", hear, NULL));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        RIG_TEST(test_protocol),
        RIG_TEST(test_transactions),
        RIG_TEST(test_watches),
        RIG_TEST(test_long_list),
        RIG_TEST(test_quotas),
        RIG_TEST(test_transaction_quotas),
        RIG_TEST(test_never_reads),
        RIG_TEST(test_event_storm),
        RIG_TEST(test_garbage),
        RIG_TEST(test_fuzz),
        RIG_TEST(test_local),
    };

    return cmocka_run_group_tests(tests, group_setup, group_teardown);
}
