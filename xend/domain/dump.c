/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <stdatomic.h>
#include <sys/stat.h>
#include <time.h>

#include "domain/save.h"
#include "domain/save_file.h"
#include "host/host.h"
#include "util/cleanup.h"
#include "util/json.h"
#include "util/log.h"
#include "util/worker.h"
#include "xc.h"
#include "xend.h"

struct dump {
    struct domain *d;
    struct xc *xc;
    uint32_t domid;
    struct save_file file;
    enum life_state before;
    enum life_event then;       /* what follows, if before was no end */
    domain_wait_fn *fn;         /* or NULL */
    void *ctx;
    bool writing;               /* a thread is at work */
    bool stopped;               /* and the domain is to be taken down */
    atomic_bool cancel;
    atomic_uint percent;
    struct err err;
};

static struct dump *dump_new(struct domain *d, char *path,
                             enum life_event then)
{
    struct dump *p = xcalloc(1, sizeof(*p));

    p->d = d;
    p->xc = host_xc(d->x->host);
    p->domid = d->domid;
    p->before = d->state;
    p->then = then;
    p->file.path = path;
    p->file.fd = -1;
    d->dump = p;
    return p;
}

/* It is over; who waits is told. */
static void dump_end(struct dump *p)
{
    domain_wait_fn *fn = p->fn;
    struct err result = p->err;
    void *ctx = p->ctx;

    p->d->dump = NULL;
    save_file_fini(&p->file);
    free(p);
    if (fn)
        fn(ctx, &result);
}

struct dump *domain_dump(struct domain *d, const char *path,
                         domain_wait_fn *fn, void *ctx, struct err *err)
{
    enum life_event then = d->state == LIFE_RUNNING ? EVENT_DUMPED_RUN :
                           d->state == LIFE_PAUSED ? EVENT_DUMPED_PAUSED :
                           EVENT_EXIT_KEEP;
    struct dump *p;

    if (!d->domid || d->adopted) {
        err_set(err, -EPERM, "%s cannot be dumped: %s", d->config->name,
                d->domid ? "it was not started here" : "it runs the host");
        return NULL;
    }
    if (*d->renaming) {
        err_set(err, -EBUSY, "%s is about to be restarted under its name",
                d->config->name);
        return NULL;
    }
    if (life_step(d->state, EVENT_DUMP).action == ACT_REFUSE) {
        err_set(err, -EBUSY, "%s %s", d->config->name,
                life_phrase(d->state));
        return NULL;
    }
    if (*path != '/') {
        err_set(err, -EINVAL, "file \"%s\" must be an absolute path", path);
        return NULL;
    }
    p = dump_new(d, xstrdup(path), then);
    if (save_file_open(&p->file, err) || domain_event(d, EVENT_DUMP, err)) {
        dump_end(p);
        return NULL;
    }
    p->fn = fn;
    p->ctx = ctx;
    return p;
}

void dump_abandon(struct dump *p)
{
    p->fn = NULL;
    atomic_store(&p->cancel, true);
}

void dump_ended(struct domain *d, enum life_event then)
{
    _cleanup_free_ char *folder = xasprintf("%s/dump",
                                            d->x->opt.state_dir);
    struct err err = ERR_INIT;
    char stamp[32];
    time_t t = time(NULL);
    struct dump *p;
    struct tm tm;

    mkdir(folder, 0700);
    gmtime_r(&t, &tm);
    strftime(stamp, sizeof(stamp), "%Y%m%dT%H%M%SZ", &tm);
    /* One that restarts at once may crash twice in a second. */
    p = dump_new(d, xasprintf("%s/%.200s-%s-%u.core", folder, d->config->name,
                              stamp, d->domid), then);
    if (!save_file_open(&p->file, &err) &&
        !domain_event(d, EVENT_EXIT_DUMP, &err))
        return;
    log_err("%s: no dump: %s", d->config->name, err.text);
    dump_end(p);
    if (domain_event(d, then, &err))
        log_err("%s", err.text);
}

/* ---- writing ---- */

static void work(void *arg)
{
    struct dump *p = arg;
    struct xc_error why;
    const struct xc_core core = {
        .domid = p->domid, .fd = p->file.fd, .path = p->file.path,
        .cancel = &p->cancel, .percent = &p->percent,
    };
    int rc = xc_core_dump(p->xc, &core, &why);

    if (rc)
        err_set(&p->err, rc, "%s", why.text);
}

/* The domain goes on where it was, or to its end. */
static void follow_up(struct domain *d, enum life_event then)
{
    struct err err = ERR_INIT;

    if (!domain_event(d, then, &err)) {
        /* It may have ended just before it was paused. */
        domains_scan(d->x);
        return;
    }
    log_err("%s", err.text);
    if (then == EVENT_DUMPED_RUN)
        domain_event(d, EVENT_GONE, &err);
}

static void work_done(void *arg)
{
    struct dump *p = arg;
    struct domain *d = p->d;
    enum life_event then = p->then;

    p->writing = false;
    if (p->stopped) {
        err_set(&p->err, -ECANCELED, "%s was destroyed while it was dumped",
                d->config->name);
        dump_end(p);
        domain_teardown(d);
        return;
    }
    if (!p->err.rc && atomic_load(&p->cancel))
        err_set(&p->err, -ECANCELED, "the dump was cancelled");
    if (!p->err.rc)
        save_file_name(&p->file, &p->err);
    if (p->err.rc)
        log_warn("%s: %s", d->config->name, p->err.text);
    else
        log_info("%s (%u) is dumped to %s", d->config->name, d->domid,
                 p->file.path);
    dump_end(p);
    follow_up(d, then);
}

void dump_write(struct domain *d)
{
    struct dump *p = d->dump;
    int rc = p->before == LIFE_RUNNING && p->then == EVENT_DUMPED_RUN ?
             xc_domain_pause(p->xc, p->domid) : 0;

    if (rc)
        log_err("%s cannot be paused: %s", d->config->name, strerror(-rc));
    p->writing = true;
    worker_run(d->x->streams, work, work_done, NULL, p);
}

bool dump_stop(struct domain *d)
{
    struct dump *p = d->dump;

    if (!p || !p->writing)
        return false;
    p->stopped = true;
    atomic_store(&p->cancel, true);
    return true;
}

void dump_cancel(struct domain *d)
{
    if (d->dump)
        atomic_store(&d->dump->cancel, true);
}

void dump_drop(struct domain *d)
{
    if (!d->dump)
        return;
    d->dump->fn = NULL;
    dump_end(d->dump);
}

int dump_percent(const struct domain *d)
{
    return d->dump ? (int)atomic_load(&d->dump->percent) : -1;
}

/* ---- the record ---- */

enum life_state dump_note(const struct domain *d, struct json_object *record)
{
    if (d->state != LIFE_DUMPING)
        return d->state;
    json_add_bool(record, "dumping", true);
    save_file_note(&d->dump->file, record);
    return d->dump->before;
}

void dump_undo(struct domain *d, struct json_object *record, bool *paused)
{
    const char *state = json_get_str(record, "state");

    if (!json_object_get_boolean(json_object_object_get(record, "dumping")) ||
        !*paused || !state || !streq(state, life_word(LIFE_RUNNING)))
        return;
    if (xc_domain_unpause(host_xc(d->x->host), d->domid))
        log_err("%s cannot be unpaused", d->config->name);
    else
        *paused = false;
}
