/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * xend as a whole over a model of the hypervisor: what clients of its socket
 * see, and that nothing is left half made wherever it is killed.
 */
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>
#include <json-c/json.h>

#include "model_xc.h"

#define LOCALSTATEDIR "/nowhere"
#define main xend_main
#include "../../xend/main.c"
#undef main

static char root[64];
static pid_t pid;
static int sock = -1;
static char in[1 << 20];
static size_t in_len;

static int try_connect(void)
{
    struct sockaddr_un addr = { .sun_family = AF_UNIX };
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    snprintf(addr.sun_path, sizeof(addr.sun_path), "%s/run/xend.sock", root);
    if (!connect(fd, (struct sockaddr *)&addr, sizeof(addr)))
        return fd;
    close(fd);
    return -1;
}

/* A daemon of its own process, and a connection to it; or it dies first. */
static bool start_daemon(void)
{
    char opt[5][100], log[100];
    char *argv[] = { (char *)"xend", opt[0], opt[1], opt[2], opt[3], opt[4],
                     (char *)"-v", NULL };

    snprintf(opt[0], 100, "--state-dir=%s/lib", root);
    snprintf(opt[1], 100, "--run-dir=%s/run", root);
    snprintf(opt[2], 100, "--log-dir=%s/log", root);
    snprintf(opt[3], 100, "--store-dir=%s/store", root);
    snprintf(opt[4], 100, "--cache-dir=%s/cache", root);
    snprintf(log, sizeof(log), "%s/xend.log", root);
    fake_killed();
    pid = fork();
    if (!pid) {
        if (!freopen(log, "a", stderr))
            _exit(1);
        exit(xend_main(7, argv));
    }
    in_len = 0;
    for (int i = 0; i < 2000; i++) {
        if (waitpid(pid, NULL, WNOHANG) == pid)
            return false;
        sock = try_connect();
        if (sock >= 0)
            return true;
        usleep(5000);
    }
    fail_msg("xend does not open its socket: see %s", log);
    return false;
}

static int stop_daemon(int sig)
{
    int status;

    kill(pid, sig);
    waitpid(pid, &status, 0);
    if (sock >= 0)
        close(sock);
    sock = -1;
    return status;
}

static void send_text(const char *text)
{
    (void)!send(sock, text, strlen(text), MSG_NOSIGNAL);
}

/* The next line from the daemon, parsed; NULL when it has died. */
static struct json_object *receive(void)
{
    struct json_object *o;
    char *end;

    while (!(end = memchr(in, '\n', in_len))) {
        struct pollfd p = { sock, POLLIN, 0 };
        ssize_t n;

        if (poll(&p, 1, 20000) != 1)
            fail_msg("no answer within 20 s");
        n = read(sock, in + in_len, sizeof(in) - in_len);
        if (n <= 0)
            return NULL;
        in_len += n;
    }
    *end = 0;
    o = json_tokener_parse(in);
    assert_non_null(o);
    in_len -= end + 1 - in;
    memmove(in, end + 1, in_len);
    return o;
}

static struct json_object *call(const char *method, const char *params)
{
    char line[2048];

    snprintf(line, sizeof(line), "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":"
             "\"%s\",\"params\":%s}\n", method, params);
    send_text(line);
    return receive();
}

static const char *error_of(struct json_object *answer)
{
    struct json_object *e;

    if (!json_object_object_get_ex(answer, "error", &e))
        return NULL;
    return json_object_get_string(json_object_object_get(e, "message"));
}

static void call_ok(const char *method, const char *params)
{
    struct json_object *o = call(method, params);

    if (!o || error_of(o))
        fail_msg("%s: %s", method, o ? error_of(o) : "no answer");
    json_object_put(o);
}

static void call_refused(const char *method, const char *params,
                         const char *word)
{
    struct json_object *o = call(method, params);
    const char *error = o ? error_of(o) : NULL;

    if (!error || !strstr(error, word))
        fail_msg("%s: expected \"%s\" in: %s", method, word,
                 error ? error : "success");
    json_object_put(o);
}

#define CREATE(name, more) \
    "{\"format\":\"xl\",\"text\":\"name='" name "'\\nkernel='/bin/sh'\\n" \
    "memory=64\\n" more "\"}"

/* The listed domain of this name: caller's; NULL if there is none. */
static struct json_object *listed(const char *name)
{
    struct json_object *o = call("domain.list", "{}"), *list, *d, *found = NULL;

    assert_non_null(o);
    list = json_object_object_get(json_object_object_get(o, "result"),
                                  "domains");
    for (size_t i = 0; i < json_object_array_length(list); i++) {
        d = json_object_array_get_idx(list, i);
        if (!strcmp(json_object_get_string(json_object_object_get(d, "name")),
                    name))
            found = json_object_get(d);
    }
    json_object_put(o);
    return found;
}

static bool has_state(const char *name, const char *state)
{
    struct json_object *d = listed(name);
    bool yes = d && !strcmp(state, json_object_get_string(
        json_object_object_get(d, "state")));

    json_object_put(d);
    return yes;
}

static bool eventually(bool (*fn)(const char *a, const char *b),
                       const char *a, const char *b)
{
    for (int i = 0; i < 1000; i++) {
        if (fn(a, b))
            return true;
        usleep(5000);
    }
    return false;
}

static bool is_clean(const char *a, const char *b)
{
    char command[300];

    (void)a, (void)b;
    snprintf(command, sizeof(command), "test -z \"$(find %s/lib %s/run/domains "
             "%s/run/console -type f)\"", root, root, root);
    return !model_domains() && !system(command);
}

static uint64_t empty_kb;

static int setup(void **state)
{
    (void)state;
    strcpy(root, "/tmp/test_xend.XXXXXX");
    if (!mkdtemp(root))
        return -1;
    fake_reset();
    model_reset();
    empty_kb = model_free_kb();
    return start_daemon() ? 0 : -1;
}

/* The daemon's end is in order, and what it leaves can be removed. */
static int teardown(void **state)
{
    char command[100];
    int status;

    (void)state;
    status = stop_daemon(SIGTERM);
    if (!WIFEXITED(status) || WEXITSTATUS(status)) {
        snprintf(command, sizeof(command), "cat %s/xend.log >&2", root);
        (void)!system(command);
        return -1;
    }
    snprintf(command, sizeof(command), "rm -rf %s", root);
    return system(command);
}

static void test_life(void **state)
{
    struct json_object *d;

    (void)state;
    call_ok("domain.create", CREATE("g", "vcpus=2"));
    assert_true(has_state("g", "running"));
    call_refused("domain.create", CREATE("g", ""), "exists");
    call_ok("domain.pause", "{\"domain\":\"g\"}");
    call_ok("domain.pause", "{\"domain\":\"g\"}");
    assert_true(has_state("g", "paused"));
    call_ok("domain.unpause", "{\"domain\":\"1\"}");
    call_ok("domain.rename", "{\"domain\":\"g\",\"name\":\"h\"}");
    d = listed("h");
    assert_non_null(d);
    assert_int_equal(65536, json_object_get_int(
        json_object_object_get(d, "memory_kb")));
    json_object_put(d);
    call_refused("domain.shutdown", "{\"domain\":\"h\"}", "has not said");
    call_ok("domain.destroy", "{\"domain\":\"h\"}");
    assert_true(is_clean(NULL, NULL));
    assert_int_equal(model_free_kb(), empty_kb);
    call_refused("domain.destroy", "{\"domain\":\"h\"}", "invalid domain");
    call_refused("domain.destroy", "{\"domain\":\"0\"}", "runs the host");
    call_refused("domain.pause", "{\"domain\":\"Domain-0\"}", "cannot");
}

static const struct {
    const char *method, *params, *word;
} bad[] = {
    { "no.method", "{}", "no method" },
    { "domain.pause", "{}", "missing" },
    { "domain.pause", "{\"domain\":\"g\",\"x\":1}", "\"x\"" },
    { "domain.pause", "{\"domain\":7}", "string" },
    { "domain.pause", "[]", "object" },
    { "domain.create", "{\"format\":\"xl\"}", "text" },
    { "domain.create", "{\"format\":\"ini\",\"text\":\"\"}", "format" },
    { "domain.create", "{\"format\":\"json\",\"config\":{}}", "c_info" },
    { "domain.create", CREATE("g", "vcpus=zwei"), "config:4" },
    { "domain.create", CREATE("g", "kernel='/no'"), "No such file" },
    { "domain.create", CREATE("g", "memory=5000"), "not enough free" },
    { "domain.create", CREATE("g", "cpus='77'"), "cpus" },
    { "domain.create", CREATE("g", "disk=['a,,xvda,w']"), "disks" },
    { "domain.create", CREATE("Domain-0", ""), "exists" },
    { "domain.set_memory", "{\"domain\":\"0\",\"memory_kb\":1}", "too little" },
    { "domain.bvt", "{}", "borrowed" },
    { "domain.console", "{\"domain\":\"0\"}", "no console" },
};

/* Claim: each is refused by one line, and nothing is left behind. */
static void test_bad(void **state)
{
    struct json_object *o;

    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        call_refused(bad[i].method, bad[i].params, bad[i].word);
    send_text("this is no JSON\n[]\n\n{\"id\":3}\n");
    for (int i = 0; i < 3; i++) {
        o = receive();
        assert_non_null(error_of(o));
        json_object_put(o);
    }
    assert_true(eventually(is_clean, NULL, NULL));
    assert_int_equal(model_free_kb(), empty_kb);
}

/* Claim: a listing is answered while a domain is built, and a destroy ends the
 * build; the create is told. */
static void test_during_build(void **state)
{
    struct json_object *o;

    (void)state;
    model_set_build_time(10000000);
    send_text("{\"jsonrpc\":\"2.0\",\"id\":7,\"method\":\"domain.create\","
              "\"params\":" CREATE("g", "") "}\n");
    assert_true(eventually(has_state, "g", "building"));
    call_refused("domain.pause", "{\"domain\":\"g\"}", "being built");
    send_text("{\"jsonrpc\":\"2.0\",\"id\":8,\"method\":\"domain.destroy\","
              "\"params\":{\"domain\":\"g\"}}\n");
    o = receive();
    assert_int_equal(8, json_object_get_int(json_object_object_get(o, "id")));
    assert_null(error_of(o));
    json_object_put(o);
    o = receive();
    assert_non_null(strstr(error_of(o), "cancelled"));
    json_object_put(o);
    assert_true(is_clean(NULL, NULL));
    model_set_build_time(0);
}

static bool has_new_id(const char *name, const char *old)
{
    struct json_object *d = listed(name);
    bool yes = d && json_object_get_int(
        json_object_object_get(d, "domid")) != atoi(old) &&
        has_state(name, "running");

    json_object_put(d);
    return yes;
}

static bool is_gone(const char *name, const char *unused)
{
    struct json_object *d = listed(name);

    (void)unused;
    json_object_put(d);
    return !d;
}

/* Claim: on_* is carried out, and a guest that loops is kept. */
static void test_ends(void **state)
{
    char id[8] = "0";
    struct json_object *d;
    int i;

    (void)state;
    call_ok("domain.create", CREATE("g", "on_poweroff='preserve'"));
    model_shutdown(1, 0);
    assert_true(eventually(has_state, "g", "ended"));
    call_refused("domain.unpause", "{\"domain\":\"g\"}", "ended");
    call_ok("domain.destroy", "{\"domain\":\"g\"}");
    call_ok("domain.create", CREATE("g", "on_crash='rename-restart'"));
    model_shutdown(2, 3);
    assert_true(eventually(has_new_id, "g", "2"));
    assert_int_equal(model_domains(), 2);
    call_ok("domain.destroy", "{\"domain\":\"2\"}");
    for (i = 0; i < 20 && !has_state("g", "ended"); i++) {
        d = listed("g");
        snprintf(id, sizeof(id), "%d", json_object_get_int(
            json_object_object_get(d, "domid")));
        json_object_put(d);
        model_shutdown(atoi(id), 1);
        if (!eventually(has_new_id, "g", id))
            break;
    }
    assert_true(has_state("g", "ended"));
    assert_true(i >= 3 && i < 10);
    call_ok("domain.destroy", "{\"domain\":\"g\"}");
    call_ok("domain.create", CREATE("h", ""));
    d = listed("h");
    model_shutdown(json_object_get_int(json_object_object_get(d, "domid")), 0);
    json_object_put(d);
    assert_true(eventually(is_gone, "h", NULL));
    assert_true(eventually(is_clean, NULL, NULL));
    assert_int_equal(model_free_kb(), empty_kb);
}

/* Claim: after a kill a running domain is there, controlled, and its end is
 * seen even if it came while no daemon ran. */
static void test_restart(void **state)
{
    (void)state;
    call_ok("domain.create", CREATE("g", ""));
    call_ok("domain.create", CREATE("p", ""));
    call_ok("domain.pause", "{\"domain\":\"p\"}");
    call_ok("domain.set_memory", "{\"domain\":\"g\",\"memory_kb\":32768}");
    stop_daemon(SIGKILL);
    model_shutdown(1, 1);
    assert_true(start_daemon());
    assert_true(eventually(has_new_id, "g", "1"));
    assert_true(has_state("p", "paused"));
    call_ok("domain.unpause", "{\"domain\":\"p\"}");
    call_ok("domain.destroy", "{\"domain\":\"p\"}");
    call_ok("domain.destroy", "{\"domain\":\"g\"}");
    assert_true(is_clean(NULL, NULL));
    assert_int_equal(model_free_kb(), empty_kb);
}

/* Do what at every hypercall in turn, killed there; then start again. */
static void kill_everywhere(bool after, void (*what)(void),
                            void (*check)(bool survived))
{
    for (unsigned int n = 1; n < 100; n++) {
        model_kill_at(n, after);
        what();
        if (!model_has_killed()) {
            model_kill_at(0, false);
            check(true);
            assert_true(n > 2);
            return;
        }
        stop_daemon(SIGKILL);
        assert_true(start_daemon());
        check(false);
    }
    fail_msg("it never ends");
}

static void do_create(void)
{
    json_object_put(call("domain.create", CREATE("g", "")));
}

static void check_created(bool survived)
{
    if (survived) {
        assert_true(has_state("g", "running"));
        call_ok("domain.destroy", "{\"domain\":\"g\"}");
    }
    if (!eventually(is_clean, NULL, NULL))
        fail_msg("%u domains, see %s", model_domains(), root);
    assert_int_equal(model_free_kb(), empty_kb);
    json_object_put(listed("Domain-0"));
}

static void test_kill_create(void **state)
{
    (void)state;
    kill_everywhere(false, do_create, check_created);
    kill_everywhere(true, do_create, check_created);
}

/* The kill counts only what the destroy does. */
static void test_kill_destroy(void **state)
{
    (void)state;
    for (int after = 0; after < 2; after++)
        for (unsigned int n = 1; n < 10; n++) {
            call_ok("domain.create", CREATE("g", ""));
            model_kill_at(n, after);
            json_object_put(call("domain.destroy", "{\"domain\":\"g\"}"));
            if (!model_has_killed()) {
                model_kill_at(0, false);
                break;
            }
            stop_daemon(SIGKILL);
            assert_true(start_daemon());
            assert_true(eventually(is_clean, NULL, NULL));
        }
    assert_true(eventually(is_clean, NULL, NULL));
    assert_int_equal(model_free_kb(), empty_kb);
}

/* Claim: a restart of a guest that was interrupted is taken up again. */
static void test_kill_reboot(void **state)
{
    char id[8];
    struct json_object *d;

    (void)state;
    for (int after = 0; after < 2; after++)
        for (unsigned int n = 1; n < 30; n++) {
            call_ok("domain.create", CREATE("g", ""));
            d = listed("g");
            snprintf(id, sizeof(id), "%d", json_object_get_int(
                json_object_object_get(d, "domid")));
            json_object_put(d);
            model_kill_at(n, after);
            model_shutdown(atoi(id), 1);
            for (int i = 0; i < 100 && !model_has_killed(); i++)
                usleep(2000);
            if (model_has_killed()) {
                stop_daemon(SIGKILL);
                assert_true(start_daemon());
            } else {
                n = 30;
            }
            model_kill_at(0, false);
            if (!eventually(has_new_id, "g", id))
                fail_msg("not restarted, killed at %u: see %s", n, root);
            call_ok("domain.destroy", "{\"domain\":\"g\"}");
            assert_int_equal(model_free_kb(), empty_kb);
        }
    assert_true(eventually(is_clean, NULL, NULL));
}

static unsigned int count_fds(void)
{
    char command[64];
    unsigned int n = 0;
    FILE *f;

    snprintf(command, sizeof(command), "ls /proc/%d/fd | wc -l", (int)pid);
    f = popen(command, "r");
    assert_int_equal(fscanf(f, "%u", &n), 1);
    pclose(f);
    return n;
}

/* Claim: a hundred rounds leave no file open and no memory taken. */
static void test_rounds(void **state)
{
    unsigned int fds = 0;

    (void)state;
    for (int i = 0; i < 100; i++) {
        call_ok("domain.create", CREATE("g", ""));
        call_ok("domain.destroy", "{\"domain\":\"g\"}");
        if (!i)
            fds = count_fds();
    }
    assert_int_equal(count_fds(), fds);
    assert_int_equal(model_free_kb(), empty_kb);
    assert_true(is_clean(NULL, NULL));
}

static void test_events(void **state)
{
    struct json_object *o, *p;
    bool answered = false;
    int events = 0;

    (void)state;
    call_ok("event.subscribe", "{}");
    send_text("{\"jsonrpc\":\"2.0\",\"id\":7,\"method\":\"domain.create\","
              "\"params\":" CREATE("g", "") "}\n");
    while (!answered) {
        o = receive();
        assert_non_null(o);
        events += json_object_object_get_ex(o, "method", &p);
        answered = json_object_object_get_ex(o, "id", &p);
        json_object_put(o);
    }
    assert_int_equal(events, 2);        /* building, running */

}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_life, setup, teardown),
        cmocka_unit_test_setup_teardown(test_bad, setup, teardown),
        cmocka_unit_test_setup_teardown(test_during_build, setup, teardown),
        cmocka_unit_test_setup_teardown(test_ends, setup, teardown),
        cmocka_unit_test_setup_teardown(test_restart, setup, teardown),
        cmocka_unit_test_setup_teardown(test_kill_create, setup, teardown),
        cmocka_unit_test_setup_teardown(test_kill_destroy, setup, teardown),
        cmocka_unit_test_setup_teardown(test_kill_reboot, setup, teardown),
        cmocka_unit_test_setup_teardown(test_rounds, setup, teardown),
        cmocka_unit_test_setup_teardown(test_events, setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
