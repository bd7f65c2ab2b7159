/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A device's life over a real store: the order of what is done, every wait's
 * end, what a guest that lies or is silent can do, and restarts in between.
 * The test plays dom0's driver and the guest's, and it owns the clock.
 */
#include <errno.h>
#include <json-c/json.h>
#include <stdint.h>

#include "store_rig.h"

/* The clock: a timer is what the test fires. */
static sd_event_time_handler_t timer_fn;
static void *timer_arg;

static int fake_timer(sd_event *e, sd_event_source **ret, clockid_t clock,
                      uint64_t usec, uint64_t accuracy,
                      sd_event_time_handler_t fn, void *arg)
{
    (void)clock, (void)usec, (void)accuracy;
    timer_fn = fn;
    timer_arg = arg;
    return sd_event_add_defer(e, ret, NULL, NULL) < 0 ? -1 :
           sd_event_source_set_enabled(*ret, SD_EVENT_OFF);
}

static bool hurried;            /* the timer is to fire now */

static int fake_hurry(sd_event_source *source, uint64_t usec)
{
    (void)source;
    hurried = usec == 0;
    return 0;
}

#define sd_event_add_time_relative fake_timer
#define sd_event_source_set_time_relative fake_hurry
#include "../../xend/device/device.c"
#undef sd_event_add_time_relative
#undef sd_event_source_set_time_relative
#include "fake_device_ops.h"

#define BACK  "/local/domain/0/backend/vbd/1/51712"
#define FRONT "/local/domain/1/device/vbd/51712"

static struct xend x;
static struct domain d;
static struct err result;
static int nr_results, saves;
static bool live;

void domains_each(struct xend *xend, void (*fn)(struct domain *dom, void *ctx),
                  void *ctx)
{
    (void)xend;
    fn(&d, ctx);
}

int domain_need_live(const struct domain *dom, struct err *err)
{
    (void)dom;
    return live ? 0 : err_set(err, -EBUSY, "not live");
}

int persist_save(struct domain *dom, struct err *err)
{
    (void)dom, (void)err;
    saves++;
    return 0;
}

static void on_done(void *ctx, const struct err *err)
{
    (void)ctx;
    result = *err;
    nr_results++;
}

static bool works(void)
{
    struct device *dev;

    list_for_each(dev, &d.devices, link)
        if (dev->run->busy)
            return true;
    return false;
}

/* Let threads end and the store speak. */
static void settle(void)
{
    turn();
    while (works()) {
        sd_event_run(loop, UINT64_MAX);
        turn();
    }
}

static void late_now(void)
{
    timer_fn(NULL, UINT64_MAX, timer_arg);
    settle();
}

/* The guest's kernel wants to hear of its devices. */
static void guest_watches(void)
{
    static const char args[] = "device\0token";
    char reply[8192];

    assert_int_equal(call(1, XS_WATCH, 0, args, sizeof(args), reply),
                     XS_WATCH);
    while (*event(1))
        ;
}

/* The guest hears of the device and looks for it, but it went. */
static void look(void)
{
    static const char node[] = "device/vbd/51712";
    char reply[8192];

    assert_int_equal(call(1, XS_DIRECTORY, 0, node, sizeof(node), reply),
                     XS_ERROR);
}

static void guest_looks_once(void)
{
    bool heard = false;

    hurried = false;
    while (*event(1))
        heard = true;
    assert_true(heard);
    look();
    assert_true(hurried);
}

/* It takes the driver off then, and is done when it looks again. */
static void guest_looks(void)
{
    guest_looks_once();
    assert_false(list_empty(&d.devices));
    late_now();
    assert_false(list_empty(&d.devices));
    guest_looks_once();
    late_now();
}

static void back(int state)
{
    char text[2] = { (char)('0' + state), 0 };

    store_write(s, NULL, BACK "/state", text);
    settle();
}

static void front(int state)
{
    char text[2] = { (char)('0' + state), 0 };

    store_write(s, NULL, FRONT "/state", text);
    settle();
}

static bool holds(const char *path, const char *value)
{
    char *v = store_read(s, NULL, path, NULL);
    bool same = v && streq(v, value);

    free(v);
    return same;
}

static bool no_nodes(void)
{
    char *a = store_read(s, NULL, "/local/domain/0/backend/vbd/1", NULL);
    char *b = store_read(s, NULL, FRONT, NULL);
    bool none = !a && !b;

    free(a);
    free(b);
    return none;
}

static void guest_lets_go(void)
{
    front(STATE_CLOSED);
    back(STATE_CLOSED);
    guest_looks();
    assert_true(no_nodes() && list_empty(&d.devices));
}

static struct device_config *disk(void)
{
    struct config_report r = { 0 };
    struct device_config *dc;

    assert_int_equal(device_config_parse(DEVICE_VBD, "/x,,xvda", "disk", &r,
                                         &dc), 0);
    return dc;
}

static int device_setup(void **state)
{
    int rc = setup(state);

    x = (struct xend){ .loop = loop, .store = s };
    workers_create(loop, 2, &x.workers);
    memset(&d, 0, sizeof(d));
    d.x = &x;
    d.config = config_new();
    d.config->name = xstrdup("g");
    strcpy(d.uuid, "u");
    d.domid = 1;
    d.state = LIFE_RUNNING;
    list_init(&d.devices);
    calls[0] = 0;
    prepare_rc = plug_rc = nr_results = saves = 0;
    live = true;
    guest_watches();
    return rc;
}

static int device_teardown(void **state)
{
    workers_destroy(x.workers);
    devices_drop(&d);
    config_free(d.config);
    return teardown(state);
}

#define TEST(fn) \
    cmocka_unit_test_setup_teardown(fn, device_setup, device_teardown)

static void attach(void)
{
    nr_results = 0;
    device_attach(&d, disk(), on_done, NULL);
    settle();
}

static void detach(bool force)
{
    nr_results = 0;
    device_detach(&d, DEVICE_VBD, 51712, force, on_done, NULL);
    settle();
}

static void ended(int rc, const char *word)
{
    assert_int_equal(nr_results, 1);
    if (result.rc != rc || !strstr(result.text, word))
        fail_msg("%d: %s; expected %d, \"%s\"", result.rc, result.text, rc,
                 word);
}

/* The process dies and another one finds what there is. */
static void restart(void)
{
    devices_drop(&d);
    calls[0] = 0;
    devices_restore(&d);
    devices_resume(&d);
    settle();
}

/* An attached device. */
static void make(void)
{
    attach();
    back(STATE_INIT_WAIT);
    front(STATE_INITIALISED);
    back(STATE_CONNECTED);
    front(STATE_CONNECTED);
    ended(0, "");
    calls[0] = 0;
}

/* Claim: each step comes after what it needs, and both ends can read. */
static void test_attach(void **state)
{
    (void)state;
    attach();
    assert_string_equal(calls, "pn");
    assert_true(holds(BACK "/frontend", FRONT));
    assert_true(holds(BACK "/online", "1"));
    assert_true(holds(FRONT "/backend", BACK));
    assert_true(holds(BACK "/params", "x"));
    back(STATE_INIT_WAIT);
    assert_string_equal(calls, "pnPN");
    assert_true(holds(BACK "/hotplug-status", "connected"));
    front(STATE_INITIALISED);
    back(STATE_CONNECTED);
    assert_int_equal(nr_results, 0);
    front(STATE_CONNECTED);
    ended(0, "");
    assert_int_equal(d.config->nr_devices, 1);
    assert_int_equal(saves, 1);
    attach();
    ended(-EEXIST, "same device");
}

/* Claim: asked, the guest lets go; then all is undone in reverse. */
static void test_detach(void **state)
{
    (void)state;
    make();
    detach(false);
    assert_string_equal(calls, "");
    assert_true(holds(BACK "/state", "5"));
    assert_true(holds(BACK "/online", "0"));
    front(STATE_CLOSED);
    assert_string_equal(calls, "");
    back(STATE_CLOSED);
    assert_string_equal(calls, "ur");
    assert_true(no_nodes());
    assert_int_equal(nr_results, 0);
    guest_looks();
    ended(0, "");
    assert_int_equal(d.config->nr_devices, 0);
    assert_true(list_empty(&d.devices));
    detach(false);
    ended(-ENOENT, "no disk 51712");
}

/* Claim: requests for a device that is on its way wait for the end of that. */
static void test_queue(void **state)
{
    (void)state;
    make();
    detach(false);
    detach(false);              /* the second has nothing left to do */
    front(STATE_CLOSED);
    back(STATE_CLOSED);
    assert_string_equal(calls, "ur");
    attach();
    assert_string_equal(calls, "ur");   /* the guest has not seen it go */
    guest_looks();
    assert_string_equal(calls, "urpn");
    assert_int_equal(nr_results, 2);
    assert_int_equal(result.rc, 0);
    detach(false);              /* while it is being attached */
    back(STATE_INIT_WAIT);
    front(STATE_CONNECTED);
    back(STATE_CONNECTED);
    assert_int_equal(nr_results, 1);
    assert_true(holds(BACK "/online", "0"));
    attach();
    devices_stop(&d, on_done, NULL);    /* ends all but the attach, which */
    live = false;
    back(STATE_CLOSED);
    assert_int_equal(nr_results, 3);    /* finds that it cannot be */
    assert_int_equal(result.rc, -EBUSY);
    assert_true(no_nodes() && list_empty(&d.devices));
}

/* Claim: a guest that does not watch its devices is not waited for. */
static void test_blind(void **state)
{
    static const char args[] = "device\0token";
    char reply[8192];

    (void)state;
    make();
    while (*event(1))
        ;
    assert_int_equal(call(1, XS_UNWATCH, 0, args, sizeof(args), reply),
                     XS_UNWATCH);
    detach(false);
    front(STATE_CLOSED);
    back(STATE_CLOSED);
    ended(0, "");
    assert_true(list_empty(&d.devices));
}

/* Claim: a guest keeps it until it lets go of it, unless by force. */
static void test_busy(void **state)
{
    (void)state;
    make();
    detach(false);
    attach();                   /* waits for the end of that */
    late_now();
    assert_int_equal(nr_results, 2);
    assert_int_equal(result.rc, -EBUSY);
    assert_int_equal(d.config->nr_devices, 1);
    assert_string_equal(calls, "");
    detach(false);
    ended(-EBUSY, "as soon as the guest lets go");
    restart();
    assert_true(holds(BACK "/online", "0"));
    late_now();
    guest_lets_go();
    assert_string_equal(calls, "aur");
    assert_int_equal(d.config->nr_devices, 0);

    make();
    detach(false);
    late_now();
    detach(true);
    assert_true(holds(FRONT "/state", "6"));
    assert_string_equal(calls, "");
    back(STATE_CLOSED);
    late_now();                 /* and it does not look */
    ended(0, "");
    assert_string_equal(calls, "ur");
    assert_true(no_nodes());
}

/* Claim: if dom0's end is silent, too, all goes all the same. */
static void test_cut(void **state)
{
    (void)state;
    make();
    detach(true);
    late_now();
    late_now();
    late_now();
    ended(0, "");
    assert_string_equal(calls, "ur");
    assert_true(no_nodes());
}

/* Claim: a failed attach says what it waited for and leaves nothing. */
static void test_fails(void **state)
{
    (void)state;
    prepare_rc = -ENOENT;
    attach();
    ended(-ENOENT, "g: disk xvda: no");
    assert_string_equal(calls, "p");
    assert_true(list_empty(&d.devices) && no_nodes());

    prepare_rc = 0;
    calls[0] = 0;
    attach();
    timer_fn(NULL, 0, timer_arg);       /* far too late: dom0 stood still */
    assert_int_equal(nr_results, 0);
    late_now();
    late_now();
    ended(-ETIMEDOUT, "back end does not answer");
    assert_string_equal(calls, "pnr");
    assert_true(list_empty(&d.devices) && no_nodes());

    calls[0] = 0;
    attach();
    store_write(s, NULL, "/local/domain/0/error/backend/vbd/1/51712/error",
                "2 creating vbd structure");
    back(STATE_CLOSING);
    back(STATE_CLOSED);
    guest_looks();
    ended(-EIO, "dom0's driver says: 2 creating");
    assert_true(no_nodes());
    assert_true(!store_read(s, NULL, "/local/domain/0/error/backend/vbd/1",
                            NULL));
    assert_int_equal(d.config->nr_devices, 0);
}

/* Claim: a script fails by its code or by its word, and says why. */
static void test_script(void **state)
{
    static const struct {
        int rc;
        const char *status, *why, *text;
    } cases[] = {
        { -EIO, "", "", "g: disk xvda: no" },
        { -EIO, "", "no such pool", "g: disk xvda: no; it says: no such pool" },
        { 0, "error", "no\npool", "the script has failed; it says: no?pool" },
        { 0, "error", "", "the script has failed" },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        calls[0] = 0;
        plug_rc = cases[i].rc;
        attach();
        store_write(s, NULL, BACK "/hotplug-status", cases[i].status);
        if (*cases[i].why)
            store_write(s, NULL, BACK "/hotplug-error", cases[i].why);
        back(STATE_INIT_WAIT);
        back(STATE_CLOSED);
        guest_looks();
        ended(-EIO, cases[i].text);
        assert_string_equal(calls, "pnPur");
        assert_true(no_nodes() && list_empty(&d.devices));
    }
}

/* Claim: two interfaces on their way do not get one address. */
static void test_twins(void **state)
{
    (void)state;
    for (int i = 0; i < 2; i++) {
        struct config_report r = { 0 };
        struct device_config *dc;

        nr_results = 0;
        assert_int_equal(device_config_parse(DEVICE_VIF, i ?
            "mac=00:16:3e:00:00:0A" : "mac=00:16:3e:00:00:0a", "vif", &r, &dc),
                         0);
        device_attach(&d, dc, on_done, NULL);
        settle();
        assert_int_equal(nr_results, i);
    }
    ended(-EEXIST, "same mac");
}

/* Claim: a silent guest, and one that lies, end in a message and in order. */
static void test_guest(void **state)
{
    static const char *const lies[] = { "", "9", "-1", "44", "\x7f", "4x" };

    (void)state;
    attach();
    back(STATE_INIT_WAIT);
    late_now();                 /* it does not connect: it is not asked */
    assert_true(holds(FRONT "/state", "6"));
    back(STATE_CLOSED);
    late_now();
    ended(-ETIMEDOUT, "front end is in state Initialising");
    assert_true(no_nodes() && list_empty(&d.devices));
    for (size_t i = 0; i < sizeof(lies) / sizeof(lies[0]); i++) {
        calls[0] = 0;
        attach();
        back(STATE_INIT_WAIT);
        back(STATE_CONNECTED);
        store_write(s, NULL, FRONT "/state", lies[i]);
        store_write(s, NULL, FRONT "/backend", "/local/domain/0/name");
        settle();
        assert_int_equal(nr_results, 0);
        store_rm(s, NULL, FRONT);
        settle();
        assert_int_equal(nr_results, 0);
        late_now();
        late_now();
        late_now();
        ended(-ETIMEDOUT, "state none");
        assert_string_equal(calls, "pnPNur");
        assert_true(no_nodes() && list_empty(&d.devices));
    }
    attach();
    back(STATE_INIT_WAIT);
    front(STATE_INITIALISED);
    late_now();                 /* it has begun: it is asked */
    assert_true(holds(FRONT "/state", "3"));
    late_now();
    back(STATE_CLOSED);
    late_now();
    ended(-ETIMEDOUT, "front end is in state Initialised");
    assert_true(no_nodes() && list_empty(&d.devices));

    attach();
    back(STATE_INIT_WAIT);
    front(STATE_INITIALISED);
    back(STATE_CLOSING);        /* a bad ring, say: no time for its answer */
    assert_true(holds(FRONT "/state", "6"));
    back(STATE_CLOSED);
    late_now();
    ended(-EIO, "dom0's back end has given it up");
    assert_true(no_nodes() && list_empty(&d.devices));

    calls[0] = 0;
    attach();
    back(STATE_INIT_WAIT);
    store_write(s, NULL, "/local/domain/1/error/device/vbd/51712/error",
                "evil\n\x1b[2J");
    guest_lets_go();
    ended(-EIO, "the guest's driver says: evil??[2J");
    assert_true(no_nodes() && list_empty(&d.devices));
}

/* Claim: a guest that looks before the release's end is told once more. */
static void test_early_look(void **state)
{
    struct device *dev;

    (void)state;
    sem_init(&go_on, 0, 0);
    slow_release = true;
    make();
    detach(false);
    front(STATE_CLOSED);
    dev = list_first(&d.devices, struct device, link);
    store_write(s, NULL, BACK "/state", "6");
    for (int i = 0; dev->run->phase != PHASE_RELEASE; i++) {
        assert_true(i < 10);
        sd_event_run(loop, 1000000);
    }
    while (*event(1))
        ;
    look();
    sem_post(&go_on);
    settle();
    slow_release = false;
    assert_false(list_empty(&d.devices));
    guest_looks_once();
    late_now();
    ended(0, "");
    assert_true(no_nodes() && list_empty(&d.devices));
}

/* Claim: the end of a domain takes devices down from any point on. */
static void test_stop(void **state)
{
    (void)state;
    for (int point = 0; point < 5; point++) {
        calls[0] = 0;
        nr_results = 0;
        if (point)
            attach();
        if (point >= 2)
            back(STATE_INIT_WAIT);
        if (point >= 3) {
            front(STATE_INITIALISED);
            back(STATE_CONNECTED);
            front(STATE_CONNECTED);
        }
        if (point >= 4)
            detach(false);
        nr_results = 0;
        devices_stop(&d, on_done, NULL);
        settle();
        if (point == 1)
            back(STATE_INIT_WAIT);      /* dom0's driver was about to */
        if (point >= 1) {
            assert_true(holds(FRONT "/state", "6"));
            back(STATE_CLOSED);
        }
        assert_true(nr_results >= 1);
        assert_int_equal(result.rc, 0);
        assert_string_equal(calls, point < 1 ? "" : point < 2 ? "pnr" :
                            "pnPNur");
        assert_true(no_nodes() && list_empty(&d.devices));
        config_remove_device(d.config, DEVICE_VBD, 51712);
    }
}

/* Claim: a start is ready before the guest runs, and can be called off. */
static void test_start(void **state)
{
    (void)state;
    config_add_device(d.config, disk());
    devices_start(&d, on_done, NULL);
    settle();
    back(STATE_INIT_WAIT);
    ended(0, "");
    assert_string_equal(calls, "pnPN");
    devices_stop(&d, on_done, NULL);
    settle();
    back(STATE_CLOSED);
    assert_true(no_nodes());

    nr_results = 0;
    devices_start(&d, on_done, NULL);
    settle();
    devices_cancel(&d);
    ended(-ECANCELED, "destroyed");
    devices_stop(&d, on_done, NULL);
    settle();
    back(STATE_INIT_WAIT);
    back(STATE_CLOSED);
    assert_true(no_nodes() && list_empty(&d.devices));
}

/*
 * Claim: neither end is asked to close while it comes up, by whatever order: a
 * front end that hears Connected after that takes the kernel down with it.
 */
static void test_crossing(void **state)
{
    (void)state;
    attach();
    back(STATE_INIT_WAIT);
    front(STATE_INITIALISED);
    restart();                  /* nobody knows of it: it is to go */
    assert_true(holds(BACK "/state", "2"));
    assert_true(holds(BACK "/online", "0"));
    back(STATE_CONNECTED);
    assert_true(holds(BACK "/state", "5"));
    guest_lets_go();

    attach();
    back(STATE_INIT_WAIT);
    restart();
    assert_true(holds(FRONT "/state", "6"));
    front(STATE_INITIALISED);   /* it had begun, as seen now */
    assert_true(holds(BACK "/state", "2"));
    back(STATE_CONNECTED);
    assert_true(holds(BACK "/state", "5"));
    guest_lets_go();

    attach();
    restart();
    assert_true(holds(FRONT "/state", "1"));
    back(STATE_INIT_WAIT);      /* not before dom0's driver has its nodes */
    assert_true(holds(FRONT "/state", "6"));
    back(STATE_CLOSED);
    guest_looks();
    assert_true(no_nodes() && list_empty(&d.devices));
}

static void test_restart(void **state)
{
    (void)state;
    attach();
    back(STATE_INIT_WAIT);
    restart();                  /* nobody knows of it: it goes */
    assert_string_equal(calls, "A");
    assert_true(holds(BACK "/online", "0"));
    guest_lets_go();
    assert_string_equal(calls, "Aur");

    make();
    restart();                  /* it goes on */
    assert_string_equal(calls, "a");
    assert_false(list_empty(&d.devices));
    assert_true(holds(BACK "/online", "1"));

    detach(false);
    restart();                  /* the detach goes on */
    guest_lets_go();
    assert_string_equal(calls, "aur");
    assert_int_equal(d.config->nr_devices, 0);

    make();
    detach(false);
    front(STATE_CLOSED);
    back(STATE_CLOSED);
    assert_true(no_nodes());
    restart();                  /* all is done, but the guest to see it */
    assert_string_equal(calls, "");
    assert_int_equal(d.config->nr_devices, 0);
    attach();
    assert_string_equal(calls, "");
    guest_looks();
    assert_string_equal(calls, "pn");
    devices_stop(&d, on_done, NULL);
    settle();
    back(STATE_CLOSED);
    assert_true(no_nodes() && list_empty(&d.devices));
    assert_null(store_list(s, NULL, "/vm/u/unseen-vbd"));

    make();
    store_rm(s, NULL, "/local/domain/0/backend/vbd/1");
    store_rm(s, NULL, FRONT);
    restart();                  /* killed before the end was noted */
    assert_int_equal(d.config->nr_devices, 0);
}

static void test_listing(void **state)
{
    struct json_object *list, *o;

    (void)state;
    make();
    store_write(s, NULL, FRONT "/queue-0/ring-ref", "8");
    store_write(s, NULL, FRONT "/event-channel", "1;rm");
    list = devices_to_json(&d, DEVICE_VBD);
    assert_int_equal(json_object_array_length(list), 1);
    o = json_object_array_get_idx(list, 0);
    assert_int_equal(json_object_get_int(json_object_object_get(o, "devid")),
                     51712);
    assert_int_equal(json_object_get_int(json_object_object_get(o, "state")),
                     4);
    assert_int_equal(json_object_get_int(
        json_object_object_get(o, "ring_ref")), 8);
    assert_int_equal(json_object_get_int(
        json_object_object_get(o, "event_channel")), -1);
    assert_string_equal(json_object_get_string(
        json_object_object_get(o, "backend_path")), BACK);
    json_object_put(list);
}

static void test_refused(void **state)
{
    (void)state;
    live = false;
    attach();
    ended(-EBUSY, "not live");
    live = true;
    d.adopted = true;
    attach();
    ended(-EPERM, "not managed");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_attach), TEST(test_detach), TEST(test_queue),
        TEST(test_blind), TEST(test_busy), TEST(test_cut), TEST(test_fails),
        TEST(test_script), TEST(test_twins), TEST(test_guest),
        TEST(test_early_look), TEST(test_stop), TEST(test_start),
        TEST(test_crossing), TEST(test_restart),
        TEST(test_listing), TEST(test_refused),
    };

    return cmocka_run_group_tests(tests, group_setup, group_teardown);
}
