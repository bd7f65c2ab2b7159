/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * xend as a whole in a process of its own, over a model of the hypervisor,
 * and a client of its socket.  Included by the tests, once each.
 */
#ifndef XEND_RIG_H
#define XEND_RIG_H

#include <poll.h>
#include <sanitizer/lsan_interface.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>
#include <json-c/json.h>

#include "model_xc.h"

#define LOCALSTATEDIR "/nowhere"
#define main xend_main
#include "../../xend/main.c"
#undef main

#define PATIENCE 60     /* seconds, for what must come */

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
        __lsan_enable();
        if (!freopen(log, "a", stderr))
            _exit(1);
        exit(xend_main(7, argv));
    }
    in_len = 0;
    for (time_t begin = time(NULL); time(NULL) - begin < PATIENCE; ) {
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
static inline struct json_object *receive(void)
{
    struct json_object *o;
    char *end;

    while (!(end = memchr(in, '\n', in_len))) {
        struct pollfd p = { sock, POLLIN, 0 };
        ssize_t n;

        if (poll(&p, 1, PATIENCE * 1000) != 1)
            fail_msg("no answer within %d s", PATIENCE);
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

static inline struct json_object *call(const char *method, const char *params)
{
    char line[2048];

    snprintf(line, sizeof(line), "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":"
             "\"%s\",\"params\":%s}\n", method, params);
    send_text(line);
    return receive();
}

static inline const char *error_of(struct json_object *answer)
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

static inline void call_refused(const char *method, const char *params,
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

/* The domain of this name in a listing, which is used up: caller's; NULL if
 * there is none. */
static inline struct json_object *find_listed(struct json_object *o,
                                              const char *name)
{
    struct json_object *list, *d, *found = NULL;

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

static inline struct json_object *listed(const char *name)
{
    struct json_object *o = call("domain.list", "{}");

    assert_non_null(o);
    return find_listed(o, name);
}

static inline unsigned int id_of(const char *name)
{
    struct json_object *d = listed(name);
    unsigned int id = d ? (unsigned int)json_object_get_int(
        json_object_object_get(d, "domid")) : 0;

    json_object_put(d);
    return id;
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
    time_t begin = time(NULL);

    while (!fn(a, b)) {
        if (time(NULL) - begin >= PATIENCE)
            return false;
        usleep(5000);
    }
    return true;
}

static bool is_clean(const char *a, const char *b)
{
    char command[300];

    (void)a, (void)b;
    snprintf(command, sizeof(command), "test -z \"$(find %s/lib %s/run/domains "
             "%s/run/console -type f)\"", root, root, root);
    return !model_domains() && !system(command);
}

static inline bool is_holding(const char *a, const char *b)
{
    (void)a, (void)b;
    return model_is_holding();
}

static uint64_t empty_kb;

/* What a failed test has left is no leak of the daemons after it. */
static int setup(void **state)
{
    static bool again;

    (void)state;
    if (!again)
        __lsan_disable();
    again = true;
    strcpy(root, "/tmp/test_xend.XXXXXX");
    if (!mkdtemp(root))
        return -1;
    fake_reset();
    model_reset();
    empty_kb = model_free_kb();
    return start_daemon() ? 0 : -1;
}

/* Stop the daemon; false with its log: not in order, or it leaks memory. */
static bool end_daemon(void)
{
    int status = stop_daemon(SIGTERM);
    char command[100];

    if (WIFEXITED(status) && !WEXITSTATUS(status))
        return true;
    snprintf(command, sizeof(command), "cat %s/xend.log >&2", root);
    (void)!system(command);
    return false;
}

/* The daemon's end is in order, and what it leaves can be removed. */
static int teardown(void **state)
{
    char command[100];

    (void)state;
    if (!end_daemon())
        return -1;
    snprintf(command, sizeof(command), "rm -rf %s", root);
    return system(command);
}

static inline bool is_gone(const char *name, const char *unused)
{
    struct json_object *d = listed(name);

    (void)unused;
    json_object_put(d);
    return !d;
}

/* Do what at every hypercall in turn, killed there; then start again. */
static inline void kill_everywhere(bool after, void (*what)(void),
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

#endif
