/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * xl top: its figures, its columns, and that it gives the terminal back
 * however it ends.  A process stands for xend; xl runs on a terminal of its
 * own, and what it writes there is looked at.
 */
#define main xl_main
#include "../../xl/main.c"
#undef main
#include "top.h"

#include <setjmp.h>
#include <stdint.h>

#include <cmocka.h>
#include <poll.h>
#include <pty.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>
#include <utmp.h>

/* ---- figures ---- */

static struct json_object *sample(int64_t t, int64_t cpu, int64_t bytes)
{
    char text[2000];

    snprintf(text, sizeof(text),
             "{\"time_ns\":%lld,\"nr_cpus\":2,\"cpu_khz\":2000000,"
             "\"total_kb\":2097152,\"free_kb\":1048576,\"domains\":["
             "{\"domid\":0,\"name\":\"Domain-0\",\"uuid\":\"u0\",\"vcpus\":2,"
             "\"memory_kb\":786432,\"cpu_time_ns\":12345678901,"
             "\"running\":true},"
             "{\"domid\":7,\"name\":\"a-long-name-indeed\",\"uuid\":\"u7\","
             "\"vcpus\":1,\"memory_kb\":131072,\"maxmem_kb\":262144,"
             "\"cpu_time_ns\":%lld,\"blocked\":true,"
             "\"nics\":[{\"devid\":0,\"tx_bytes\":%lld,\"rx_bytes\":2048},"
             "{\"devid\":1,\"tx_bytes\":1024}],"
             "\"disks\":[{\"devid\":51712,\"reads\":5,\"writes\":6,"
             "\"read_sectors\":40,\"written_sectors\":%lld,"
             "\"out_of_requests\":1}]}]}", (long long)t, (long long)cpu,
             (long long)bytes, (long long)bytes / 512);
    return json_tokener_parse(text);
}

/* Claim: rates are per second, in percent of one CPU; a first sample, a
 * domain that was restarted, and a device that went have none. */
static void test_rates(void **state)
{
    struct top t = { .sample = NULL };

    (void)state;
    top_update(&t, sample(1000000000, 5000000000, 4096));
    assert_int_equal(t.nr, 2);
    assert_true(t.cpu_percent == 0);
    assert_int_equal(t.domain[1].sum.sent, 5120);
    assert_int_equal(t.domain[0].maxmem_kb, -1);
    top_update(&t, sample(3000000000, 6000000000, 8192));
    assert_true(t.domain[1].cpu_percent == 50);
    assert_true(t.domain[0].cpu_percent == 0);
    assert_true(t.cpu_percent == 50);
    assert_true(t.domain[1].sent_rate == 2048);
    assert_true(t.domain[1].received_rate == 0);
    assert_true(t.domain[1].write_rate == 2048);
    assert_true(t.domain[1].request_rate == 0);
    top_update(&t, sample(4000000000, 1000000000, 1024));
    assert_true(t.domain[1].cpu_percent == 0);
    assert_true(t.domain[1].sent_rate == 0);
    t.domain[1].domid = 6;
    top_update(&t, sample(5000000000, 9000000000, 1024));
    assert_true(t.domain[1].cpu_percent == 0);
    top_update(&t, sample(6000000000, 10100000000, 1024));
    assert_true(t.domain[1].cpu_percent == 100);
    top_fini(&t);
}

static const struct {
    const char *json, *state, *word;
} states[] = {
    { "{}", "------", "ready" },
    { "{\"running\":true,\"blocked\":true}", "--b--r", "running" },
    { "{\"blocked\":true,\"paused\":true}", "--b-p-", "paused" },
    { "{\"shutdown\":true,\"reason\":\"poweroff\"}", "-s----", "ended" },
    { "{\"shutdown\":true,\"reason\":\"crash\",\"paused\":true}", "---cp-",
      "crashed" },
    { "{\"shutdown\":true,\"reason\":\"watchdog\"}", "---c--", "crashed" },
    { "{\"dying\":true,\"shutdown\":true,\"reason\":\"crash\"}", "d--c--",
      "dying" },
};

static void test_states(void **state)
{
    char text[200];

    (void)state;
    for (size_t i = 0; i < sizeof(states) / sizeof(states[0]); i++) {
        struct top t = { .sample = NULL };

        snprintf(text, sizeof(text), "{\"domains\":[%s]}", states[i].json);
        top_update(&t, json_tokener_parse(text));
        assert_string_equal(t.domain[0].state, states[i].state);
        assert_string_equal(t.domain[0].word, states[i].word);
        top_fini(&t);
    }
}

static const struct {
    double amount;
    const char *text;
} amounts[] = {
    { 0, "0" }, { 0.4, "0" }, { 999.4, "999" }, { 999.6, "1.0K" },
    { 1024, "1.0K" }, { 10188, "9.9K" }, { 10240, "10K" },
    { 1022976, "999K" }, { 1023488, "1.0M" }, { 3.5e9, "3.3G" },
};

static void test_amounts(void **state)
{
    char text[8];

    (void)state;
    for (size_t i = 0; i < sizeof(amounts) / sizeof(amounts[0]); i++) {
        format_amount(amounts[i].amount, text);
        assert_string_equal(text, amounts[i].text);
    }
}

/* What fn prints. */
static char *output_of(const struct top *t, bool full)
{
    FILE *f = tmpfile();
    int old = dup(STDOUT_FILENO);
    char *text = calloc(1, 4096);

    fflush(stdout);
    dup2(fileno(f), STDOUT_FILENO);
    top_print_batch(t, full);
    fflush(stdout);
    dup2(old, STDOUT_FILENO);
    close(old);
    assert_true(pread(fileno(f), text, 4095, 0) > 0);
    fclose(f);
    return text;
}

/* Claim: the columns are xentop's, in its order and widths. */
static void test_batch(void **state)
{
    struct top t = { .sample = NULL };
    char *text;

    (void)state;
    top_update(&t, sample(1000000000, 5000000000, 4096));
    top_update(&t, sample(3000000000, 6000000000, 8192));
    text = output_of(&t, false);
    assert_string_equal(text,
        "      NAME  STATE   CPU(sec) CPU(%)     MEM(k) MEM(%)  MAXMEM(k) "
        "MAXMEM(%) VCPUS NETS NETTX(k) NETRX(k) VBDS   VBD_OO   VBD_RD   "
        "VBD_WR  VBD_RSECT  VBD_WSECT SSID\n"
        "  Domain-0 -----r         12    0.0     786432   37.5   no limit "
        "      n/a     2    0        0        0    0        0        0        "
        "0          0          0    0\n"
        "a-long-nam --b---          6   50.0     131072    6.2     262144 "
        "     12.5     1    2        9        2    1        1        5        "
        "6         40         16    0\n");
    free(text);
    text = output_of(&t, true);
    assert_non_null(strstr(text, "\n          Domain-0 -----r "));
    assert_non_null(strstr(text, "\na-long-name-indeed --b--- "));
    free(text);
    top_fini(&t);
}

static void test_sort(void **state)
{
    struct top_domain d[] = {
        { .name = "b", .domid = 1, .cpu_percent = 5, .memory_kb = 3 },
        { .name = "c", .domid = 2, .cpu_percent = 9, .memory_kb = 3,
          .read_rate = 1 },
        { .name = "a", .domid = 3, .cpu_percent = 7, .memory_kb = 4,
          .sent_rate = 1 },
    };
    const struct {
        enum top_order by;
        const char *names;
    } orders[] = {
        { BY_CPU, "cab" }, { BY_NAME, "abc" }, { BY_MEMORY, "abc" },
        { BY_ID, "bca" }, { BY_NETWORK, "abc" }, { BY_DISK, "cba" },
    };
    struct top t = { .domain = d, .nr = 3 };

    (void)state;
    for (size_t i = 0; i < sizeof(orders) / sizeof(orders[0]); i++) {
        top_sort(&t, orders[i].by);
        for (int n = 0; n < 3; n++)
            assert_int_equal(d[n].name[0], orders[i].names[n]);
    }
}

/* ---- on a terminal ---- */

/* What ncurses keeps is still there when xl ends. */
const char *__asan_default_options(void);
const char *__asan_default_options(void)
{
    return "detect_leaks=0";
}

static char dir[64], path[100];
static pid_t server, client;
static int tty;
static char screen[1 << 20];
static size_t seen;
static struct termios before;

/* xend answers so often and is gone then, or answers no more. */
static void serve(int listener, int answers, bool silent)
{
    char in[1], out[4096];
    int fd = accept(listener, NULL, NULL);
    struct json_object *o;

    for (int i = 0; i < answers; i++) {
        do
            if (read(fd, in, 1) != 1)
                _exit(0);
        while (in[0] != '\n');
        o = sample(i * 1000000000ll, i * 400000000ll, i * 8000ll);
        snprintf(out, sizeof(out), "{\"id\":%d,\"result\":%s}\n", i + 1,
                 json_object_to_json_string_ext(o, JSON_C_TO_STRING_PLAIN));
        json_object_put(o);
        /* In two pieces: the first one is no answer yet. */
        if (write(fd, out, 20) != 20 || usleep(20000) ||
            write(fd, out + 20, strlen(out) - 20) < 0)
            _exit(1);
    }
    while (silent)
        pause();
    _exit(0);
}

static void start(int answers, bool silent, const char *term,
                  char *const argv[])
{
    struct sockaddr_un addr = { .sun_family = AF_UNIX };
    struct winsize size = { .ws_row = 24, .ws_col = 80 };
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0), argc = 0, own;

    strcpy(dir, "/tmp/test_top.XXXXXX");
    assert_non_null(mkdtemp(dir));
    snprintf(path, sizeof(path), "%s/sock", dir);
    snprintf(addr.sun_path, sizeof(addr.sun_path), "%s", path);
    assert_int_equal(bind(fd, (struct sockaddr *)&addr, sizeof(addr)), 0);
    assert_int_equal(listen(fd, 1), 0);
    fflush(NULL);
    server = fork();
    if (!server)
        serve(fd, answers, silent);
    close(fd);
    while (argv[argc])
        argc++;
    assert_int_equal(openpty(&tty, &own, NULL, NULL, &size), 0);
    assert_int_equal(tcgetattr(tty, &before), 0);
    client = fork();
    if (!client) {
        close(tty);
        login_tty(own);
        setenv("XEND_SOCKET", path, 1);
        setenv("TERM", term, 1);
        exit(xl_main(argc, (char **)argv));
    }
    close(own);
    seen = 0;
    screen[0] = 0;
}

/* Read on until text is there, or up to the end if it is NULL. */
static void expect(const char *text)
{
    struct pollfd p = { tty, POLLIN, 0 };
    ssize_t n;

    while (!text || !strstr(screen, text)) {
        if (poll(&p, 1, 20000) != 1)
            fail_msg("no \"%s\" within 20 s", text ? text : "end");
        n = read(tty, screen + seen, sizeof(screen) - 1 - seen);
        if (n <= 0 && !text)
            return;
        if (n <= 0)
            fail_msg("ended without \"%s\": %s", text, screen);
        seen += n;
        screen[seen] = 0;
    }
}

/* Its exit status as wait has it; the terminal must be as it was. */
static int end(void)
{
    struct termios after;
    int status;

    expect(NULL);
    waitpid(client, &status, 0);
    kill(server, SIGKILL);
    waitpid(server, NULL, 0);
    assert_int_equal(tcgetattr(tty, &after), 0);
    assert_int_equal(after.c_lflag, before.c_lflag);
    assert_int_equal(after.c_iflag, before.c_iflag);
    assert_int_equal(after.c_oflag, before.c_oflag);
    close(tty);
    unlink(path);
    rmdir(dir);
    return status;
}

/* Where the terminal's own screen is on again, and the cursor. */
static const char *rest(void)
{
    char *p = strstr(screen, "\033[?1049l");

    if (!p)
        fail_msg("the screen was not given back: %s", screen);
    assert_non_null(strstr(p - 40, "\033[?12l\033[?25h"));
    return p;
}

static char *const top[] = { (char *)"xl", (char *)"top", (char *)"-d",
                             (char *)"0.2", NULL };

static void test_quit(void **state)
{
    (void)state;
    start(100, false, "xterm", top);
    expect("40.0");
    assert_non_null(strstr(screen, "a-long-name-in"));
    assert_non_null(strstr(screen, "1.0 of 2.0 GiB"));
    assert_int_equal(write(tty, "m", 1), 1);
    assert_int_equal(write(tty, "q", 1), 1);
    assert_int_equal(end(), 0);
    rest();
}

/* A program's end by a signal, after which the terminal is as it was. */
static void ends_by(int sig, int answers)
{
    start(answers, true, "xterm", top);
    expect("speed");
    if (sig == SIGINT)
        assert_int_equal(write(tty, "\003", 1), 1);     /* as typed */
    else
        kill(client, sig);
    assert_int_equal(WTERMSIG(end()), sig);
    rest();
}

/* Claim: also while xend owes an answer. */
static void test_signals(void **state)
{
    (void)state;
    ends_by(SIGINT, 100);
    ends_by(SIGTERM, 100);
    ends_by(SIGTERM, 1);
    ends_by(SIGINT, 1);
}

/* Claim: a line that says so, after the screen has been given back. */
static void test_xend_dies(void **state)
{
    const char *last;

    (void)state;
    start(3, false, "xterm", top);
    expect("40.0");
    assert_int_equal(WEXITSTATUS(end()), 1);
    last = strstr(rest(), "xl: xend has closed the connection");
    assert_non_null(last);
    assert_null(strstr(last, "\033"));
    assert_ptr_equal(strchr(last, '\n'), screen + seen - 1);
}

static void test_bad_terminal(void **state)
{
    (void)state;
    start(1, false, "no-such-one", top);
    assert_int_equal(WEXITSTATUS(end()), 1);
    assert_string_equal(screen, "xl: the terminal \"no-such-one\" is not "
                        "known; set TERM, or use: xl top -b\r\n");
}

/* Claim: a window that is made small, even tiny, does no harm. */
static void test_resize(void **state)
{
    static const struct winsize sizes[] = {
        { .ws_row = 3, .ws_col = 200 }, { .ws_row = 50, .ws_col = 7 },
        { .ws_row = 1, .ws_col = 1 }, { .ws_row = 24, .ws_col = 120 },
    };

    (void)state;
    start(1000, false, "xterm", top);
    expect("speed");
    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        ioctl(tty, TIOCSWINSZ, &sizes[i]);
        usleep(100000);
    }
    expect("TIME");
    assert_int_equal(write(tty, "q", 1), 1);
    assert_int_equal(end(), 0);
}

static char *const batch[] = {
    (char *)"xl", (char *)"top", (char *)"-bi2", (char *)"-d.1", NULL
};

static void test_batch_run(void **state)
{
    const char *second;

    (void)state;
    start(2, false, "dumb", batch);
    if (end())
        fail_msg("%s", screen);
    assert_memory_equal(screen, "      NAME  STATE ", 18);
    second = strstr(screen + 1, "      NAME  STATE ");
    assert_non_null(second);
    assert_null(strstr(second + 20, "NAME"));
    assert_non_null(strstr(second, "  40.0 "));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rates),
        cmocka_unit_test(test_states),
        cmocka_unit_test(test_amounts),
        cmocka_unit_test(test_batch),
        cmocka_unit_test(test_sort),
        cmocka_unit_test(test_quit),
        cmocka_unit_test(test_signals),
        cmocka_unit_test(test_xend_dies),
        cmocka_unit_test(test_bad_terminal),
        cmocka_unit_test(test_resize),
        cmocka_unit_test(test_batch_run),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
