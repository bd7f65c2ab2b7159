/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A store that is made anew from its journal goes on where the one before
 * stopped: nodes, watches, transactions, and what was under way in the rings.
 */
#include "store_rig.h"

#include <errno.h>

static void restart(void)
{
    store_ends();
    store_begins();
    turn();
}

static void test_restart(void **state)
{
    char reply[8192], *value;
    unsigned int domids[4];
    uint32_t tx;

    (void)state;
    call(1, XS_WRITE, 0, "a\0hello", 7, reply);
    call(1, XS_WRITE, 0, "b/c\0x", 5, reply);
    call(1, XS_RM, 0, "b/c", 4, reply);
    call(1, XS_WATCH, 0, "a\0tok", 6, reply);
    event(1);
    call(1, XS_WATCH, 0, "b\0gone", 7, reply);
    event(1);
    call(1, XS_UNWATCH, 0, "b\0gone", 7, reply);
    tx = begin(1);
    call(1, XS_WRITE, tx, "in\0tx", 5, reply);
    restart();
    assert_int_equal(store_domids(s, domids, 4), 2);
    assert_int_equal(domids[0], 1);
    assert_int_equal(domids[1], 2);
    value = store_read(s, NULL, "/local/domain/1/a", NULL);
    assert_string_equal(value, "hello");
    free(value);
    assert_null(store_read(s, NULL, "/local/domain/1/b/c", NULL));
    call(1, XS_GET_PERMS, 0, "b", 2, reply);
    assert_string_equal(reply, "n1");
    assert_string_equal(event(1), "");
    store_write(s, NULL, "/local/domain/1/a", "2");
    assert_string_equal(event(1), "a tok");
    store_write(s, NULL, "/local/domain/1/b", "2");
    assert_string_equal(event(1), "");
    /* The transaction goes on and sees itself; its end may ask for a retry. */
    call(1, XS_READ, tx, "in", 3, reply);
    assert_string_equal(reply, "tx");
    assert_string_equal(end(1, tx, "T"), "EAGAIN");
    tx = begin(1);
    call(1, XS_WRITE, tx, "in\0tx", 5, reply);
    assert_string_equal(end(1, tx, "T"), "OK");
    restart();
    call(1, XS_READ, 0, "in", 3, reply);
    assert_string_equal(reply, "tx");
}

/* Cut a request at each byte by a restart, and a reply at each byte, too. */
static void test_restart_at_each_byte(void **state)
{
    char value[1500], msg[2048], got[8192];
    struct guest *g = &guest[1];
    struct xsd_sockmsg hdr;
    size_t size, at, len;

    (void)state;
    memset(value, 'v', sizeof(value));
    memcpy(value, "v", 2);
    size = guest_request(g, msg, XS_WRITE, 0, value, sizeof(value));
    for (size_t cut = 1; cut < size; cut += 97) {
        hdr.req_id = g->req_id;
        for (at = 0; at < cut; at += guest_put(g, msg + at, cut - at))
            turn();
        turn();
        restart();
        while (at < size) {
            at += guest_put(g, msg + at, size - at);
            turn();
        }
        guest_get(g);
        len = guest_message(g, got);
        assert_int_equal(len, sizeof(hdr) + 3);
        restart();
        assert_int_equal(guest_get(g), 0);
    }
    /* A reply of 1514 bytes does not fit into the ring at once. */
    for (int i = 0; i < 20; i++) {
        size = guest_request(g, msg, XS_READ, 0, "v", 2);
        guest_put(g, msg, size);
        turn();
        restart();
        guest_get(g);
        restart();
        guest_get(g);
        assert_int_equal(guest_message(g, got), sizeof(hdr) + 1498);
        memcpy(&hdr, got, sizeof(hdr));
        assert_int_equal(hdr.req_id, g->req_id);
        for (int k = 0; k < 1498; k++)
            assert_int_equal(got[sizeof(hdr) + k], 'v');
        assert_int_equal(g->in_len, 0);
    }
}

static void test_restart_without_guest(void **state)
{
    char reply[8192];

    (void)state;
    call(1, XS_WATCH, 0, "a\0t", 4, reply);
    event(1);
    store_ends();
    fake_refuse(1, true);
    store_begins();
    store_write(s, NULL, "/local/domain/1/a", "1");
    turn();
    assert_string_equal(event(1), "");
    fake_refuse(1, false);
    restart();
    assert_string_equal(event(1), "a t");
    assert_int_equal(store_release(s, 1), 0);
    assert_int_equal(store_release(s, 1), -ENOENT);
    restart();
    assert_false(store_is_introduced(s, 1));
    assert_true(store_is_introduced(s, 2));
}

/* Many changes: the journal is written anew, and stays a journal. */
static void test_compaction(void **state)
{
    char path[64], value[256], reply[8192], *got;
    struct store_stats st;
    uint32_t tx;

    (void)state;
    call(1, XS_WATCH, 0, "a\0t", 4, reply);
    event(1);
    tx = begin(1);
    call(1, XS_WRITE, tx, "in\0tx", 5, reply);
    memset(value, 'x', sizeof(value));
    value[255] = 0;
    for (int i = 0; i < 40000; i++) {
        snprintf(path, sizeof(path), "/data/%d", i % 700);
        snprintf(value, 16, "%d", i);
        value[strlen(value)] = ' ';
        store_write(s, NULL, path, value);
        if (i % 10 == 0)
            sd_event_run(loop, 0);
    }
    store_get_stats(s, &st);
    assert_true(st.compactions >= 3);
    assert_true(st.journal_bytes < (4u << 20));
    call(1, XS_READ, tx, "in", 3, reply);
    assert_string_equal(reply, "tx");
    restart();
    for (int i = 0; i < 700; i++) {
        snprintf(path, sizeof(path), "/data/%d", i);
        got = store_read(s, NULL, path, NULL);
        assert_int_equal(atoi(got) % 700, i);
        assert_true(atoi(got) >= 39200);
        free(got);
    }
    store_write(s, NULL, "/local/domain/1/a", "2");
    assert_string_equal(event(1), "a t");
    call(1, XS_READ, tx, "in", 3, reply);
    assert_string_equal(reply, "tx");
    assert_string_equal(end(1, tx, "T"), "EAGAIN");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        RIG_TEST(test_restart),
        RIG_TEST(test_restart_at_each_byte),
        RIG_TEST(test_restart_without_guest),
        RIG_TEST(test_compaction),
    };

    return cmocka_run_group_tests(tests, group_setup, group_teardown);
}
