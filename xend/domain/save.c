/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <stdatomic.h>
#include <systemd/sd-event.h>

#include "domain/domain.h"
#include "domain/nodes.h"
#include "domain/save.h"
#include "domain/save_file.h"
#include "host/host.h"
#include "store/store.h"
#include "util/cleanup.h"
#include "util/json.h"
#include "util/log.h"
#include "util/worker.h"
#include "xc.h"
#include "xend.h"

/* How long a guest may take to suspend. */
#define ANSWER_SECONDS 60

struct save {
    struct domain *d;
    struct xc *xc;
    uint32_t domid;
    struct save_file file;
    enum save_after after;
    struct domain_config *own;  /* instead of the domain's; or NULL */
    char *config;               /* as JSON */
    void *store;
    size_t store_size;
    bool writing;               /* a thread is at work */
    bool stopped;               /* and the domain is to be taken down */
    atomic_bool cancel;
    atomic_uint percent;
    struct err err;
    sd_event_source *timer;     /* while the guest is awaited */
};

static void save_free(struct save *s)
{
    s->d->save = NULL;
    sd_event_source_disable_unref(s->timer);
    save_file_fini(&s->file);
    config_free(s->own);
    free(s->config);
    free(s->store);
    free(s);
}

/* It is over; the domain's state has been set. */
static void finish(struct save *s)
{
    struct domain *d = s->d;
    struct err result = s->err;

    save_free(s);
    domain_wake(d, UNTIL_SAVED, &result);
}

void save_note(const struct domain *d, struct json_object *record)
{
    if (d->save && (d->state == LIFE_SUSPENDING || d->state == LIFE_SAVING))
        save_file_note(&d->save->file, record);
}

/* ---- asking the guest ---- */

void save_withdraw(struct domain *d)
{
    _cleanup_free_ char *asked =
        store_readf(d->x->store, NULL, "/local/domain/%u/control/shutdown",
                    d->domid);

    if (asked && streq(asked, "suspend"))
        store_writef(d->x->store, NULL, "",
                     "/local/domain/%u/control/shutdown", d->domid);
}

static int on_no_answer(sd_event_source *source, uint64_t usec, void *arg)
{
    struct save *s = arg;
    struct domain *d = s->d;
    struct err ignored;

    (void)source, (void)usec;
    save_withdraw(d);
    err_set(&s->err, -ETIMEDOUT, "%s has not suspended within %d s, and runs "
            "on; look at its console", d->config->name, ANSWER_SECONDS);
    domain_event(d, EVENT_NO_ANSWER, &ignored);
    finish(s);
    return 0;
}

static int ask(struct save *s, struct err *err)
{
    struct domain *d = s->d;
    int rc = sd_event_add_time_relative(d->x->loop, &s->timer,
                                        CLOCK_MONOTONIC,
                                        ANSWER_SECONDS * 1000000ULL, 100000,
                                        on_no_answer, s);

    if (rc < 0)
        return err_sys(err, rc, "no timer");
    rc = domain_event(d, EVENT_SUSPEND, err);
    if (rc)
        return rc;
    rc = store_writef(d->x->store, NULL, "suspend",
                      "/local/domain/%u/control/shutdown", d->domid);
    if (rc) {
        err_sys(err, rc, "cannot ask %s", d->config->name);
        domain_event(d, EVENT_NO_ANSWER, &(struct err){ 0 });
    }
    return rc;
}

static int check_able(struct domain *d, struct err *err)
{
    _cleanup_free_ char *can = NULL;

    if (!d->domid || d->adopted)
        return err_set(err, -EPERM, "%s cannot be saved: %s", d->config->name,
                       d->domid ? "it was not started here" :
                       "it runs the host");
    if (d->config->nomigrate)
        return err_set(err, -EPERM, "%s cannot be saved: its config says "
                       "nomigrate", d->config->name);
    if (d->state != LIFE_RUNNING)
        return err_set(err, -EBUSY, "%s cannot be saved: it %s",
                       d->config->name, life_phrase(d->state));
    can = store_readf(d->x->store, NULL,
                      "/local/domain/%u/control/feature-suspend", d->domid);
    if (!can || !streq(can, "1"))
        return err_set(err, -EOPNOTSUPP, "%s has not said that it can be "
                       "suspended; it may not be up yet", d->config->name);
    return 0;
}

int domain_save(struct domain *d, const char *path, enum save_after after,
                struct domain_config *config, struct err *err)
{
    _cleanup_(config_freep) struct domain_config *c = config;
    struct save *s;
    int rc = check_able(d, err);

    if (!rc && *path != '/')
        rc = err_set(err, -EINVAL, "file \"%s\" must be an absolute path",
                     path);
    if (rc)
        return rc;
    s = xcalloc(1, sizeof(*s));
    s->d = d;
    s->xc = host_xc(d->x->host);
    s->domid = d->domid;
    s->file.path = xstrdup(path);
    s->after = after;
    if (c)
        config_keep_macs(c, d->config);
    s->own = TAKE_PTR(c);
    d->save = s;
    rc = save_file_open(&s->file, err);
    if (!rc)
        rc = ask(s, err);
    if (rc)
        save_free(s);
    return rc;
}

/* ---- writing ---- */

static void work(void *arg)
{
    struct save *s = arg;
    struct xc_error why;
    const struct xc_sr_save params = {
        .domid = s->domid, .fd = s->file.fd, .path = s->file.path,
        .config = s->config, .config_size = strlen(s->config),
        .store = s->store, .store_size = s->store_size,
        .cancel = &s->cancel, .percent = &s->percent,
    };
    int rc = xc_sr_save(s->xc, &params, &why);

    if (rc)
        err_set(&s->err, rc, "%s", why.text);
    else if (fdatasync(s->file.fd))
        err_sys(&s->err, -errno, "%s cannot be written", s->file.path);
}

int save_resume(struct domain *d, struct err *err)
{
    int rc = xc_domain_resume(host_xc(d->x->host), d->domid);

    return rc ? err_sys(err, rc, "%s cannot go on", d->config->name) : 0;
}

/* The guest stays, whether the save failed or was a copy only. */
static void go_on(struct save *s)
{
    struct domain *d = s->d;
    struct err err = ERR_INIT;
    bool pause = !s->err.rc && s->after == SAVE_PAUSE;

    if (pause && xc_domain_pause(s->xc, d->domid))
        pause = false;
    if (domain_event(d, pause ? EVENT_SAVED_PAUSE : EVENT_SAVED_RESUME, &err))
        log_err("%s", err.text);
    if (err.rc && !s->err.rc)
        s->err = err;
}

static void work_done(void *arg)
{
    struct save *s = arg;
    struct domain *d = s->d;
    struct err ignored;

    s->writing = false;
    if (s->stopped) {
        err_set(&s->err, -ECANCELED, "%s was destroyed while it was saved",
                d->config->name);
        finish(s);
        domain_teardown(d);
        return;
    }
    if (!s->err.rc)
        save_file_name(&s->file, &s->err);
    if (s->err.rc)
        log_warn("%s: %s", d->config->name, s->err.text);
    else
        log_info("%s (%u) is saved to %s", d->config->name, d->domid,
                 s->file.path);
    if (s->err.rc || s->after != SAVE_DESTROY) {
        go_on(s);
        finish(s);
        return;
    }
    save_free(s);
    d->saved = true;
    domain_event(d, EVENT_SAVED, &ignored);
}

/* Devices may have come and gone until the guest was suspended. */
void save_write(struct domain *d)
{
    struct save *s = d->save;
    struct json_object *o = config_to_json(s->own ? s->own : d->config);

    s->config = xstrdup(json_object_to_json_string_ext(o,
                                                       JSON_C_TO_STRING_PLAIN));
    json_object_put(o);
    sd_event_source_disable_unref(s->timer);
    s->timer = NULL;
    s->store = nodes_save(d, &s->store_size);
    s->writing = true;
    worker_run(d->x->streams, work, work_done, NULL, s);
}

bool save_stop(struct domain *d)
{
    struct save *s = d->save;

    if (!s)
        return false;
    if (s->writing) {
        s->stopped = true;
        atomic_store(&s->cancel, true);
        return true;
    }
    err_set(&s->err, -ECANCELED, "%s has ended and was not saved",
            d->config->name);
    finish(s);
    return false;
}

void save_cancel(struct domain *d)
{
    if (d->save)
        atomic_store(&d->save->cancel, true);
}

void save_drop(struct domain *d)
{
    if (d->save)
        save_free(d->save);
}

int save_percent(const struct domain *d)
{
    return d->save ? (int)atomic_load(&d->save->percent) : -1;
}
