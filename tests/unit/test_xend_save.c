/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Saved domains over the model of the hypervisor: a file or a guest, never
 * both, never neither, wherever xend is killed.  And dumps: the guest goes on.
 */
#include "xend_rig.h"

/* A file that the model knows, with what g must have said of itself. */

static char file[100], save_params[300];

static void make_file(void)
{
    static const char node[] = "control/feature-suspend";
    struct { char magic[8]; uint64_t kb, config, store; } head = {
        "model", 65536, 0, 8 + strlen(node) + 1
    };
    const uint32_t sizes[2] = { (uint32_t)strlen(node), 1 };
    struct json_object *d;
    const char *config;
    FILE *f;

    snprintf(file, sizeof(file), "%s/g.save", root);
    call_ok("domain.create", CREATE("g", ""));
    d = call("domain.list", "{\"domains\":[\"g\"],\"config\":true}");
    config = json_object_to_json_string(json_object_object_get(
        json_object_array_get_idx(json_object_object_get(
            json_object_object_get(d, "result"), "domains"), 0), "config"));
    head.config = strlen(config);
    f = fopen(file, "w");
    assert_non_null(f);
    fwrite(&head, sizeof(head), 1, f);
    fputs(config, f);
    fwrite(sizes, sizeof(sizes), 1, f);
    fprintf(f, "%s1", node);
    fclose(f);
    json_object_put(d);
    call_ok("domain.destroy", "{\"domain\":\"g\"}");
}

static const char *with_file(const char *more)
{
    snprintf(save_params, sizeof(save_params), "{%s\"file\":\"%s\"}", more,
             file);
    return save_params;
}

static void send_request(const char *method, const char *params)
{
    send_text("{\"jsonrpc\":\"2.0\",\"id\":9,\"method\":\"");
    send_text(method);
    send_text("\",\"params\":");
    send_text(params);
    send_text("}\n");
}

/* Ask for a save, and let the guest suspend.  NULL: the daemon died. */
static struct json_object *save(const char *after)
{
    unsigned int id = id_of("g");
    char more[64];

    snprintf(more, sizeof(more), "\"domain\":\"g\",\"after\":\"%s\",",
             after);
    send_request("domain.save", with_file(more));
    if (!eventually(has_state, "g", "suspending"))
        fail_msg("it is not asked");
    model_shutdown(id, XC_SHUTDOWN_SUSPEND);
    return receive();
}

static void save_ok(const char *after)
{
    struct json_object *o = save(after);

    if (!o || error_of(o))
        fail_msg("save: %s", o ? error_of(o) : "no answer");
    json_object_put(o);
}

static bool runs(void)
{
    struct xc_domain_info info;

    return has_state("g", "running") && model_get(id_of("g"), &info) &&
           !info.shutdown && !info.paused;
}

static bool goes_on(const char *a, const char *b)
{
    (void)a, (void)b;
    return runs();
}

static void test_save(void **state)
{
    struct json_object *o;

    (void)state;
    make_file();
    call_ok("domain.restore", with_file(""));
    assert_true(runs());
    call_refused("domain.restore", with_file(""), "exists");
    unlink(file);
    save_ok("destroy");
    assert_true(is_gone("g", NULL));
    assert_int_equal(model_free_kb(), empty_kb);
    call_ok("domain.restore", with_file("\"paused\":true,"));
    assert_true(has_state("g", "paused"));
    call_refused("domain.save", with_file("\"domain\":\"g\","), "paused");
    call_ok("domain.unpause", "{\"domain\":\"g\"}");
    unlink(file);
    save_ok("resume");
    assert_true(runs());
    save_ok("pause");
    assert_true(has_state("g", "paused"));
    call_ok("domain.unpause", "{\"domain\":\"g\"}");
    assert_true(runs());
    unlink(file);
    model_set_bad_file(true);
    o = save("destroy");
    assert_non_null(strstr(error_of(o), "No space left"));
    json_object_put(o);
    model_set_bad_file(false);
    assert_true(runs());
    assert_int_equal(access(file, F_OK), -1);
    model_shutdown(id_of("g"), XC_SHUTDOWN_SUSPEND);    /* nobody asked */
    assert_true(eventually(goes_on, NULL, NULL));
    call_ok("domain.destroy", "{\"domain\":\"g\"}");
    assert_true(is_clean(NULL, NULL));
}

/* Claim: nothing is made of a file that cannot be used. */
static void test_bad_files(void **state)
{
    FILE *f;

    (void)state;
    make_file();
    call_ok("domain.create", CREATE("h", ""));
    call_refused("domain.save", with_file("\"domain\":\"h\","), "has not said");
    call_refused("domain.save", "{\"domain\":\"0\",\"file\":\"/f\"}", "host");
    call_ok("domain.destroy", "{\"domain\":\"h\"}");
    call_refused("domain.restore", "{\"file\":\"g.save\"}", "absolute");
    call_refused("domain.restore", "{\"file\":\"/no/file\"}", "No such file");
    call_refused("domain.restore", "{\"file\":\"/etc/passwd\"}", "no saved");
    call_ok("domain.restore", with_file(""));
    call_refused("domain.save", "{\"domain\":\"g\",\"file\":\"/no/x\"}",
                 "No such file");
    call_refused("domain.save", "{\"domain\":\"g\",\"file\":\"/dev/null\"}",
                 "regular");
    assert_true(runs());
    call_ok("domain.destroy", "{\"domain\":\"g\"}");
    /* A store node that is not the guest's. */
    f = fopen(file, "r+");
    fseek(f, -24, SEEK_END);
    fputc('X', f);
    fclose(f);
    call_refused("domain.restore", with_file(""), "xenstore");
    assert_true(eventually(is_clean, NULL, NULL));
    assert_int_equal(model_free_kb(), empty_kb);
}

/* A guest of the file is being saved to it, or asked to suspend. */
static void begin_save(bool suspends)
{
    call_ok("domain.restore", with_file(""));
    unlink(file);
    model_hold(true);
    send_request("domain.save", with_file("\"domain\":\"g\","));
    assert_true(eventually(has_state, "g", "suspending"));
    if (!suspends)
        return;
    model_shutdown(id_of("g"), XC_SHUTDOWN_SUSPEND);
    assert_true(eventually(is_holding, NULL, NULL));
    assert_true(has_state("g", "saving"));
}

/* Claim: an end of xend does not wait for a guest, nor for a file to be
 * written or read; nothing of it stays in memory, and the guest runs on. */
static void test_stop(void **state)
{
    (void)state;
    for (int suspends = 0; suspends < 2; suspends++) {
        make_file();
        begin_save(suspends);
        assert_true(end_daemon());
        assert_true(start_daemon());
        model_hold(false);
        assert_true(eventually(goes_on, NULL, NULL));
        assert_int_equal(access(file, F_OK), -1);
        call_ok("domain.destroy", "{\"domain\":\"g\"}");
    }
    make_file();
    model_hold(true);
    send_request("domain.restore", with_file(""));
    assert_true(eventually(is_holding, NULL, NULL));
    assert_true(end_daemon());
    model_hold(false);
    assert_true(start_daemon());
    assert_true(is_clean(NULL, NULL));
}

/* Claim: a destroy ends a save, whose file never is. */
static void test_destroy_saving(void **state)
{
    struct json_object *o;

    (void)state;
    make_file();
    begin_save(true);
    call_refused("domain.pause", "{\"domain\":\"g\"}", "being saved");
    send_text("{\"jsonrpc\":\"2.0\",\"id\":10,\"method\":\"domain.destroy\","
              "\"params\":{\"domain\":\"g\"}}\n");
    o = receive();
    assert_non_null(strstr(error_of(o), "destroyed"));
    json_object_put(o);
    o = receive();
    assert_null(error_of(o));
    json_object_put(o);
    model_hold(false);
    assert_int_equal(access(file, F_OK), -1);
    assert_true(is_clean(NULL, NULL));
}

static void do_restore(void)
{
    json_object_put(call("domain.restore", with_file("")));
}

static void test_kill_restore(void **state)
{
    (void)state;
    make_file();
    kill_everywhere(false, do_restore, check_created);
    kill_everywhere(true, do_restore, check_created);
}

/* Claim: wherever a save is killed, either the guest runs and there is no
 * file, or there is the file and no guest. */
static void kill_save(bool after, const char *then)
{
    bool died = true;

    for (unsigned int n = 1; n < 50 && died; n++) {
        make_file();
        call_ok("domain.restore", with_file(""));
        unlink(file);
        model_kill_at(n, after);
        json_object_put(save(then));
        died = model_has_killed();
        model_kill_at(0, false);
        if (died) {
            stop_daemon(SIGKILL);
            assert_true(start_daemon());
        }
        if (!access(file, F_OK) && !strcmp(then, "destroy")) {
            assert_true(eventually(is_clean, NULL, NULL));
            continue;
        }
        assert_true(eventually(goes_on, NULL, NULL));
        assert_int_equal(access(file, F_OK), died ? -1 : 0);
        call_ok("domain.destroy", "{\"domain\":\"g\"}");
    }
    assert_false(died);
    assert_true(eventually(is_clean, NULL, NULL));
    assert_int_equal(model_free_kb(), empty_kb);
}

static void test_kill_save(void **state)
{
    (void)state;
    kill_save(false, "destroy");
    kill_save(true, "destroy");
    kill_save(false, "resume");
    kill_save(true, "resume");
}

/* ---- dumps ---- */

static const char *core_of(const char *domain)
{
    snprintf(file, sizeof(file), "%s/g.core", root);
    snprintf(save_params, sizeof(save_params),
             "{\"domain\":\"%s\",\"file\":\"%s\"}", domain, file);
    return save_params;
}

/* What the file says; it is removed.  NULL: there is none. */
static const char *take_core(const char *path)
{
    static char text[64];
    FILE *f = fopen(path, "r");

    if (!f)
        return NULL;
    assert_non_null(fgets(text, sizeof(text), f));
    fclose(f);
    unlink(path);
    return text;
}

/* Claim: it stands still for the dump and is afterwards what it was. */
static void test_dump(void **state)
{
    struct stat st;

    (void)state;
    call_ok("domain.create", CREATE("g", "on_crash='preserve'"));
    call_ok("domain.dump_core", core_of("g"));
    assert_true(runs());
    assert_int_equal(stat(file, &st), 0);
    assert_int_equal(st.st_mode & 07777, 0600);
    assert_string_equal(take_core(file), "65536 1\n");
    call_ok("domain.pause", "{\"domain\":\"g\"}");
    call_ok("domain.dump_core", core_of("g"));
    assert_true(has_state("g", "paused"));
    assert_non_null(take_core(file));
    call_ok("domain.unpause", "{\"domain\":\"g\"}");
    model_set_bad_file(true);
    call_refused("domain.dump_core", core_of("g"), "No space left");
    model_set_bad_file(false);
    assert_true(runs());
    assert_null(take_core(file));
    model_shutdown(id_of("g"), XC_SHUTDOWN_CRASH);
    assert_true(eventually(has_state, "g", "ended"));
    call_ok("domain.dump_core", core_of("g"));
    assert_true(has_state("g", "ended"));
    assert_string_equal(take_core(file), "65536 0\n");
    call_refused("domain.dump_core", core_of("0"), "runs the host");
    call_refused("domain.dump_core", "{\"domain\":\"g\",\"file\":\"x\"}",
                 "absolute");
    call_refused("domain.dump_core", "{\"domain\":\"g\",\"file\":\"/no/x\"}",
                 "No such file");
    call_ok("domain.destroy", "{\"domain\":\"g\"}");
    assert_true(is_clean(NULL, NULL));
}

static void begin_dump(void)
{
    model_hold(false);
    call_ok("domain.create", CREATE("g", ""));
    model_hold(true);
    send_request("domain.dump_core", core_of("g"));
    assert_true(eventually(is_holding, NULL, NULL));
    assert_true(has_state("g", "dumping"));
}

/* Claim: who goes away ends the dump, a destroy ends it, an end of xend ends
 * it; a guest that still is runs on, and there is no file. */
static void test_dump_ends(void **state)
{
    struct json_object *o;

    (void)state;
    begin_dump();
    call_refused("domain.unpause", "{\"domain\":\"g\"}", "being dumped");
    call_refused("domain.dump_core", core_of("g"), "being dumped");
    close(sock);
    sock = try_connect();
    in_len = 0;
    assert_true(eventually(has_state, "g", "running"));
    assert_true(runs());
    call_ok("domain.destroy", "{\"domain\":\"g\"}");
    begin_dump();
    send_text("{\"jsonrpc\":\"2.0\",\"id\":10,\"method\":\"domain.destroy\","
              "\"params\":{\"domain\":\"g\"}}\n");
    o = receive();
    assert_non_null(strstr(error_of(o), "destroyed"));
    json_object_put(o);
    o = receive();
    assert_null(error_of(o));
    json_object_put(o);
    begin_dump();
    assert_true(end_daemon());
    assert_true(start_daemon());
    assert_true(runs());
    model_hold(false);
    assert_null(take_core(file));
    call_ok("domain.destroy", "{\"domain\":\"g\"}");
    assert_true(is_clean(NULL, NULL));
}

/* Claim: wherever a dump is killed, the guest runs afterwards, and there is a
 * whole file or none. */
static void test_kill_dump(void **state)
{
    bool died = true;

    (void)state;
    for (unsigned int n = 1; n < 40 && died; n++) {
        call_ok("domain.create", CREATE("g", ""));
        model_kill_at((n + 1) / 2, n % 2);
        json_object_put(call("domain.dump_core", core_of("g")));
        died = model_has_killed();
        model_kill_at(0, false);
        if (died) {
            stop_daemon(SIGKILL);
            assert_true(start_daemon());
        }
        assert_true(eventually(goes_on, NULL, NULL));
        if (died)
            assert_null(take_core(file));
        else
            assert_non_null(take_core(file));
        call_ok("domain.destroy", "{\"domain\":\"g\"}");
    }
    assert_false(died);
    assert_true(eventually(is_clean, NULL, NULL));
}

/* The only dump of a crashed domain; removed. */
static const char *crash_dump(void)
{
    char command[200], path[200];
    FILE *f;

    snprintf(command, sizeof(command), "ls %s/lib/dump/g-*.core", root);
    f = popen(command, "r");
    if (!fgets(path, sizeof(path), f))
        fail_msg("no dump");
    assert_null(fgets(command, sizeof(command), f));
    pclose(f);
    path[strcspn(path, "\n")] = 0;
    return take_core(path);
}

static bool is_restarted(const char *name, const char *old)
{
    return id_of(name) > (unsigned int)atoi(old) && has_state(name, "running");
}

/* Claim: on_crash dumps first; a xend that was killed meanwhile does it
 * again; without room for a dump the rest happens. */
static void test_crash_dump(void **state)
{
    (void)state;
    call_ok("domain.create", CREATE("g", "on_crash='coredump-destroy'"));
    model_shutdown(id_of("g"), XC_SHUTDOWN_CRASH);
    assert_true(eventually(is_gone, "g", NULL));
    assert_string_equal(crash_dump(), "65536 0\n");
    call_ok("domain.create", CREATE("g", "on_crash='coredump-restart'"));
    model_hold(true);
    model_shutdown(id_of("g"), XC_SHUTDOWN_CRASH);
    assert_true(eventually(has_state, "g", "dumping"));
    stop_daemon(SIGKILL);
    model_hold(false);
    assert_true(start_daemon());
    assert_true(eventually(is_restarted, "g", "2"));
    assert_string_equal(crash_dump(), "65536 0\n");
    model_set_bad_file(true);
    model_shutdown(id_of("g"), XC_SHUTDOWN_CRASH);
    assert_true(eventually(is_restarted, "g", "3"));
    model_set_bad_file(false);
    call_ok("domain.destroy", "{\"domain\":\"g\"}");
    assert_true(is_clean(NULL, NULL));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_save, setup, teardown),
        cmocka_unit_test_setup_teardown(test_bad_files, setup, teardown),
        cmocka_unit_test_setup_teardown(test_stop, setup, teardown),
        cmocka_unit_test_setup_teardown(test_destroy_saving, setup, teardown),
        cmocka_unit_test_setup_teardown(test_kill_restore, setup, teardown),
        cmocka_unit_test_setup_teardown(test_kill_save, setup, teardown),
        cmocka_unit_test_setup_teardown(test_dump, setup, teardown),
        cmocka_unit_test_setup_teardown(test_dump_ends, setup, teardown),
        cmocka_unit_test_setup_teardown(test_kill_dump, setup, teardown),
        cmocka_unit_test_setup_teardown(test_crash_dump, setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
