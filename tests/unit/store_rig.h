/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A store with two guests and dom0's kernel on fake rings, and the calls that
 * tests make on it.  A program includes it once.
 */
#ifndef TESTS_UNIT_STORE_RIG_H
#define TESTS_UNIT_STORE_RIG_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>
#include <systemd/sd-event.h>

#include "fake_guest.h"
#include "store/store.h"

#define RIG_TEST(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

static char dir[] = "/tmp/test_store.XXXXXX";
static sd_event *loop;
static struct store *s;
static struct guest guest[FAKE_DOMAINS];

static inline void store_begins(void)
{
    struct store_params params = { .loop = loop, .xc = fake_xc(),
                                   .state_dir = dir, .socket_dir = dir,
                                   .kernel_ring = true };

    assert_int_equal(store_create(&params, &s), 0);
    assert_int_equal(store_start(s), 0);
}

static inline void store_ends(void)
{
    store_destroy(s);
    fake_killed();
}

/* Let the store do all it can. */
static inline void turn(void)
{
    while (sd_event_run(loop, 0) > 0)
        ;
}

static inline void rm_file(const char *name)
{
    char path[64];

    snprintf(path, sizeof(path), "%s/%s", dir, name);
    unlink(path);
}

static inline int setup(void **state)
{
    (void)state;
    fake_reset();
    memset(guest, 0, sizeof(guest));
    for (unsigned int i = 0; i < FAKE_DOMAINS; i++)
        guest[i].domid = i;
    store_begins();
    store_mkdir(s, NULL, "/local/domain/1");
    store_set_perms(s, NULL, "/local/domain/1", "n1");
    store_mkdir(s, NULL, "/local/domain/2");
    store_set_perms(s, NULL, "/local/domain/2", "n2");
    assert_int_equal(store_introduce(s, 1, 100, FAKE_PORT_STORE), 0);
    assert_int_equal(store_introduce(s, 2, 200, FAKE_PORT_STORE), 0);
    return 0;
}

static inline int teardown(void **state)
{
    (void)state;
    store_ends();
    rm_file("store.journal");
    return 0;
}

/* Send a whole request and read until a message came; its type. */
static inline uint32_t call(unsigned int domid, uint32_t type, uint32_t tx,
                            const char *payload, size_t len, char *reply)
{
    char msg[sizeof(struct xsd_sockmsg) + XENSTORE_PAYLOAD_MAX + 1];
    struct guest *g = &guest[domid];
    struct xsd_sockmsg hdr;
    size_t size, at = 0;

    size = guest_request(g, msg, type, tx, payload, len);
    for (int i = 0; i < 100; i++) {
        if (at < size)
            at += guest_put(g, msg + at, size - at);
        turn();
        guest_get(g);
        size_t n = guest_message(g, msg);

        if (!n)
            continue;
        memcpy(&hdr, msg, sizeof(hdr));
        memcpy(reply, msg + sizeof(hdr), hdr.len);
        reply[hdr.len] = 0;
        if (hdr.type != XS_WATCH_EVENT)
            assert_int_equal(hdr.req_id, g->req_id);
        return hdr.type;
    }
    return XS_INVALID;
}

/* The next message without a request: an event, as "path token". */
static inline const char *event(unsigned int domid)
{
    static char text[8192];
    char msg[8192];
    struct xsd_sockmsg hdr;

    turn();
    guest_get(&guest[domid]);
    if (!guest_message(&guest[domid], msg))
        return "";
    memcpy(&hdr, msg, sizeof(hdr));
    assert_int_equal(hdr.type, XS_WATCH_EVENT);
    snprintf(text, sizeof(text), "%s %s", msg + sizeof(hdr),
             msg + sizeof(hdr) + strlen(msg + sizeof(hdr)) + 1);
    return text;
}

static inline uint32_t begin(unsigned int domid)
{
    char reply[8192];

    assert_int_equal(call(domid, XS_TRANSACTION_START, 0, "", 1, reply),
                     XS_TRANSACTION_START);
    return atoi(reply);
}

static inline const char *end(unsigned int domid, uint32_t tx,
                              const char *how)
{
    static char reply[8192];

    call(domid, XS_TRANSACTION_END, tx, how, 2, reply);
    return reply;
}

static inline int group_setup(void **state)
{
    (void)state;
    return mkdtemp(dir) && sd_event_default(&loop) >= 0 ? 0 : -1;
}

static inline int group_teardown(void **state)
{
    (void)state;
    sd_event_unref(loop);
    rm_file("store.lock");
    rm_file("socket");
    rm_file("socket_ro");
    return rmdir(dir);
}

#endif
