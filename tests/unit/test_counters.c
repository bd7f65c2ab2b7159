/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Counters of devices: the back ends' files, and the kernel's interfaces. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <arpa/inet.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "device/counters.h"
#include "device/netlink.h"
#include "netns.h"

static char dir[64];

static void run(const char *command)
{
    char line[400];

    snprintf(line, sizeof(line), "cd %s && %s", dir, command);
    assert_int_equal(system(line), 0);
}

/* Claim: each file is the number of its name; no folder is no device. */
static void test_vbd(void **state)
{
    struct vbd_counters c = { .reads = 77 };

    (void)state;
    strcpy(dir, "/tmp/test_counters.XXXXXX");
    assert_non_null(mkdtemp(dir));
    assert_false(vbd_counters(dir, 3, 51712, &c));
    run("mkdir -p vbd-3-51712/statistics && cd vbd-3-51712/statistics &&"
        "i=1 && for f in oo rd wr f ds; do echo $i >${f}_req; i=$((i+1)); done "
        "&& echo 60000000000 >rd_sect");
    assert_false(vbd_counters(dir, 3, 51712, &c));
    assert_int_equal(c.reads, 77);
    run("echo 7 >vbd-3-51712/statistics/wr_sect");
    assert_true(vbd_counters(dir, 3, 51712, &c));
    assert_int_equal(c.out_of_requests, 1);
    assert_int_equal(c.reads, 2);
    assert_int_equal(c.writes, 3);
    assert_int_equal(c.flushes, 4);
    assert_int_equal(c.discards, 5);
    assert_int_equal(c.read_sectors, 60000000000);
    assert_int_equal(c.written_sectors, 7);
    assert_false(vbd_counters(dir, 3, 51728, &c));
    run("cd / && rm -r $OLDPWD");
}

/* A datagram to ourselves: it is counted as sent and as received. */
static void send_one(void)
{
    struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons(9),
                              .sin_addr = { htonl(INADDR_LOOPBACK) } };
    int fd = socket(AF_INET, SOCK_DGRAM, 0);

    assert_int_equal(sendto(fd, "hello", 5, 0, (struct sockaddr *)&to,
                            sizeof(to)), 5);
    close(fd);
}

static const uint8_t mac[6] = { 0x00, 0x16, 0x3e, 1, 2, 3 };

/* Claim: an interface is found by its name, and its counters move. */
static void test_traffic(void **state)
{
    const struct link_counters *c;
    struct traffic t = { NULL, 0 };
    uint64_t before;
    struct link l;

    (void)state;
    assert_null(traffic_find(&t, "br0"));
    need_namespace();
    for (int i = 0; i < 40; i++) {
        char name[16];

        snprintf(name, sizeof(name), "br%d", i);
        assert_int_equal(link_add_bridge(name, 0, mac), 0);
    }
    assert_int_equal(link_find("lo", &l), 0);
    assert_int_equal(link_set_up(l.index, true), 0);
    assert_int_equal(traffic_read(&t), 0);
    assert_int_equal(t.nr, 41);                 /* and lo */
    assert_null(traffic_find(&t, "br40"));
    assert_non_null(traffic_find(&t, "br39"));
    c = traffic_find(&t, "lo");
    assert_non_null(c);
    assert_string_equal(c->name, "lo");
    before = c->tx_bytes;
    traffic_fini(&t);
    send_one();
    assert_int_equal(traffic_read(&t), 0);
    c = traffic_find(&t, "lo");
    assert_true(c->tx_bytes >= before + 20 + 8 + 5);
    assert_true(c->tx_packets > 0);
    assert_int_equal(c->rx_bytes, c->tx_bytes);
    traffic_fini(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_vbd),
        cmocka_unit_test(test_traffic),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
