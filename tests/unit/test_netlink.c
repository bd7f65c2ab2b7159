/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Interfaces by rtnetlink, in a network namespace of the test's own. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "device/netlink.h"
#include "netns.h"

static const uint8_t mac[6] = { 0x00, 0x16, 0x3e, 1, 2, 3 };

static void test_bridges(void **state)
{
    struct link l, port;

    (void)state;
    need_namespace();
    assert_int_equal(link_find("br0", &l), -ENODEV);
    assert_int_equal(link_add_bridge("br0", 77, mac), 0);
    assert_int_equal(link_add_bridge("br0", 77, mac), -EEXIST);
    assert_int_equal(link_find("br0", &l), 0);
    assert_string_equal(l.name, "br0");
    assert_string_equal(l.kind, "bridge");
    assert_int_equal(l.group, 77);
    assert_int_equal(l.mtu, 1500);
    assert_int_equal(l.master, 0);
    assert_false(l.up);
    assert_int_equal(link_set_up(l.index, true), 0);
    assert_int_equal(link_set_mtu(l.index, 1400), 0);
    assert_int_equal(link_find("br0", &l), 0);
    assert_true(l.up);
    assert_int_equal(l.mtu, 1400);
    assert_int_equal(link_set_mtu(l.index, 1 << 30), -EINVAL);
    /* A bridge is no port of a bridge: what the kernel says comes through. */
    assert_int_equal(link_add_bridge("br1", 0, mac), 0);
    assert_int_equal(link_find("br1", &port), 0);
    assert_int_equal(link_set_master(port.index, l.index), -ELOOP);
    assert_int_equal(link_set_name(port.index, "br0"), -EEXIST);
    assert_int_equal(link_set_name(port.index, "other"), 0);
    assert_int_equal(link_find("br1", NULL), -ENODEV);
    assert_int_equal(link_find("other", NULL), 0);
    assert_int_equal(link_delete(port.index), 0);
    assert_int_equal(link_delete(port.index), -ENODEV);
    assert_int_equal(link_find("other", NULL), -ENODEV);
}

static void test_addresses(void **state)
{
    struct ipv4_net net = { 0x0a640001, 24, 0 }, *all;
    struct link l;
    unsigned int nr;

    (void)state;
    need_namespace();
    assert_int_equal(link_addresses(&all, &nr), 0);
    assert_int_equal(nr, 0);
    free(all);
    assert_int_equal(link_add_bridge("br0", 0, mac), 0);
    assert_int_equal(link_find("br0", &l), 0);
    net.index = l.index;
    assert_int_equal(link_add_address(&net), 0);
    assert_int_equal(link_add_address(&net), -EEXIST);
    net.addr = 0x0a650001;
    net.prefix = 32;
    assert_int_equal(link_add_address(&net), 0);
    assert_int_equal(link_addresses(&all, &nr), 0);
    assert_int_equal(nr, 2);
    assert_int_equal(all[0].addr, 0x0a640001);
    assert_int_equal(all[0].prefix, 24);
    assert_int_equal(all[0].index, l.index);
    assert_int_equal(all[1].addr, 0x0a650001);
    assert_int_equal(all[1].prefix, 32);
    free(all);
}

static void *rename_link(void *arg)
{
    unsigned int *index = arg;

    usleep(100 * 1000);
    link_set_name(*index, "late");
    return NULL;
}

/* Claim: a change wakes who waits for it, and who waits in vain is told. */
static void test_waits(void **state)
{
    struct link l;
    pthread_t t;

    (void)state;
    need_namespace();
    assert_int_equal(link_wait("early", 1, &l), -ETIMEDOUT);
    assert_int_equal(link_add_bridge("early", 0, mac), 0);
    assert_int_equal(link_wait("early", 1, &l), 0);
    assert_int_equal(link_wait_gone("early", 1), -ETIMEDOUT);
    assert_int_equal(pthread_create(&t, NULL, rename_link, &l.index), 0);
    assert_int_equal(link_wait("late", 60, &l), 0);
    assert_int_equal(link_wait_gone("early", 60), 0);
    pthread_join(t, NULL);
    assert_string_equal(l.name, "late");
}

static void test_mac(void **state)
{
    uint8_t a[6], b[6];

    (void)state;
    mac_new(a);
    mac_new(b);
    assert_memory_equal(a, "\x00\x16\x3e", 3);
    assert_memory_equal(b, "\x00\x16\x3e", 3);
    assert_memory_not_equal(a, b, 6);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_bridges),
        cmocka_unit_test(test_addresses),
        cmocka_unit_test(test_waits),
        cmocka_unit_test(test_mac),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
