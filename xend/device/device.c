/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One device's way up and down: phases, threads, waits with limits.
 *
 * step() goes on from the phase that has ended until something must be waited
 * for: a thread, or a change in the store.  Every wait has a timer, and every
 * way ends in finish(), once.
 */
#include <errno.h>
#include <stdarg.h>
#include <systemd/sd-event.h>

#include "device/private.h"
#include "domain/domain.h"
#include "store/store.h"
#include "util/cleanup.h"
#include "util/log.h"
#include "util/worker.h"
#include "xend.h"

#define SECONDS      1000000ull
#define BACK_LIMIT   10         /* for dom0's driver to see the device */
#define GUEST_LIMIT  30         /* for the guest's to connect */
#define CLOSE_LIMIT  10         /* for the guest's to let go */
#define CUT_LIMIT    5          /* for dom0's to let go */
#define SETTLE_LIMIT 30         /* for the guest to look for it in vain */
#define STALL        (2 * SECONDS)  /* a timer that comes so late */

enum { SEEN_ONCE = 1, UNSEEN };  /* how often the guest is still to ask */

static void step(struct device *dev);
static bool settled(struct device *dev);

static void stop_waiting(struct device *dev)
{
    struct device_run *r = dev->run;

    store_unwatch(r->back);
    store_unwatch(r->front);
    r->back = r->front = NULL;
    store_off_miss(TAKE_PTR(r->miss));
    r->timer = sd_event_source_disable_unref(r->timer);
}

static void device_free(struct device *dev)
{
    stop_waiting(dev);
    list_del(&dev->link);
    device_config_free(dev->config);
    free(dev->name);
    free(dev->run);
    free(dev);
}

void device_abandon(struct device *dev)
{
    struct device_run *r = dev->run;
    struct err err;

    r->down = true;
    err_set(&err, -ECANCELED, "%s: xend ends", dev->name);
    if (r->done)
        r->done(dev, r->ctx, &err);
    device_serve(&r->waiting, &err);
    device_free(dev);
}

/* Tell who waits for the end of its way; a device that is gone is freed. */
static void tell(struct device *dev, const struct err *err)
{
    struct device_run *r = dev->run;
    device_end_fn *done = TAKE_PTR(r->done);
    bool gone = r->phase == PHASE_GONE;
    struct err copy = *err, ok = ERR_INIT;
    struct list waiting;

    list_add(&r->waiting, &waiting);
    list_del(&r->waiting);
    if (gone)
        list_del(&dev->link);
    if (done)
        done(dev, r->ctx, &copy);       /* dev may begin another way, or end */
    if (gone)
        device_free(dev);
    device_serve(&waiting, &ok);
}

static void finish(struct device *dev, const struct err *err)
{
    stop_waiting(dev);
    tell(dev, err);
}

static void failed(struct device *dev, int rc, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

static void failed(struct device *dev, int rc, const char *fmt, ...)
{
    _cleanup_free_ char *text = NULL;
    struct err err;
    va_list ap;

    va_start(ap, fmt);
    if (vasprintf(&text, fmt, ap) < 0)
        abort();
    va_end(ap);
    err_set(&err, rc, "%s: %s", dev->name, text);
    finish(dev, &err);
}

/* --- waits ---- */

/* From now on it is the guest's time that it takes. */
static void keep(struct device *dev, const char *why)
{
    struct err err;

    dev->run->kept = true;
    err_set(&err, -EBUSY, "%s: the guest does not let go of it within %d s; "
            "unmount it there, or detach it by force%s", dev->name,
            CLOSE_LIMIT, why);
    tell(dev, &err);
}

static void late(struct device *dev)
{
    _cleanup_free_ char *why = device_reasons(dev);
    struct device_run *r = dev->run;

    switch (r->phase) {
    case PHASE_INIT:
        r->mute = true;
        failed(dev, -ETIMEDOUT, "dom0's back end does not answer within %d "
               "s; is the module xen-%sback loaded?%s", BACK_LIMIT,
               dev->ops->kind == DEVICE_VBD ? "blk" : "net", why);
        return;
    case PHASE_CONNECT:
        failed(dev, -ETIMEDOUT, "the guest does not take it within %d s: its "
               "front end is in state %s, dom0's back end in state %s%s",
               GUEST_LIMIT, device_state_word(device_front_state(dev)),
               device_state_word(device_back_state(dev)), why);
        return;
    case PHASE_CLOSE:
        if (!r->force) {
            keep(dev, why);
            return;
        }
        log_warn("%s: the guest does not let go of it within %d s; cut off",
                 dev->name, CLOSE_LIMIT);
        break;
    case PHASE_SETTLE:
        if (r->hurried && !settled(dev))
            return;
        if (r->unseen)
            log_warn("%s: the guest has not seen it go within %d s",
                     dev->name, SETTLE_LIMIT);
        break;
    default:
        log_warn("%s: dom0's back end does not let go of it within %d s; its "
                 "nodes are removed%s", dev->name, CUT_LIMIT, why);
        break;
    }
    step(dev);
}

static void set_limit(struct device *dev, unsigned int seconds);

/* If all of dom0 stood still, who is waited for could not answer, either. */
static int on_late(sd_event_source *source, uint64_t usec, void *arg)
{
    struct device *dev = arg;
    uint64_t now = 0;

    (void)source;
    sd_event_now(dev->d->x->loop, CLOCK_MONOTONIC, &now);
    if (now > usec && now - usec > STALL)
        set_limit(dev, dev->run->limit);
    else
        late(dev);
    return 0;
}

/* Either end is on its way down while it should come up. */
static bool has_failed(struct device *dev)
{
    enum device_state back = device_back_state(dev);
    enum device_state front = device_front_state(dev);
    _cleanup_free_ char *why = NULL;
    const char *who = NULL;

    if (back == STATE_CLOSING || back == STATE_CLOSED)
        who = "dom0's back end";
    else if (dev->run->phase == PHASE_CONNECT &&
             (front == STATE_CLOSING || front == STATE_CLOSED))
        who = "the guest's front end";
    if (!who)
        return false;
    why = device_reasons(dev);
    failed(dev, -EIO, "%s has given it up%s", who, why);
    return true;
}

/*
 * An end that is asked while it comes up says after that that it is up, and
 * front ends break on that.  So dom0's comes up first, or it is too late to.
 */
static void follow_down(struct device *dev)
{
    enum device_state back = device_back_state(dev);
    struct device_run *r = dev->run;
    /* It has given the guest up: nothing is lost with what that still has. */
    bool useless = r->phase == PHASE_CLOSE && back == STATE_CLOSING &&
                   r->force && !r->asked;

    if (back == STATE_CLOSED || back == STATE_NONE || useless) {
        step(dev);
        return;
    }
    if (back == STATE_CONNECTED && !r->asked && !r->stop) {
        r->asked = true;
        device_write_closing(dev);
    }
    if (r->phase == PHASE_CUT && !r->cut && back != STATE_INITIALISING) {
        r->cut = true;
        device_write_cut(dev);
    }
}

static void on_change(void *arg, const char *path)
{
    struct device *dev = arg;
    enum device_state back = device_back_state(dev);
    enum device_state front = device_front_state(dev);

    (void)path;
    switch (dev->run->phase) {
    case PHASE_INIT:
        if (has_failed(dev))
            return;
        if (back >= STATE_INIT_WAIT)
            step(dev);
        return;
    case PHASE_CONNECT:
        if (has_failed(dev))
            return;
        if (back == STATE_CONNECTED && front == STATE_CONNECTED)
            step(dev);
        return;
    case PHASE_CLOSE:
    case PHASE_CUT:
        follow_down(dev);
        return;
    default:
        return;
    }
}

static void set_limit(struct device *dev, unsigned int seconds)
{
    struct device_run *r = dev->run;
    int rc;

    r->limit = seconds;
    r->timer = sd_event_source_disable_unref(r->timer);
    rc = sd_event_add_time_relative(dev->d->x->loop, &r->timer,
                                    CLOCK_MONOTONIC, seconds * SECONDS, 10000,
                                    on_late, dev);
    if (rc < 0)
        log_err("no timer: %s", strerror(-rc));
}

static void wait_for(struct device *dev, unsigned int seconds)
{
    char path[DEVICE_PATH_MAX + 8];
    struct device_run *r = dev->run;
    struct store *s = dev->d->x->store;

    stop_waiting(dev);
    set_limit(dev, seconds);
    device_back_path(dev, path);
    strcat(path, "/state");
    r->back = store_watch(s, path, on_change, dev);
    device_front_path(dev, path);
    strcat(path, "/state");
    r->front = store_watch(s, path, on_change, dev);
}

static void on_miss(void *arg)
{
    struct device *dev = arg;

    if (dev->run->unseen)
        dev->run->unseen--;
    dev->run->hurried = dev->run->phase == PHASE_SETTLE;
    if (dev->run->hurried)
        sd_event_source_set_time_relative(dev->run->timer, 0);
}

/*
 * A guest that finds a device anew before it has seen it go takes it for the
 * old one.  It sees that it went when it asks for its nodes, but only begins
 * then to take its driver off, which writes to them in the end.  It hears of
 * changes one after the other: once it asks again, the driver is off.
 */
static void remove_nodes(struct device *dev)
{
    struct store *s = dev->d->x->store;
    struct device_run *r = dev->run;
    char path[DEVICE_PATH_MAX];

    snprintf(path, sizeof(path), "/local/domain/%u/device", dev->domid);
    if (!r->stop && dev->d->state == LIFE_RUNNING &&
        store_is_watched(s, dev->domid, path))
        r->unseen = UNSEEN;
    r->has_nodes = false;
    device_remove_nodes(dev, r->unseen);
    device_front_path(dev, path);
    if (!r->unseen)
        return;
    r->miss = store_on_miss(s, dev->domid, path, on_miss, dev);
    device_touch(dev);          /* xend was killed after the removal, perhaps */
}

/* The guest has seen it go, or need not; else wait for that. */
static bool settled(struct device *dev)
{
    struct device_run *r = dev->run;

    if (!r->unseen || r->stop)
        return true;
    r->hurried = false;
    if (r->unseen == SEEN_ONCE)
        device_touch(dev);
    set_limit(dev, SETTLE_LIMIT);
    return false;
}

/* --- threads ---- */

static void work(void *arg)
{
    struct device *dev = arg;
    const struct device_ops *ops = dev->ops;

    switch (dev->run->phase) {
    case PHASE_PREPARE: ops->prepare(dev, &dev->run->err); break;
    case PHASE_PLUG:    ops->plug(dev, &dev->run->err); break;
    case PHASE_UNPLUG:  ops->unplug(dev); break;
    case PHASE_RELEASE: ops->release(dev); break;
    default:            break;
    }
}

static void work_done(void *arg)
{
    struct device *dev = arg;
    struct device_run *r = dev->run;
    struct err err = r->err;

    r->busy = false;
    r->err = ERR_INIT;
    if (r->phase == PHASE_PLUG)
        device_hear_script(dev, &err);
    r->is_prepared |= r->phase == PHASE_PREPARE && !err.rc;
    r->is_plugged |= r->phase == PHASE_PLUG;    /* half, perhaps */
    if (err.rc && !r->down)
        finish(dev, &err);
    else
        step(dev);
}

/* Enter a phase whose work is fn, in a thread; false: it has none. */
static bool enter(struct device *dev, enum device_phase phase, bool has_work)
{
    dev->run->phase = phase;
    if (!has_work)
        return false;
    dev->run->busy = true;
    worker_run(dev->d->x->workers, work, work_done, NULL, dev);
    return true;
}

/* --- the way up ---- */

/* The phase that is now has ended well: the next one.  False: it waits. */
static bool step_up(struct device *dev)
{
    const struct device_ops *ops = dev->ops;
    struct device_run *r = dev->run;
    struct err ok = ERR_INIT;
    int rc = 0;

    if (r->cancelled) {
        failed(dev, -ECANCELED, "the domain was destroyed");
        return false;
    }
    switch (r->phase) {
    case PHASE_NEW:
        return !enter(dev, PHASE_PREPARE, ops->prepare);
    case PHASE_PREPARE:
        rc = device_write_nodes(dev);
        r->phase = PHASE_INIT;
        r->has_nodes = !rc;
        if (!rc)
            wait_for(dev, BACK_LIMIT);
        break;
    case PHASE_INIT:
        stop_waiting(dev);
        return !enter(dev, PHASE_PLUG, ops->plug);
    case PHASE_PLUG:
        rc = device_write_plugged(dev);
        r->phase = PHASE_CONNECT;
        if (!rc && r->connect)
            wait_for(dev, GUEST_LIMIT);
        if (!rc && !r->connect)
            return true;
        break;
    default:
        r->phase = PHASE_UP;
        finish(dev, &ok);
        break;
    }
    if (rc)
        failed(dev, rc, "cannot write its xenstore nodes: %s", strerror(-rc));
    return false;
}

/* --- the way down ---- */

/* Who has not begun with it, or has ended, need not be asked. */
static bool is_used(const struct device *dev)
{
    enum device_state front = device_front_state(dev);

    return front != STATE_NONE && front != STATE_INITIALISING &&
           front != STATE_CLOSED;
}

static bool begin_down(struct device *dev)
{
    struct device_run *r = dev->run;

    stop_waiting(dev);
    r->phase = PHASE_CLOSE;
    if (!r->has_nodes || r->stop || !is_used(dev))
        return true;
    device_write_offline(dev);
    wait_for(dev, CLOSE_LIMIT);
    return false;
}

static bool step_down(struct device *dev)
{
    const struct device_ops *ops = dev->ops;
    struct device_run *r = dev->run;
    enum device_state back;
    struct err ok = ERR_INIT;

    switch (r->phase) {
    default:
        return begin_down(dev);
    case PHASE_CLOSE:
        r->phase = PHASE_CUT;
        back = device_back_state(dev);
        if (!r->has_nodes || r->mute || back == STATE_CLOSED ||
            back == STATE_NONE)
            return true;
        device_write_offline(dev);
        wait_for(dev, CUT_LIMIT);
        return false;
    case PHASE_CUT:
        stop_waiting(dev);
        return !enter(dev, PHASE_UNPLUG, r->is_plugged && ops->unplug);
    case PHASE_UNPLUG:
        if (r->has_nodes)
            remove_nodes(dev);
        return !enter(dev, PHASE_RELEASE, r->is_prepared && ops->release);
    case PHASE_RELEASE:
        r->phase = PHASE_SETTLE;
        return settled(dev);
    case PHASE_SETTLE:
        stop_waiting(dev);
        device_seen(dev);
        r->phase = PHASE_GONE;
        finish(dev, &ok);
        return false;
    }
}

/* Go on from the end of a phase; dev may be gone afterwards. */
static void step(struct device *dev)
{
    while (dev->run->down ? step_down(dev) : step_up(dev))
        ;
}

void device_up(struct device *dev, bool connect, device_end_fn *done,
               void *ctx)
{
    dev->run->connect = connect;
    dev->run->done = done;
    dev->run->ctx = ctx;
    step(dev);
}

void device_down(struct device *dev, bool force, bool stop,
                 device_end_fn *done, void *ctx)
{
    struct device_run *r = dev->run;
    device_end_fn *old_done = r->done;
    void *old_ctx = r->ctx;
    bool go_on = !r->down || ((force || stop) && r->kept) ||
                 (stop && (r->phase == PHASE_CLOSE ||
                           r->phase == PHASE_SETTLE));
    struct err err;

    r->down = true;
    r->kept = false;
    r->force = force || stop;
    r->stop = stop;
    r->done = done;
    r->ctx = ctx;
    if (old_done) {
        err_set(&err, -ECANCELED, "%s: it is taken down", dev->name);
        old_done(dev, old_ctx, &err);
    }
    if (!r->busy && go_on)      /* if it is, work_done() goes on */
        step(dev);
}

void device_on_end(struct device *dev, device_end_fn *done, void *ctx)
{
    dev->run->done = done;
    dev->run->ctx = ctx;
}

void device_cancel(struct device *dev)
{
    struct device_run *r = dev->run;

    r->cancelled = true;
    if (!r->busy && (r->phase == PHASE_INIT || r->phase == PHASE_CONNECT))
        failed(dev, -ECANCELED, "the domain was destroyed");
}
