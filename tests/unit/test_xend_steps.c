/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * xend killed at each system call that changes something outside of it, while
 * it creates and destroys a domain: the next one leaves nothing half made.  The
 * program is its own tracer and its own client.
 */
#include "xend_rig.h"

int killat(int argc, char **argv);

static char self[] = "/proc/self/exe";

/* The exit code of the tracer: 0 killed, 3 or 4 ended. */
static int trace(unsigned int n, const char *when, const char *method,
                 const char *params)
{
    char daemon[16], number[16];
    char *argv[] = { (char *)"killat", daemon, number, (char *)when, self,
                     (char *)"call", (char *)method, (char *)params, NULL };
    pid_t tracer;
    int status;

    snprintf(daemon, sizeof(daemon), "%d", (int)pid);
    snprintf(number, sizeof(number), "%u", n);
    setenv("ROOT", root, 1);
    fflush(NULL);
    tracer = fork();
    if (!tracer)
        _exit(freopen("/dev/null", "w", stdout) ? killat(8, argv) : 100);
    assert_int_equal(waitpid(tracer, &status, 0), tracer);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 100;
}

/* As the client: the request, and whether it was answered well. */
static int be_client(const char *method, const char *params)
{
    struct json_object *o;
    bool bad;

    snprintf(root, sizeof(root), "%s", getenv("ROOT"));
    sock = try_connect();
    if (sock < 0)
        return 1;
    o = call(method, params);
    bad = !o || error_of(o);
    json_object_put(o);
    return bad;
}

/* It is there and can be controlled, or there is nothing of it. */
static void check_whole(void)
{
    if (has_state("g", "running"))
        call_ok("domain.destroy", "{\"domain\":\"g\"}");
    check_created(false);
}

static void kill_at_steps(const char *when, const char *method,
                          const char *params, void (*before)(void))
{
    int rc;

    for (unsigned int n = 1; n < 1000; n++) {
        before();
        rc = trace(n, when, method, params);
        if (rc) {
            assert_int_equal(rc, 3);
            check_whole();
            assert_true(n > 10);
            return;
        }
        stop_daemon(SIGKILL);
        assert_true(start_daemon());
        check_whole();
    }
    fail_msg("it never ends");
}

static void nothing(void)
{
}

static void create(void)
{
    call_ok("domain.create", CREATE("g", ""));
}

static void test_create(void **state)
{
    (void)state;
    kill_at_steps("before", "domain.create", CREATE("g", ""), nothing);
    kill_at_steps("after", "domain.create", CREATE("g", ""), nothing);
}

static void test_destroy(void **state)
{
    (void)state;
    kill_at_steps("before", "domain.destroy", "{\"domain\":\"g\"}", create);
    kill_at_steps("after", "domain.destroy", "{\"domain\":\"g\"}", create);
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = { TEST(test_create), TEST(test_destroy) };

    if (argc == 4 && !strcmp(argv[1], "call"))
        return be_client(argv[2], argv[3]);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
