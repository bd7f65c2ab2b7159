/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The host's own network, in a network namespace of the test's own; dnsmasq is
 * a script that notes how it was called.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <systemd/sd-event.h>
#include <unistd.h>

#include "device/dnsmasq.h"
#include "device/hostnet.h"
#include "device/hostnet_guard.h"
#include "device/netlink.h"
#include "netns.h"
#include "util/worker.h"

static const uint8_t mac[6] = { 0x00, 0x16, 0x3e, 1, 2, 3 };
static char dir[] = "/tmp/test_hostnet.XXXXXX";

/* It stays, under its arguments, and its pid is in the file they name. */
static const char fake[] =
    "#!/bin/bash\n"
    "echo \"$*\" >>%1$s/calls\n"
    "[ -e %1$s/broken ] && { echo 'dnsmasq: no port' >&2; exit 2; }\n"
    "for a; do case $a in --pid-file=*) file=${a#*=} ;; esac; done\n"
    "(exec -a dnsmasq bash -c 'trap \"echo >%1$s/told\" HUP; "
    "echo >%1$s/ready; while :; do read x <%1$s/nobody; done' bash \"$@\") "
    ">/dev/null 2>&1 &\n"
    "until [ -e %1$s/ready ]; do sleep 0.01; done\n"
    "rm %1$s/ready\n"
    "echo $! >$file\n";

static void write_text(const char *name, const char *text)
{
    char path[100];
    FILE *f;

    snprintf(path, sizeof(path), "%s/%s", dir, name);
    f = fopen(path, "w");
    assert_non_null(f);
    fputs(text, f);
    fclose(f);
    chmod(path, 0755);
}

static int read_pid(void)
{
    char path[100];
    int pid = 0;
    FILE *f;

    snprintf(path, sizeof(path), "%s/network/dnsmasq.pid", dir);
    f = fopen(path, "r");
    if (f && fscanf(f, "%d", &pid) != 1)
        pid = 0;
    if (f)
        fclose(f);
    return pid;
}

/* How often dnsmasq was called; the last time's words. */
static int read_calls(char *last, size_t size)
{
    char path[100];
    int nr = 0;
    FILE *f;

    snprintf(path, sizeof(path), "%s/calls", dir);
    f = fopen(path, "r");
    while (f && fgets(last, size, f))
        nr++;
    if (f)
        fclose(f);
    return nr;
}

static void begin(void)
{
    char text[1000], path[200];

    need_namespace();
    strcpy(dir + strlen(dir) - 6, "XXXXXX");
    assert_non_null(mkdtemp(dir));
    snprintf(text, sizeof(text), fake, dir);
    write_text("dnsmasq", text);
    snprintf(path, sizeof(path), "%s/nobody", dir);
    assert_int_equal(mkfifo(path, 0600), 0);
    snprintf(path, sizeof(path), "%s:/usr/sbin:/usr/bin:/sbin:/bin", dir);
    setenv("PATH", path, 1);
}

static int tear_down(void **state)
{
    char command[100];
    int pid = read_pid();

    (void)state;
    if (pid > 1)
        kill(pid, SIGKILL);
    snprintf(command, sizeof(command), "rm -rf %s", dir);
    return system(command);
}

static uint32_t address_of(unsigned int index)
{
    struct ipv4_net *all;
    unsigned int nr;
    uint32_t addr = 0;

    assert_int_equal(link_addresses(&all, &nr), 0);
    for (unsigned int i = 0; i < nr; i++)
        if (all[i].index == index)
            addr = all[i].addr;
    free(all);
    return addr;
}

static void need(void)
{
    struct err err = ERR_INIT;

    if (hostnet_need(dir, &err))
        fail_msg("%s", err.text);
}

static void test_made(void **state)
{
    struct err err = ERR_INIT;
    char words[1000], pid_file[200];
    struct link l;
    int pid;

    (void)state;
    begin();
    assert_int_equal(hostnet_resume(dir, &err), 0);     /* makes nothing */
    assert_int_equal(link_find("xenbr0", NULL), -ENODEV);
    need();
    assert_int_equal(link_find("xenbr0", &l), 0);
    assert_true(l.up);
    assert_string_equal(l.kind, "bridge");
    assert_int_equal(address_of(l.index), 0x0a640001);
    assert_int_equal(read_calls(words, sizeof(words)), 1);
    assert_non_null(strstr(words, "--dhcp-range=10.100.0.2,10.100.0.254,"));
    assert_non_null(strstr(words, "--interface=xenbr0"));
    snprintf(pid_file, sizeof(pid_file), "--pid-file=%s/network/", dir);
    assert_non_null(strstr(words, pid_file));

    /* Again: nothing is started twice, what has ended is started again. */
    need();
    pid = read_pid();
    assert_int_equal(hostnet_resume(dir, &err), 0);
    assert_int_equal(read_calls(words, sizeof(words)), 1);
    kill(pid, SIGKILL);
    for (int i = 0; i < 6000 && read_calls(words, sizeof(words)) == 1; i++) {
        assert_int_equal(hostnet_resume(dir, &err), 0);
        usleep(10 * 1000);
    }
    assert_int_equal(read_calls(words, sizeof(words)), 2);
    assert_int_not_equal(read_pid(), pid);
}

/* Claim: the daemon may be killed after any step; the next one completes. */
static void test_half_made(void **state)
{
    char words[1000];
    struct link l;

    (void)state;
    begin();
    assert_int_equal(link_add_bridge("xenbr0", 0x78656e64, mac), 0);
    need();
    assert_int_equal(link_find("xenbr0", &l), 0);
    assert_true(l.up);
    assert_int_equal(address_of(l.index), 0x0a640001);
    assert_int_equal(read_calls(words, sizeof(words)), 1);
}

static void test_operators(void **state)
{
    struct err err = ERR_INIT;
    char words[1000];
    struct link l;

    (void)state;
    begin();
    assert_int_equal(link_add_bridge("xenbr0", 0, mac), 0);
    need();
    assert_int_equal(link_find("xenbr0", &l), 0);
    assert_false(l.up);
    assert_int_equal(address_of(l.index), 0);
    assert_int_equal(read_calls(words, sizeof(words)), 0);
    assert_int_equal(hostnet_reserve(dir, "00:16:3e:00:00:01", "192.168.1.1",
                                     &err), 0);
}

/* Claim: an address is kept for a guest, if it is one of the network. */
static void test_reserved(void **state)
{
    static const char *const bad[] = { "10.101.0.9", "10.100.0.1", "x", "",
                                       "10.100.0.0", "10.100.0.255" };
    struct err err = ERR_INIT;
    char path[200], told[100], line[100];
    FILE *f;

    (void)state;
    begin();
    need();
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        assert_int_equal(hostnet_reserve(dir, "00:16:3e:00:00:01", bad[i],
                                         &err), -EINVAL);
        assert_non_null(strstr(err.text, "10.100.0.0/24"));
    }
    snprintf(path, sizeof(path), "%s/network/hosts/00:16:3e:00:00:01", dir);
    assert_int_equal(access(path, F_OK), -1);
    assert_int_equal(hostnet_reserve(dir, "00:16:3e:00:00:01", "10.100.0.77",
                                     &err), 0);
    snprintf(told, sizeof(told), "%s/told", dir);
    for (int i = 0; i < 6000 && access(told, F_OK); i++)
        usleep(10 * 1000);
    assert_int_equal(access(told, F_OK), 0);
    f = fopen(path, "r");
    assert_non_null(f);
    assert_non_null(fgets(line, sizeof(line), f));
    fclose(f);
    assert_string_equal(line, "00:16:3e:00:00:01,10.100.0.77\n");
    assert_int_equal(hostnet_reserve(dir, "00:16:3e:00:00:02", "10.100.0.77",
                                     &err), -EADDRINUSE);
    assert_non_null(strstr(err.text, "10.100.0.77 is that of the interface "
                           "00:16:3e:00:00:01"));
    assert_int_equal(hostnet_reserve(dir, "00:16:3e:00:00:01", "10.100.0.77",
                                     &err), 0);
    hostnet_unreserve(dir, "00:16:3e:00:00:01");
    assert_int_equal(access(path, F_OK), -1);
}

static bool keep_first(void *ctx, const char *address)
{
    (void)ctx;
    return address[16] == '1';
}

/* Claim: what is kept for nobody goes; the rest stays. */
static void test_swept(void **state)
{
    struct err err = ERR_INIT;
    char path[200];

    (void)state;
    begin();
    hostnet_sweep(dir, keep_first, NULL);
    need();
    assert_int_equal(hostnet_reserve(dir, "00:16:3e:00:00:01", "10.100.0.77",
                                     &err), 0);
    assert_int_equal(hostnet_reserve(dir, "00:16:3e:00:00:02", "10.100.0.78",
                                     &err), 0);
    hostnet_sweep(dir, keep_first, NULL);
    snprintf(path, sizeof(path), "%s/network/hosts/00:16:3e:00:00:01", dir);
    assert_int_equal(access(path, F_OK), 0);
    path[strlen(path) - 1] = '2';
    assert_int_equal(access(path, F_OK), -1);
}

/* End dnsmasq and let the loop run until there is another one: seconds. */
static double restart_time(sd_event *loop)
{
    struct timespec a, b;
    int pid = read_pid(), next;

    clock_gettime(CLOCK_MONOTONIC, &a);
    kill(pid, SIGKILL);
    do {
        assert_true(sd_event_run(loop, 10000) >= 0);
        next = read_pid();
        clock_gettime(CLOCK_MONOTONIC, &b);
        if (b.tv_sec - a.tv_sec > 60)
            fail_msg("it is not started again");
    } while (!next || next == pid);
    return b.tv_sec - a.tv_sec + (b.tv_nsec - a.tv_nsec) / 1e9;
}

/* Claim: dnsmasq that ends is started again, with pauses if it does so often;
 * one that has written no pid yet is found, and not started twice. */
static void test_guarded(void **state)
{
    char words[1000], path[200];
    struct hostnet_guard *g;
    struct workers *workers;
    sd_event *loop;

    (void)state;
    begin();
    need();
    assert_true(sd_event_new(&loop) >= 0);
    assert_int_equal(workers_create(loop, 1, &workers), 0);
    g = hostnet_guard_create(loop, workers, dir);
    hostnet_guard_look(g);
    restart_time(loop);
    assert_true(restart_time(loop) >= 1);
    assert_true(restart_time(loop) >= 2);
    assert_int_equal(read_calls(words, sizeof(words)), 4);
    snprintf(path, sizeof(path), "%s/network/dnsmasq.pid", dir);
    assert_int_equal(unlink(path), 0);
    need();
    assert_int_equal(read_calls(words, sizeof(words)), 4);
    kill(dnsmasq_pid(dir), SIGKILL);
    workers_destroy(workers);
    hostnet_guard_destroy(g);
    sd_event_unref(loop);
}

/* Claim: a network that the host is in is not chosen. */
static void test_overlap(void **state)
{
    struct ipv4_net taken[] = { { 0x0a640501, 16, 0 }, { 0x0a6500ff, 24, 0 } };
    struct link l;

    (void)state;
    begin();
    assert_int_equal(link_add_bridge("other", 0, mac), 0);
    assert_int_equal(link_find("other", &l), 0);
    for (int i = 0; i < 2; i++) {
        taken[i].index = l.index;
        assert_int_equal(link_add_address(&taken[i]), 0);
    }
    need();
    assert_int_equal(link_find("xenbr0", &l), 0);
    assert_int_equal(address_of(l.index), 0x0a660001);
}

/* Claim: when a part fails the reason is said, and no bridge stays. */
static void test_broken(void **state)
{
    struct err err = ERR_INIT;

    (void)state;
    begin();
    write_text("broken", "");
    assert_int_equal(hostnet_need(dir, &err), -EIO);
    assert_string_equal(err.text, "xenbr0: no DHCP: dnsmasq: dnsmasq: no port");
    assert_int_equal(link_find("xenbr0", NULL), -ENODEV);
    setenv("PATH", "/nowhere", 1);
    assert_int_equal(hostnet_need(dir, &err), -ENOENT);
    assert_non_null(strstr(err.text, "install dnsmasq-base"));
    assert_int_equal(link_find("xenbr0", NULL), -ENODEV);
    setenv("PATH", "/usr/bin:/bin", 1);
}

#define TEST(f) cmocka_unit_test_teardown(f, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_made), TEST(test_half_made), TEST(test_operators),
        TEST(test_overlap), TEST(test_reserved), TEST(test_swept),
        TEST(test_guarded), TEST(test_broken),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
