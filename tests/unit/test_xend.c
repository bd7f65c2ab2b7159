/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * xend as a whole over a model of the hypervisor: what clients of its socket
 * see, and that nothing is left half made wherever it is killed.
 */
#include "xend_rig.h"

/* Claim: one answer has the host's figures and each domain's with devices. */
static void check_top(void)
{
    struct json_object *o = call("host.top", "{}"), *r, *list, *d;

    assert_null(error_of(o));
    r = json_object_object_get(o, "result");
    list = json_object_object_get(r, "domains");
    assert_int_equal(json_object_get_int64(
        json_object_object_get(r, "total_kb")), MODEL_TOTAL_KB);
    assert_true(json_object_get_int64(
        json_object_object_get(r, "time_ns")) > 0);
    assert_int_equal(json_object_array_length(list), 2);
    for (int i = 0; i < 2; i++) {
        d = json_object_array_get_idx(list, i);
        assert_true(json_object_object_get_ex(d, "cpu_time_ns", NULL));
        assert_true(json_object_object_get_ex(d, "nics", NULL));
        assert_true(json_object_object_get_ex(d, "disks", NULL));
    }
    json_object_put(o);
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
    call_refused("domain.sysrq", "{\"domain\":\"h\",\"key\":\"h\"}",
                 "does not listen");
    call_refused("domain.sysrq", "{\"domain\":\"h\",\"key\":\"\\n\"}",
                 "letters and digits");
    call_ok("domain.send_nmi", "{\"domain\":\"h\",\"vcpu\":1}");
    call_refused("domain.send_nmi", "{\"domain\":\"h\",\"vcpu\":2}",
                 "no vcpu 2");
    call_refused("domain.send_nmi", "{\"domain\":\"0\"}",
                 "no handler for an NMI on vcpu 0");
    check_top();
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
    { "domain.create", CREATE("g", "disk=['a,,xvda,w']"),
      "g: disk xvda: cannot open /dev/a: No such file" },
    { "domain.create", CREATE("Domain-0", ""), "exists" },
    { "domain.set_memory", "{\"domain\":\"0\",\"memory_kb\":1}", "too little" },
    { "domain.bvt", "{}", "borrowed" },
    { "domain.console", "{\"domain\":\"0\"}", "no console" },
    { "domain.attach_disk", "{\"domain\":\"0\"}", "either spec or config" },
    { "domain.attach_disk", "{\"domain\":\"0\",\"spec\":\"/a\"}",
      "no vdev" },
    { "domain.attach_disk", "{\"domain\":\"0\",\"spec\":\"/a,,xvda\"}",
      "not managed here" },
    { "domain.detach_disk", "{\"domain\":\"0\",\"device\":\"eth0\"}",
      "\"eth0\" is no disk" },
    { "domain.disks", "{\"domains\":[\"nobody\"]}", "invalid domain" },
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
    model_hold(true);
    send_text("{\"jsonrpc\":\"2.0\",\"id\":7,\"method\":\"domain.create\","
              "\"params\":" CREATE("g", "") "}\n");
    assert_true(eventually(is_holding, NULL, NULL));
    assert_true(has_state("g", "building"));
    call_refused("domain.pause", "{\"domain\":\"g\"}", "being built");
    send_text("{\"jsonrpc\":\"2.0\",\"id\":8,\"method\":\"domain.destroy\","
              "\"params\":{\"domain\":\"g\"}}\n");
    o = receive();
    assert_int_equal(8, json_object_get_int(json_object_object_get(o, "id")));
    assert_null(error_of(o));
    json_object_put(o);
    o = receive();
    assert_string_equal(error_of(o), "g was destroyed while it was built");
    json_object_put(o);
    assert_true(is_clean(NULL, NULL));
    model_hold(false);
}

/* Claim: an end of xend does not wait for a build, and leaves nothing in memory
 * of it nor of who waits; the next one undoes it. */
static void test_stop_building(void **state)
{
    (void)state;
    model_hold(true);
    send_text("{\"jsonrpc\":\"2.0\",\"id\":7,\"method\":\"domain.create\","
              "\"params\":" CREATE("g", "") "}\n");
    assert_true(eventually(is_holding, NULL, NULL));
    assert_true(end_daemon());
    assert_int_equal(model_domains(), 1);
    assert_true(start_daemon());
    model_hold(false);
    assert_true(eventually(is_clean, NULL, NULL));
    assert_int_equal(model_free_kb(), empty_kb);
}

/* d, which is used up, runs as another domain than old. */
static bool is_next(struct json_object *d, const char *old)
{
    bool yes = d && json_object_get_int(
        json_object_object_get(d, "domid")) != atoi(old) &&
        !strcmp("running", json_object_get_string(
            json_object_object_get(d, "state")));

    json_object_put(d);
    return yes;
}

static bool has_new_id(const char *name, const char *old)
{
    return is_next(listed(name), old);
}

static bool has_new_id_or_ended(const char *name, const char *old)
{
    return has_new_id(name, old) || has_state(name, "ended");
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
        assert_true(eventually(has_new_id_or_ended, "g", id));
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

/* Claim: a guest whose on_crash is rename-restart is kept and started anew also
 * if xend dies in between: before the old one has its new name, and after. */
static void test_rename_killed(void **state)
{
    static const char kept[] = "11111111-2222-3333-4444-555555555555";
    static const char *const edits[] = {
        "true",
        "sed \"s/$u/$k/; s/\\\"g\\\"/\\\"g-kept\\\"/\" lib/$u.json "
        ">lib/$k.json && cp run/domains/$u.json run/domains/$k.json",
    };
    char command[1000], id[8];

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        call_ok("domain.create", CREATE("g", "on_crash='rename-restart'"));
        snprintf(id, sizeof(id), "%u", id_of("g"));
        stop_daemon(SIGKILL);
        model_shutdown((unsigned int)atoi(id), 3);
        snprintf(command, sizeof(command), "cd %s && k=%s && "
                 "u=$(basename lib/*-*.json .json) && "
                 "sed -i 's/\"state\": *\"[a-z]*\"/\"state\":\"ended\"/' "
                 "run/domains/$u.json && %s && "
                 "sed -i \"s/^{/{ \\\"renaming\\\": \\\"$k\\\",/\" "
                 "run/domains/$u.json", root, kept, edits[i]);
        assert_int_equal(system(command), 0);
        assert_true(start_daemon());
        assert_true(eventually(has_new_id, "g", id));
        assert_true(eventually(has_state, "g", "running"));
        assert_int_equal(model_domains(), 2);
        assert_true(i == 0 || has_state("g-kept", "ended"));
        snprintf(command, sizeof(command), "{\"domain\":\"%s\"}", id);
        call_ok("domain.destroy", command);
        call_ok("domain.destroy", "{\"domain\":\"g\"}");
        assert_true(eventually(is_clean, NULL, NULL));
        assert_int_equal(model_free_kb(), empty_kb);
    }
}

/* Claim: a definition that cannot be read costs a living domain nothing, once
 * it is put right. */
static void test_broken_definition(void **state)
{
    char command[400];

    (void)state;
    call_ok("domain.create", CREATE("g", ""));
    stop_daemon(SIGTERM);
    snprintf(command, sizeof(command), "cd %s/lib && for f in *-*.json; do "
             "mv $f $f.kept && echo '{' >$f; done", root);
    assert_int_equal(system(command), 0);
    assert_true(start_daemon());
    assert_true(has_state("g", "running"));
    stop_daemon(SIGTERM);
    snprintf(command, sizeof(command), "cd %s/lib && for f in *-*.json; do "
             "mv $f.kept $f && test -s %s/run/domains/$f; done", root, root);
    assert_int_equal(system(command), 0);
    assert_true(start_daemon());
    assert_true(has_state("g", "running"));
    call_ok("domain.destroy", "{\"domain\":\"g\"}");
    assert_true(is_clean(NULL, NULL));
    assert_int_equal(model_free_kb(), empty_kb);
}

#define UPDATE(name, more) \
    "{\"domain\":\"g\",\"format\":\"xl\",\"text\":\"name='" name "'\\n" \
    "kernel='/bin/sh'\\nmemory=64\\n" more "\"}"

static int vcpus_of(const char *name)
{
    struct json_object *d = listed(name);
    int vcpus = json_object_get_int(json_object_object_get(d, "vcpus"));

    json_object_put(d);
    return vcpus;
}

/* Claim: another definition holds from the next start on, also after a kill
 * of xend; it keeps uuid and name, and what it cannot be is refused. */
static void test_update(void **state)
{
    struct json_object *d;
    char uuid[40];

    (void)state;
    call_ok("domain.create", CREATE("g", ""));
    d = listed("g");
    strcpy(uuid, json_object_get_string(json_object_object_get(d, "uuid")));
    json_object_put(d);
    call_refused("domain.update_config", UPDATE("h", ""), "rename");
    call_refused("domain.update_config", UPDATE("g", "vcpus=zwei"),
                 "config:4");
    call_refused("domain.update_config", UPDATE("g",
                 "uuid='01234567-89ab-cdef-0123-456789abcdef'"), "uuid");
    call_refused("domain.update_config",
                 "{\"domain\":\"0\",\"format\":\"xl\",\"text\":"
                 "\"name='x'\\nkernel='/bin/sh'\"}", "no definition");
    call_ok("domain.update_config", UPDATE("g", "vcpus=3"));
    assert_int_equal(vcpus_of("g"), 1);
    call_ok("domain.rename", "{\"domain\":\"g\",\"name\":\"h\"}");
    stop_daemon(SIGKILL);
    assert_true(start_daemon());
    assert_int_equal(vcpus_of("h"), 1);
    model_shutdown(1, 1);
    assert_true(eventually(has_new_id, "h", "1"));
    assert_int_equal(vcpus_of("h"), 3);
    d = listed("h");
    assert_string_equal(uuid, json_object_get_string(
        json_object_object_get(d, "uuid")));
    json_object_put(d);
    /* And the one after: it is its definition now. */
    model_shutdown(2, 1);
    assert_true(eventually(has_new_id, "h", "2"));
    assert_int_equal(vcpus_of("h"), 3);
    call_ok("domain.destroy", "{\"domain\":\"h\"}");
    assert_true(is_clean(NULL, NULL));
}

static void do_create(void)
{
    json_object_put(call("domain.create", CREATE("g", "")));
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

/* Restarted, or the model has killed the daemon. */
static bool is_through(const char *name, const char *old)
{
    struct json_object *o;

    o = model_has_killed() ? NULL : call("domain.list", "{}");
    if (o)
        return is_next(find_listed(o, name), old);
    assert_true(model_has_killed());
    return true;
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
            assert_true(eventually(is_through, "g", id));
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
        cmocka_unit_test_setup_teardown(test_stop_building, setup, teardown),
        cmocka_unit_test_setup_teardown(test_ends, setup, teardown),
        cmocka_unit_test_setup_teardown(test_restart, setup, teardown),
        cmocka_unit_test_setup_teardown(test_rename_killed, setup, teardown),
        cmocka_unit_test_setup_teardown(test_broken_definition, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_update, setup, teardown),
        cmocka_unit_test_setup_teardown(test_kill_create, setup, teardown),
        cmocka_unit_test_setup_teardown(test_kill_destroy, setup, teardown),
        cmocka_unit_test_setup_teardown(test_kill_reboot, setup, teardown),
        cmocka_unit_test_setup_teardown(test_rounds, setup, teardown),
        cmocka_unit_test_setup_teardown(test_events, setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
