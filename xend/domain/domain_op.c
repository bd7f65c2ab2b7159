/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What is done with domains: the lifecycle table's actions. */
#include <ctype.h>
#include <errno.h>
#include <sys/random.h>
#include <time.h>

#include "console/console.h"
#include "device/device.h"
#include "device/vif.h"
#include "domain/domain.h"
#include "domain/save.h"
#include "host/host.h"
#include "store/store.h"
#include "util/cleanup.h"
#include "util/log.h"
#include "xc.h"
#include "xend.h"

/* Random (version 4); does not wait for the kernel to gather entropy. */
static void uuid_new(uint8_t uuid[16])
{
    if (getrandom(uuid, 16, GRND_INSECURE) != 16)
        abort();
    uuid[6] = (uuid[6] & 0x0f) | 0x40;
    uuid[8] = (uuid[8] & 0x3f) | 0x80;
}

static int64_t now(void)
{
    struct timespec ts;

    clock_gettime(CLOCK_BOOTTIME, &ts);
    return ts.tv_sec;
}

static void saved_freep(struct saved **image)
{
    saved_free(*image);
}

/* image: NULL, or the file that its memory comes from.  again: it is the next
 * one after a domain that has ended. */
static int start(struct xend *x, struct domain_config *c, struct saved *image,
                 bool paused, bool again, struct domain **ret_d,
                 struct err *err)
{
    _cleanup_(config_freep) struct domain_config *config = c;
    _cleanup_(saved_freep) struct saved *file = image;
    struct domain *d;
    char uuid[37];

    if (domain_find(x, c->name))
        return err_set(err, -EEXIST, "a domain with the name \"%s\" exists "
                       "already; choose another name or destroy it", c->name);
    for (unsigned int i = 0; i < c->nr_devices; i++)
        vif_complete(c->device[i]);
    if (uuid_is_zero(c->uuid))
        uuid_new(c->uuid);
    uuid_format(c->uuid, uuid);
    if (domain_by_uuid(x, uuid))
        return err_set(err, -EEXIST, "a domain with the uuid %s exists "
                       "already; remove the uuid line for a fresh one", uuid);
    d = domain_add(x, TAKE_PTR(config), LIFE_OFF, NO_DOMID);
    d->start_paused = paused;
    d->restarting = again;
    d->image = TAKE_PTR(file);
    *ret_d = d;
    return domain_event(d, EVENT_START, err);
}

int domain_create(struct xend *x, struct domain_config *c, bool paused,
                  struct domain **ret_d, struct err *err)
{
    return start(x, c, NULL, paused, false, ret_d, err);
}

int domain_restore(struct xend *x, struct domain_config *c,
                   struct saved *image, bool paused, struct domain **ret_d,
                   struct err *err)
{
    return start(x, c, image, paused, false, ret_d, err);
}

/* The former incarnation is gone: begin the next one. */
static void build(struct domain *d)
{
    struct err ok = ERR_INIT;

    if (d->state == LIFE_RESTARTING) {
        domain_set_domid(d, NO_DOMID);
        domain_take_next(d);
        d->restarting = true;
        d->start_paused = false;
        domain_wake(d, UNTIL_GONE, &ok);
    }
    d->state = LIFE_BUILDING;
    d->err = ERR_INIT;
    if (d->x->notify)
        d->x->notify(d->x, d, "state");
    domain_build(d);
}

static void forget(struct domain *d)
{
    struct err ok = ERR_INIT, err = d->err;

    if (err.rc && d->restarting)
        log_err("%s could not be restarted: %s", d->config->name, err.text);
    if (!err.rc)
        err_set(&err, -ECANCELED, "%s was destroyed", d->config->name);
    domain_set_domid(d, NO_DOMID);
    d->state = LIFE_OFF;
    persist_remove(d);
    if (d->x->notify)
        d->x->notify(d->x, d, "gone");
    domain_wake(d, UNTIL_GONE, &ok);
    domain_wake(d, UNTIL_STARTED, &err);
    domain_wake(d, UNTIL_SAVED, d->saved ? &ok : &err);
    domain_drop(d);
}

/* It ended and is kept under another name; the next one takes its place. */
static void rename_and_restart(struct domain *d)
{
    struct domain_config *c = config_copy(d->next ? d->next : d->config);
    _cleanup_free_ char *name = NULL;
    _cleanup_free_ char *own = xstrdup(d->uuid);
    struct err err = ERR_INIT;
    struct domain *next;
    uint8_t uuid[16];
    char stamp[32];
    time_t t = time(NULL);
    struct tm tm;

    gmtime_r(&t, &tm);
    strftime(stamp, sizeof(stamp), "%Y%m%dT%H%MZ", &tm);
    name = xasprintf("%.230s-%s", c->name, stamp);
    if (domain_find(d->x, name)) {
        config_free(c);
        log_err("%s: the name %s is taken; not restarted", d->config->name,
                name);
        *d->renaming = 0;
        persist_note(d);
        return;
    }
    uuid_parse(d->renaming, uuid);
    *d->renaming = 0;
    domain_set_uuid(d, uuid);
    /* Its files say that it is to be restarted, until they are the next's. */
    if (domain_rename(d, name, &err) ||
        start(d->x, c, NULL, false, true, &next, &err)) {
        log_err("%s could not be restarted: %s", d->config->name, err.text);
        persist_forget(d->x, own);
    }
}

/* The next one may need the devices of the one that is kept. */
static void on_devices_gone(void *ctx, const struct err *err)
{
    if (!err->rc)
        rename_and_restart(ctx);
}

void domain_rename_restart(struct domain *d)
{
    devices_stop(d, on_devices_gone, d);
}

static int act_pause(struct domain *d, bool pause, struct err *err)
{
    int rc = pause ? xc_domain_pause(host_xc(d->x->host), d->domid) :
                     xc_domain_unpause(host_xc(d->x->host), d->domid);

    return rc ? err_sys(err, rc, "cannot %s %s", pause ? "pause" : "unpause",
                        d->config->name) : 0;
}

int domain_event(struct domain *d, enum life_event event, struct err *err)
{
    struct life_step step = life_step(d->state, event);
    uint8_t uuid[16];
    int rc = 0;

    switch (step.action) {
    case ACT_REFUSE:
        return err_set(err, -EBUSY, "%s %s", d->config->name,
                       life_phrase(d->state));
    case ACT_BUILD:
        build(d);               /* sets the state: it may end at once */
        return 0;
    case ACT_FORGET:
        forget(d);
        return 0;
    case ACT_PAUSE:
    case ACT_UNPAUSE:
        rc = act_pause(d, step.action == ACT_PAUSE, err);
        break;
    case ACT_CANCEL:
        domain_build_cancel(d);
        break;
    case ACT_RESUME:
        rc = save_resume(d, err);
        break;
    case ACT_NONE:
    case ACT_SAVE:
    case ACT_DUMP:
    case ACT_ASK:
    case ACT_UNDO:
    case ACT_STOP:
    case ACT_RENAME:
        break;
    }
    if (rc)
        return rc;
    if (step.action == ACT_RENAME) {
        uuid_new(uuid);
        uuid_format(uuid, d->renaming);
    }
    domain_set_state(d, step.next);
    if (step.action == ACT_STOP && (save_stop(d) || dump_stop(d)))
        return 0;               /* when its thread has ended */
    if (step.action == ACT_STOP || step.action == ACT_UNDO)
        domain_teardown(d);
    else if (step.action == ACT_RENAME)
        domain_rename_restart(d);
    else if (step.action == ACT_SAVE)
        save_write(d);
    else if (step.action == ACT_DUMP)
        dump_write(d);
    return 0;
}

void domain_work_cancel(struct domain *d)
{
    domain_build_cancel(d);
    save_cancel(d);
    dump_cancel(d);
}

int domain_need_live(const struct domain *d, struct err *err)
{
    if (d->state == LIFE_RUNNING || d->state == LIFE_PAUSED)
        return 0;
    return err_set(err, -EBUSY, "%s %s", d->config->name,
                   life_phrase(d->state));
}

static int refuse_dom0(const struct domain *d, const char *what,
                       struct err *err)
{
    return d->domid ? 0 :
           err_set(err, -EPERM, "%s cannot be %s: it runs the host",
                   d->config->name, what);
}

int domain_pause(struct domain *d, struct err *err)
{
    int rc = refuse_dom0(d, "paused", err);

    return rc ? rc : domain_event(d, EVENT_PAUSE, err);
}

int domain_unpause(struct domain *d, struct err *err)
{
    return domain_event(d, EVENT_UNPAUSE, err);
}

int domain_destroy(struct domain *d, struct err *err)
{
    int rc = refuse_dom0(d, "destroyed", err);

    return rc ? rc : domain_event(d, EVENT_DESTROY, err);
}

int domain_ask(struct domain *d, const char *what, struct err *err)
{
    _cleanup_free_ char *can = NULL;
    int rc;

    rc = refuse_dom0(d, "asked to end", err);
    if (!rc)
        rc = domain_need_live(d, err);
    if (rc)
        return rc;
    can = store_readf(d->x->store, NULL, "/local/domain/%u/control/feature-%s",
                      d->domid, what);
    if (!can || !streq(can, "1"))
        return err_set(err, -EOPNOTSUPP, "%s has not said that it can be "
                       "asked for %s; it may not be up yet, or use destroy",
                       d->config->name, what);
    rc = store_writef(d->x->store, NULL, what,
                      "/local/domain/%u/control/shutdown", d->domid);
    if (rc)
        return err_sys(err, rc, "cannot ask %s", d->config->name);
    d->asked = true;
    return domain_event(d, EVENT_ASK, err);
}

int domain_sysrq(struct domain *d, char key, struct err *err)
{
    _cleanup_free_ char *path = xasprintf("/local/domain/%u/control/sysrq",
                                          d->domid);
    _cleanup_free_ char *last = NULL;
    char text[2] = { key, 0 };
    int rc = domain_need_live(d, err);

    if (rc)
        return rc;
    if (!isalnum((unsigned char)key))
        return err_set(err, -EINVAL, "SysRq keys are letters and digits; h "
                       "makes the kernel print what each does");
    /* Linux announces no feature for it; that it listens says the same. */
    if (!store_is_watched(d->x->store, d->domid, path))
        return err_set(err, -EOPNOTSUPP, "%s does not listen for SysRq keys; "
                       "its kernel may not be up yet, or built without them",
                       d->config->name);
    last = store_read(d->x->store, NULL, path, NULL);
    if (last && *last)
        return err_set(err, -EBUSY, "%s has not taken the last key yet%s",
                       d->config->name,
                       d->state == LIFE_PAUSED ? "; it is paused" : "");
    rc = store_write(d->x->store, NULL, path, text);
    return rc ? err_sys(err, rc, "cannot reach %s", d->config->name) : 0;
}

int domain_rename(struct domain *d, const char *name, struct err *err)
{
    const char *why = config_name_problem(name);
    struct store *s = d->x->store;
    int rc;

    rc = refuse_dom0(d, "renamed", err);
    if (!rc && d->state != LIFE_ENDED)
        rc = domain_need_live(d, err);
    if (rc)
        return rc;
    if (why)
        return err_set(err, -EINVAL, "name \"%s\" %s", name, why);
    if (domain_find(d->x, name))
        return err_set(err, -EEXIST, "a domain with the name \"%s\" exists "
                       "already", name);
    rc = store_writef(s, NULL, name, "/local/domain/%u/name", d->domid);
    if (!rc)
        rc = store_writef(s, NULL, name, "/vm/%s/name", d->uuid);
    if (rc)
        return err_sys(err, rc, "cannot rename %s", d->config->name);
    domain_set_name(d, name);
    console_rename(d->x->consoles, d->domid, name);
    rc = persist_save(d, err);
    if (d->x->notify)
        d->x->notify(d->x, d, "renamed");
    return rc;
}

/* Whether a guest that wants to start again has done so too often. */
static bool note_restart(struct domain *d)
{
    if (d->asked)
        return false;
    memmove(d->restart_at + 1, d->restart_at,
            sizeof(d->restart_at) - sizeof(d->restart_at[0]));
    d->restart_at[0] = now();
    return d->restart_at[RESTARTS_MAX] &&
           d->restart_at[0] - d->restart_at[RESTARTS_MAX] < RESTARTS_SECONDS;
}

static void on_exit_of(struct domain *d, unsigned int reason)
{
    struct err err = ERR_INIT;
    enum life_event event = life_exit(d->config, reason, false);
    bool dump = life_dumps(d->config, reason);

    if (event == EVENT_SUSPENDED) {
        if (domain_event(d, event, &err))
            log_err("%s", err.text);
        return;
    }
    d->reason = reason;
    if (d->state == LIFE_SUSPENDING)
        save_stop(d);
    if ((event == EVENT_EXIT_RESTART || event == EVENT_EXIT_RENAME) &&
        note_restart(d)) {
        event = life_exit(d->config, reason, true);
        dump = false;
        log_warn("%s has restarted %d times within %d s: kept as it is",
                 d->config->name, RESTARTS_MAX, RESTARTS_SECONDS);
    }
    d->asked = false;
    log_info("%s (%u) ended: %s", d->config->name, d->domid,
             life_reason_word(reason));
    store_announce(d->x->store, "@releaseDomain");
    domain_wake(d, UNTIL_ENDED, &err);
    if (dump)
        dump_ended(d, event);
    else if (domain_event(d, event, &err))
        log_err("%s", err.text);
}

/* One domain as the hypervisor has it, against what we believe. */
static void look_at(struct xend *x, const struct xc_domain_info *info,
                    unsigned int scan)
{
    struct domain *d = domain_by_id(x, info->domid);
    struct err err = ERR_INIT;

    if (!d || (d->domid && memcmp(d->handle, info->uuid, 16)))
        return;
    d->scan = scan;
    if (d->state != LIFE_RUNNING && d->state != LIFE_PAUSED &&
        d->state != LIFE_SUSPENDING && d->state != LIFE_SAVING &&
        d->state != LIFE_DUMPING)
        return;
    if (info->dying)
        domain_event(d, EVENT_GONE, &err);
    else if (info->shutdown && d->state != LIFE_SAVING &&
             d->state != LIFE_DUMPING)
        on_exit_of(d, info->shutdown_reason);
}

static void look_for(struct domain *d, void *ctx)
{
    struct err err = ERR_INIT;

    if (d->domid == NO_DOMID || d->scan == *(unsigned int *)ctx)
        return;
    if (d->state == LIFE_RUNNING || d->state == LIFE_PAUSED ||
        d->state == LIFE_ENDED || d->state == LIFE_SUSPENDING ||
        d->state == LIFE_SAVING || d->state == LIFE_DUMPING)
        domain_event(d, EVENT_GONE, &err);
    else
        domain_build_poll(d);
}

void domains_scan(struct xend *x)
{
    struct xc_domain_info info[64];
    static unsigned int scan;
    uint32_t first = 0;
    int i, n;

    scan++;
    do {
        n = xc_domain_getinfolist(host_xc(x->host), first, 64, info);
        if (n < 0) {
            log_err("cannot list domains: %s", strerror(-n));
            return;
        }
        for (i = 0; i < n; i++)
            look_at(x, &info[i], scan);
        if (n)
            first = info[n - 1].domid + 1;
    } while (n == 64);
    domains_each(x, look_for, &scan);
}
