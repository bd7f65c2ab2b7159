/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Guest consoles over fake rings: nothing of the output is lost or shown twice
 * across clients, restarts and log files, and neither a guest nor a client can
 * hold up the daemon.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>
#include <systemd/sd-event.h>

#include "console/console.h"
#include "fake_rings.h"
#include "util/log.h"

static char dir[] = "/tmp/test_console.XXXXXX";
static sd_event *loop;
static struct consoles *cs;

static char *in_dir(const char *name)
{
    static char path[2][96];
    static int i;

    i = !i;
    snprintf(path[i], sizeof(path[i]), "%s/%s", dir, name);
    return path[i];
}

static void turn(void)
{
    while (sd_event_run(loop, 0) > 0)
        ;
}

/* The daemon waits for something that is sure to come. */
static void wait_turn(void)
{
    assert_true(sd_event_run(loop, 60000000) > 0);
}

static void consoles_begin(void)
{
    struct console_params params = {
        .loop = loop, .xc = fake_xc(), .state_dir = dir, .log_dir = dir,
        .history = 4096, .log_max = 8192,
    };

    cs = consoles_create(&params);
}

static void consoles_end(void)
{
    consoles_destroy(cs);
    fake_killed();
}

static int setup(void **state)
{
    (void)state;
    fake_reset();
    consoles_begin();
    assert_int_equal(console_add(cs, 1, "one", 0, FAKE_PORT_CONSOLE), 0);
    return 0;
}

static int teardown(void **state)
{
    static const char *const files[] = {
        "one.log", "one.log.1", "two.log", "console-1", "_._etc_x.log",
    };

    (void)state;
    consoles_end();
    for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++)
        unlink(in_dir(files[i]));
    return 0;
}

/* The guest prints; false if its ring has no room for all of it. */
static bool prints(const char *text, size_t len)
{
    struct xencons_interface *ring = fake_console(1);
    uint32_t room = sizeof(ring->out) - (ring->out_prod - ring->out_cons);

    if (room < len)
        return false;
    for (size_t i = 0; i < len; i++)
        ring->out[MASK_XENCONS_IDX(ring->out_prod + i, ring->out)] = text[i];
    ring->out_prod += len;
    fake_send(1, FAKE_PORT_CONSOLE);
    return true;
}

static void print(const char *text)
{
    assert_true(prints(text, strlen(text)));
    turn();
}

static bool is_taken(void)
{
    struct xencons_interface *ring = fake_console(1);

    return ring->out_cons == ring->out_prod;
}

/* Until the daemon has heard all, at the rate at which it listens. */
static void wait_taken(void)
{
    while (!is_taken())
        wait_turn();
    turn();
}

static const char *typed(void)
{
    static char text[2048];
    struct xencons_interface *ring = fake_console(1);
    size_t n = 0;

    while (ring->in_cons != ring->in_prod)
        text[n++] = ring->in[MASK_XENCONS_IDX(ring->in_cons++, ring->in)];
    text[n] = 0;
    fake_send(1, FAKE_PORT_CONSOLE);
    turn();
    return text;
}

static int attach(bool all)
{
    int fd[2];

    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fd), 0);
    assert_int_equal(console_attach(cs, 1, fd[0], all, NULL, 0), 0);
    turn();
    return fd[1];
}

static const char *shown(int fd)
{
    static char text[65536];
    size_t len = 0;
    ssize_t n;

    do {
        turn();
        n = recv(fd, text + len, sizeof(text) - 1 - len, MSG_DONTWAIT);
        len += n > 0 ? n : 0;
    } while (n > 0);
    text[len] = 0;
    return text;
}

static void leave(int fd)
{
    close(fd);
    turn();
}

static const char *log_text(const char *name)
{
    static char text[65536];
    FILE *f = fopen(in_dir(name), "r");
    size_t len = f ? fread(text, 1, sizeof(text) - 1, f) : 0;

    if (f)
        fclose(f);
    text[len] = 0;
    return text;
}

static void test_clients(void **state)
{
    int a, b, c;

    (void)state;
    print("boot ");
    a = attach(false);
    assert_string_equal(shown(a), "boot ");
    print("one ");
    b = attach(false);
    assert_string_equal(shown(b), "");          /* all of it was seen */
    c = attach(true);
    assert_string_equal(shown(c), "boot one ");
    print("two ");
    assert_string_equal(shown(a), "one two ");
    assert_string_equal(shown(b), "two ");
    assert_int_equal(console_clients(cs, 1), 3);
    leave(a);
    leave(b);
    leave(c);
    assert_int_equal(console_clients(cs, 1), 0);
    print("alone ");
    a = attach(false);
    assert_string_equal(shown(a), "alone ");
    leave(a);
    assert_string_equal(log_text("one.log"), "boot one two alone ");
}

static void test_input(void **state)
{
    static char many[3000];
    int a = attach(false), fd[2];
    size_t got;

    (void)state;
    assert_int_equal(write(a, "hello", 5), 5);
    turn();
    assert_string_equal(typed(), "hello");
    /* More than the ring holds waits, in order, until the guest has read. */
    memset(many, 'x', sizeof(many));
    many[2999] = 'y';
    assert_int_equal(write(a, many, sizeof(many)), sizeof(many));
    turn();
    got = strlen(typed());
    assert_int_equal(got, 1024);
    for (const char *t = "x"; *t; got += strlen(t))
        t = typed();
    assert_int_equal(got, sizeof(many));
    leave(a);
    socketpair(AF_UNIX, SOCK_STREAM, 0, fd);
    assert_int_equal(console_attach(cs, 1, fd[0], false, "early", 5), 0);
    turn();
    assert_string_equal(typed(), "early");
    leave(fd[1]);
    socketpair(AF_UNIX, SOCK_STREAM, 0, fd);
    assert_int_equal(console_attach(cs, 5, fd[0], false, NULL, 0), -ENOENT);
    assert_int_equal(read(fd[1], many, 1), 0);
    close(fd[1]);
}

/* One client does not read: it loses its own oldest output and is told. */
static void test_slow_client(void **state)
{
    int slow = attach(false), good = attach(false), size = 4096;
    unsigned int lost = 0, lines = 0;
    char line[64], want[64];
    const char *text;

    (void)state;
    setsockopt(slow, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size));
    for (int i = 0; i < 20000; i++) {
        snprintf(line, sizeof(line), "line %06d\n", i);
        while (!prints(line, strlen(line)))
            wait_turn();                        /* throttled */
        sd_event_run(loop, 0);
        text = shown(good);
        for (; *text; text += 12) {
            snprintf(want, sizeof(want), "line %06u\n", lines++);
            assert_memory_equal(text, want, 12);
        }
    }
    wait_taken();
    text = shown(good);
    assert_int_equal(lines + strlen(text) / 12, 20000);
    while (*(text = shown(slow)))
        if (strstr(text, "bytes of output are not shown"))
            lost++;
    assert_true(lost > 0);
    assert_non_null(log_text("one.log"));
    leave(slow);
    leave(good);
}

static void test_restart(void **state)
{
    int a = attach(false);

    (void)state;
    print("seen ");
    assert_string_equal(shown(a), "seen ");
    consoles_end();
    close(a);
    assert_true(prints("meanwhile ", 10));
    consoles_begin();
    assert_int_equal(console_reattach(cs, 1, "one", 0, FAKE_PORT_CONSOLE), 0);
    assert_int_equal(console_reattach(cs, 1, "one", 0, FAKE_PORT_CONSOLE),
                     -EEXIST);
    print("after ");
    a = attach(false);
    assert_string_equal(shown(a), "meanwhile after ");
    leave(a);
    a = attach(true);
    assert_string_equal(shown(a), "seen meanwhile after ");
    leave(a);
    assert_string_equal(log_text("one.log"), "seen meanwhile after ");
    /* Killed after the history had it, before the ring was told. */
    print("more ");
    consoles_end();
    fake_console(1)->out_cons -= 5;
    truncate(in_dir("one.log"), strlen("seen meanwhile after "));
    consoles_begin();
    assert_int_equal(console_reattach(cs, 1, "one", 0, FAKE_PORT_CONSOLE), 0);
    turn();
    a = attach(false);
    assert_string_equal(shown(a), "more ");
    leave(a);
    assert_string_equal(log_text("one.log"), "seen meanwhile after more ");
}

static void test_log_rotation(void **state)
{
    char line[64], *both;
    struct stat st;
    int first;

    (void)state;
    for (int i = 0; i < 2000; i++) {
        snprintf(line, sizeof(line), "line %06d\n", i);
        while (!prints(line, strlen(line)))
            wait_turn();
        turn();
    }
    wait_taken();
    assert_int_equal(stat(in_dir("one.log.1"), &st), 0);
    assert_true(st.st_size >= 8192 && st.st_size < 8192 + 4096);
    both = strdup(log_text("one.log.1"));
    both = realloc(both, 65536);
    strcat(both, log_text("one.log"));
    first = atoi(both + 5);
    for (const char *p = both; *p; p += 12) {
        snprintf(line, sizeof(line), "line %06d\n", first++);
        assert_memory_equal(p, line, 12);
    }
    assert_int_equal(first, 2000);
    free(both);
    /* Another name, another file. */
    assert_int_equal(console_rename(cs, 1, "two"), 0);
    print("renamed");
    assert_string_equal(log_text("two.log"), "renamed");
    assert_int_equal(console_rename(cs, 1, "../etc/x"), 0);
    print("name");
    assert_string_equal(log_text("_._etc_x.log"), "name");
    assert_int_equal(console_rename(cs, 9, "x"), -ENOENT);
}

static void test_removal(void **state)
{
    int a = attach(false), b;

    (void)state;
    print("first ");
    assert_true(prints("last words", 10));
    console_remove(cs, 1);
    assert_string_equal(shown(a), "first last words");
    assert_int_equal(recv(a, &b, 1, MSG_DONTWAIT), 0);
    close(a);
    assert_string_equal(log_text("one.log"), "first last words");
    assert_int_not_equal(access(in_dir("console-1"), F_OK), 0);
    assert_int_equal(console_attach(cs, 1, -1, true, NULL, 0), -ENOENT);
    /* The id is used again: nothing of the one before is shown. */
    assert_int_equal(console_add(cs, 1, "one", 0, FAKE_PORT_CONSOLE), 0);
    print("new");
    a = attach(true);
    assert_string_equal(shown(a), "new");
    leave(a);
    assert_string_equal(log_text("one.log"), "first last wordsnew");
    console_remove(cs, 5);
}

static void test_garbage(void **state)
{
    struct xencons_interface *ring = fake_console(1);
    int a = attach(false);

    (void)state;
    print("good ");
    ring->out_prod += 0x12345;
    fake_send(1, FAKE_PORT_CONSOLE);
    turn();
    assert_string_equal(shown(a), "good ");
    assert_int_equal(ring->out_cons, ring->out_prod);
    ring->out_cons = 77;                /* ours; what it says does not count */
    ring->in_cons = 0x80000000;
    assert_int_equal(write(a, "x", 1), 1);
    turn();
    ring->in_cons = ring->in_prod;
    memset(ring->out, 'g', sizeof(ring->out));
    ring->out_prod += 5;                /* whatever is there now is output */
    fake_send(1, FAKE_PORT_CONSOLE);
    turn();
    assert_string_equal(shown(a), "ggggg");
    assert_string_equal(typed(), "x");
    srand(9);
    log_set_level(LOG_ERR);
    for (int i = 0; i < 20000; i++) {
        ((uint32_t *)&ring->in_cons)[rand() % 4] = rand() % 4 ? rand() :
                                                   rand() % 4096;
        if (rand() % 8 == 0)
            ring->out_prod = ring->out_cons + rand() % 3000;
        send(a, "y", 1, MSG_DONTWAIT);
        fake_send(1, FAKE_PORT_CONSOLE);
        turn();
        shown(a);
    }
    log_set_level(LOG_INFO);
    leave(a);
}

#define RATE (128u << 10)       /* bytes in a period of the daemon's */
#define PERIOD_USEC 100000u

/* The output of a guest that never stops leaves time for all others. */
static void test_flood(void **state)
{
    static char block[2048];
    uint64_t begin, now, taken = 0;

    (void)state;
    memset(block, 'z', sizeof(block));
    sd_event_run(loop, 0);
    sd_event_now(loop, CLOCK_MONOTONIC, &begin);
    while (taken < 6 * RATE) {
        if (prints(block, sizeof(block)))
            taken += sizeof(block);
        else
            wait_turn();
    }
    /* The periods that are full by now, but for the first and the last. */
    sd_event_now(loop, CLOCK_MONOTONIC, &now);
    assert_true(now - begin >= 4 * PERIOD_USEC);
}

static int group_setup(void **state)
{
    (void)state;
    return mkdtemp(dir) && sd_event_default(&loop) >= 0 ? 0 : -1;
}

static int group_teardown(void **state)
{
    (void)state;
    sd_event_unref(loop);
    return rmdir(dir);
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_clients),
        TEST(test_input),
        TEST(test_slow_client),
        TEST(test_restart),
        TEST(test_log_rotation),
        TEST(test_removal),
        TEST(test_garbage),
        TEST(test_flood),
    };

    return cmocka_run_group_tests(tests, group_setup, group_teardown);
}
