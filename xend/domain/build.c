/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The steps of a start, and their undoing.
 *
 * A build runs the table's steps downwards; a teardown runs the undoings
 * upwards, all of them: each is harmless when its step has not been taken, so
 * one path serves a failed build, a destroy, and what a killed daemon left.
 * Steps marked WORKER run in a thread and touch only struct build.
 */
#include <errno.h>
#include <stdatomic.h>
#include <systemd/sd-event.h>

#include "console/console.h"
#include "device/device.h"
#include "domain/domain.h"
#include "domain/nodes.h"
#include "domain/save.h"
#include "host/host.h"
#include "store/store.h"
#include "util/cleanup.h"
#include "util/log.h"
#include "util/worker.h"
#include "xc.h"
#include "xend.h"

/* While a domain's last frames are still mapped somewhere its id stays. */
#define POLL_USEC     (20 * 1000)
#define POLL_PATIENCE 500               /* polls, 10 s: then say so */
#define SLACK_KB      1024              /* as the domain builder wants it */

enum where { LOOP, WORKER };

struct build {
    struct domain *d;
    struct domain_config *c;            /* the worker's own copy */
    struct xc *xc;
    struct err err;
    bool down;                          /* undoing */
    bool again;                         /* a restart */
    unsigned int step;                  /* next to do, or to undo from */
    atomic_bool cancel;
    uint32_t domid;
    uint8_t handle[16];                 /* uuid that the hypervisor has */
    struct domain_rings rings;
    uint64_t reserved_kb;
    struct saved *image;                /* NULL: from a kernel */
    char *kernel;                       /* that one's path, or firmware's */
    atomic_uint percent;                /* of the image that is read */
    sd_event_source *timer;             /* waiting for the id to vanish */
    sd_event_source *ended;             /* a step that ended LATER */
    unsigned int polls;
};

/* A step of the loop may end later: it returns LATER, and calls later(). */
#define LATER 1

struct build_step {
    const char *name;
    enum where where;
    int (*run)(struct build *b);
    int (*undo)(struct build *b);       /* 0 or LATER */
};

static void later(void *arg, const struct err *err);
static void go_on(struct build *b);

/* Wherever it was seen first. */
static int cancelled(struct build *b)
{
    return err_set(&b->err, -ECANCELED, "%s was destroyed while it was built",
                   b->c->name);
}

static int step_record(struct build *b)
{
    return persist_save(b->d, &b->err);
}

static int step_reserve(struct build *b)
{
    uint64_t kb = b->image ? b->image->pages * (XC_PAGE_SIZE / 1024)
                           : (uint64_t)b->c->memory_kb;
    int rc = host_reserve(b->d->x->host, kb, &b->err);

    if (!rc)
        b->reserved_kb = kb;
    return rc;
}

static void undo_reserve(struct build *b)
{
    host_unreserve(b->d->x->host, b->reserved_kb);
    b->reserved_kb = 0;
}

static struct xc_dom_params dom_params(struct build *b)
{
    return (struct xc_dom_params){
        .domid = b->domid,
        .kernel = b->kernel,
        .ramdisk = b->c->ramdisk,
        .cmdline = b->c->cmdline,
        .memory_kb = b->c->memory_kb,
        .maxmem_kb = b->c->maxmem_kb,
        .vcpus = b->c->maxvcpus,
        .store_port = b->rings.store_port,
        .console_port = b->rings.console_port,
        .cache_dir = b->d->x->opt.cache_dir,
        .cancel = &b->cancel,
    };
}

/* Before anything is made.  A restart does not look into the files: its name is
 * missed already. */
static int step_check(struct build *b)
{
    struct xc_dom_params params;
    struct xc_error why;
    struct err e;
    int rc;

    if (b->image)
        return 0;
    b->kernel = b->c->kernel ? xstrdup(b->c->kernel) :
                firmware_find(b->c->firmware, NULL, &e);
    if (!b->kernel)
        return err_set(&b->err, e.rc, "%s: %s", b->c->name, e.text);
    params = dom_params(b);
    rc = b->again ? 0 : xc_dom_check(&params, &why);
    return rc ? err_set(&b->err, rc, "%s", why.text) : 0;
}

static void to_cpumap(const struct cpuset *set, struct xc_cpumap *map)
{
    struct cpuset all;

    cpuset_fill(&all);
    /* A full set means all CPUs there are, beyond what a set can name too. */
    memset(map, memcmp(set, &all, sizeof(all)) ? 0 : 0xff, sizeof(*map));
    memcpy(map, set, sizeof(*set));
}

static int set_affinity(struct build *b, unsigned int vcpu)
{
    const struct domain_config *c = b->c;
    struct xc_cpumap hard, soft;
    int rc;

    if (!c->nr_hard && !c->nr_soft)
        return 0;
    if (c->nr_hard)
        to_cpumap(&c->hard[vcpu < c->nr_hard ? vcpu : c->nr_hard - 1], &hard);
    if (c->nr_soft)
        to_cpumap(&c->soft[vcpu < c->nr_soft ? vcpu : c->nr_soft - 1], &soft);
    rc = xc_vcpu_set_affinity(b->xc, b->domid, vcpu, c->nr_hard ? &hard : NULL,
                              c->nr_soft ? &soft : NULL);
    return rc ? err_sys(&b->err, rc, "%s: vcpu %u cannot run on the CPUs that "
                        "cpus names; this host has other ones", c->name, vcpu)
              : 0;
}

static int step_create(struct build *b)
{
    struct xc_domain_config config = {
        .max_vcpus = b->c->maxvcpus,
        .max_evtchn_port = b->c->max_event_channels,
        .max_grant_frames = b->c->max_grant_frames,
        .max_maptrack_frames = b->c->max_maptrack_frames,
    };
    int rc;

    memcpy(config.uuid, b->c->uuid, sizeof(config.uuid));
    rc = xc_domain_create(b->xc, &config, &b->domid);
    return rc ? err_sys(&b->err, rc, "%s: the hypervisor makes no domain",
                        b->c->name) : 0;
}

/* Whether domid is still this domain: ids are used again. */
static bool is_ours(struct build *b)
{
    struct xc_domain_info info;

    return b->domid != NO_DOMID &&
           xc_domain_getinfo(b->xc, b->domid, &info) != -ESRCH &&
           !memcmp(info.uuid, b->handle, sizeof(info.uuid));
}

static int undo_create(struct build *b)
{
    int rc;

    if (!is_ours(b))
        return 0;
    rc = xc_domain_destroy(b->xc, b->domid);
    if (rc && rc != -ESRCH)
        log_err("domain %u cannot be destroyed: %s", b->domid, strerror(-rc));
    return 0;
}

/* Back from the thread: work_done() has made its id known to listings. */
static int step_known(struct build *b)
{
    persist_note(b->d);
    return 0;
}

static int step_limits(struct build *b)
{
    int64_t vcpu;
    int rc;

    rc = xc_domain_set_max_mem(b->xc, b->domid, b->c->maxmem_kb + SLACK_KB);
    if (rc)
        return err_sys(&b->err, rc, "%s: cannot set its memory limit",
                       b->c->name);
    for (vcpu = 0; vcpu < b->c->maxvcpus && !rc; vcpu++)
        rc = set_affinity(b, vcpu);
    if (rc)
        return rc;
    rc = xc_sched_set(b->xc, b->domid, b->c->weight, b->c->cap);
    /* Another scheduler is no reason to fail unless something was asked. */
    if (rc == -EOPNOTSUPP && b->c->weight == 256 && !b->c->cap)
        rc = 0;
    return rc ? err_sys(&b->err, rc, "%s: cannot set weight and cap",
                        b->c->name) : 0;
}

static int step_channels(struct build *b)
{
    int rc = xc_evtchn_alloc_unbound(b->xc, b->domid, 0,
                                     &b->rings.store_port);

    if (!rc)
        rc = xc_evtchn_alloc_unbound(b->xc, b->domid, 0,
                                     &b->rings.console_port);
    return rc ? err_sys(&b->err, rc, "%s: no event channels", b->c->name) : 0;
}

static int step_image(struct build *b)
{
    struct xc_dom_params params = dom_params(b);
    const struct xc_sr_restore from = {
        .domid = b->domid,
        .fd = b->image ? b->image->fd : -1,
        .path = b->image ? b->image->path : NULL,
        .maxmem_kb = b->c->maxmem_kb,
        .store_port = b->rings.store_port,
        .console_port = b->rings.console_port,
        .tsc_mode = params.tsc_mode,
        .cancel = &b->cancel,
        .percent = &b->percent,
    };
    struct xc_dom_result result;
    struct xc_error why;
    int rc;

    rc = b->image ? xc_sr_restore(b->xc, &from, &result, &why)
                  : xc_dom_build(b->xc, &params, &result, &why);
    if (rc == -ECANCELED)
        return cancelled(b);
    if (rc)
        return err_set(&b->err, rc, "%s", why.text);
    b->rings.store_mfn = result.store_mfn;
    b->rings.console_mfn = result.console_mfn;
    rc = xc_domain_set_max_mem(b->xc, b->domid, b->c->memory_kb + SLACK_KB);
    return rc ? err_sys(&b->err, rc, "%s: cannot set its memory limit",
                        b->c->name) : 0;
}

static int step_nodes(struct build *b)
{
    int rc;

    undo_reserve(b);            /* the memory is taken by now */
    b->d->rings = b->rings;
    rc = nodes_write(b->d);
    if (!rc && b->image)
        rc = nodes_restore(b->d, b->image->store, b->image->store_size);
    return rc ? err_sys(&b->err, rc, "%s: cannot write its xenstore nodes",
                        b->c->name) : 0;
}

static int undo_nodes(struct build *b)
{
    nodes_remove(b->d);
    return 0;
}

static int step_introduce(struct build *b)
{
    int rc = store_introduce(b->d->x->store, b->domid, b->rings.store_mfn,
                             b->rings.store_port);

    return rc ? err_sys(&b->err, rc, "%s: cannot connect it to xenstore",
                        b->c->name) : 0;
}

static int undo_introduce(struct build *b)
{
    if (b->domid != NO_DOMID)
        store_release(b->d->x->store, b->domid);
    return 0;
}

static int step_console(struct build *b)
{
    int rc = console_add(b->d->x->consoles, b->domid, b->c->name,
                         b->rings.console_mfn, b->rings.console_port);

    return rc ? err_sys(&b->err, rc, "%s: cannot connect its console",
                        b->c->name) : 0;
}

static int undo_console(struct build *b)
{
    if (b->domid != NO_DOMID)
        console_remove(b->d->x->consoles, b->domid);
    return 0;
}

static int step_devices(struct build *b)
{
    devices_start(b->d, later, b);
    return LATER;
}

static int undo_devices(struct build *b)
{
    devices_stop(b->d, later, b);
    return LATER;
}

static int step_run(struct build *b)
{
    struct timespec now;
    int rc = 0;

    clock_gettime(CLOCK_BOOTTIME, &now);
    b->d->started = now.tv_sec;
    if (!b->d->start_paused)
        rc = xc_domain_unpause(b->xc, b->domid);
    return rc ? err_sys(&b->err, rc, "%s: cannot let it run", b->c->name) : 0;
}

static int on_poll(sd_event_source *source, uint64_t usec, void *arg)
{
    struct build *b = arg;
    struct err late;

    (void)source, (void)usec;
    if (++b->polls == POLL_PATIENCE) {
        err_set(&late, -ETIMEDOUT, "%s is destroyed, but something still maps "
                "its memory", b->c->name);
        log_warn("%s", late.text);
        domain_wake(b->d, UNTIL_GONE, &late);
    }
    go_on(b);
    return 0;
}

/*
 * What lies before the creation waits until it is undone entirely: until the
 * hypervisor has forgotten the domain.  If it has not, we look again soon.
 */
static int undo_gone(struct build *b)
{
    uint64_t usec = b->polls < POLL_PATIENCE ? POLL_USEC : 50 * POLL_USEC;
    int rc;

    if (!is_ours(b)) {
        undo_reserve(b);
        return 0;
    }
    if (b->timer) {
        sd_event_source_set_time_relative(b->timer, usec);
        rc = sd_event_source_set_enabled(b->timer, SD_EVENT_ONESHOT);
    } else {
        rc = sd_event_add_time_relative(b->d->x->loop, &b->timer,
                                        CLOCK_MONOTONIC, usec, 1000, on_poll,
                                        b);
    }
    if (rc < 0)
        log_err("no timer: %s", strerror(-rc));
    return LATER;
}

/* What is taken down is not to see its devices go. */
static int undo_run(struct build *b)
{
    if (is_ours(b))
        xc_domain_pause(b->xc, b->domid);
    return 0;
}

static const struct build_step steps[] = {
    { "record",    LOOP,   step_record,    NULL },
    { "reserve",   LOOP,   step_reserve,   undo_gone },
    { "check",     WORKER, step_check,     NULL },
    { "create",    WORKER, step_create,    undo_create },
    { "known",     LOOP,   step_known,     NULL },
    { "limits",    WORKER, step_limits,    NULL },
    { "channels",  WORKER, step_channels,  NULL },
    { "image",     WORKER, step_image,     NULL },
    { "nodes",     LOOP,   step_nodes,     undo_nodes },
    { "introduce", LOOP,   step_introduce, undo_introduce },
    { "console",   LOOP,   step_console,   undo_console },
    { "devices",   LOOP,   step_devices,   undo_devices },
    { "run",       LOOP,   step_run,       undo_run },
};

#define NR_STEPS (sizeof(steps) / sizeof(steps[0]))

static struct build *build_new(struct domain *d, bool down)
{
    struct build *b = xcalloc(1, sizeof(*b));

    b->d = d;
    b->c = config_copy(d->config);
    b->xc = host_xc(d->x->host);
    b->down = down;
    b->again = d->restarting;
    b->step = down ? NR_STEPS : 0;
    b->domid = d->domid;
    if (!down)
        b->image = TAKE_PTR(d->image);
    if (!down)
        memcpy(d->handle, d->config->uuid, sizeof(d->handle));
    memcpy(b->handle, d->handle, sizeof(b->handle));
    atomic_init(&b->cancel, false);
    d->build = b;
    return b;
}

static void build_free(struct build *b)
{
    b->d->build = NULL;
    sd_event_source_disable_unref(b->timer);
    sd_event_source_disable_unref(b->ended);
    config_free(b->c);
    saved_free(b->image);
    free(b->kernel);
    free(b);
}

static int run_step(struct build *b)
{
    log_debug("%s: %s", b->c->name, steps[b->step].name);
    return steps[b->step].run(b);
}

/* In a thread: all steps up to one that belongs to the loop. */
static void work(void *arg)
{
    struct build *b = arg;

    if (b->down) {
        for (; b->step && steps[b->step - 1].where == WORKER; b->step--)
            if (steps[b->step - 1].undo)
                steps[b->step - 1].undo(b);
        return;
    }
    for (; b->step < NR_STEPS && steps[b->step].where == WORKER; b->step++) {
        if (atomic_load(&b->cancel))
            cancelled(b);
        else
            run_step(b);
        if (b->err.rc)
            return;
    }
}

static void work_done(void *arg)
{
    struct build *b = arg;

    if (!b->down)
        domain_set_domid(b->d, b->domid);
    go_on(b);
}

static void finish_up(struct build *b)
{
    struct err result = b->err, ignored;
    struct domain *d = b->d;
    enum life_event event = result.rc ? EVENT_FAILED :
                            d->start_paused ? EVENT_BUILT_PAUSED : EVENT_BUILT;

    /* A failure keeps its promise of memory until the teardown starts. */
    undo_reserve(b);
    build_free(b);
    d->err = result;
    if (!result.rc) {
        d->restarting = false;
        log_info("%s (%u) is built", d->config->name, d->domid);
    }
    domain_event(d, event, &ignored);
    if (!result.rc && (d->state == LIFE_RUNNING || d->state == LIFE_PAUSED))
        domain_wake(d, UNTIL_STARTED, &result);
}

static void go_down(struct build *b)
{
    struct domain *d = b->d;
    struct err ignored;

    while (b->step) {
        const struct build_step *s = &steps[b->step - 1];

        if (s->where == WORKER) {
            worker_run(d->x->workers, work, work_done, NULL, b);
            return;
        }
        if (s->undo && s->undo(b) == LATER)
            return;
        b->step--;
    }
    log_info("%s (%d) is gone", d->config->name, (int)b->domid);
    build_free(b);
    domain_event(d, EVENT_GONE, &ignored);
}

static void go_up(struct build *b)
{
    for (; b->step < NR_STEPS && !b->err.rc; b->step++) {
        if (atomic_load(&b->cancel)) {
            cancelled(b);
            break;
        }
        if (steps[b->step].where == WORKER) {
            worker_run(b->image ? b->d->x->streams : b->d->x->workers, work,
                       work_done, NULL, b);
            return;
        }
        switch (run_step(b)) {
        case 0:
            continue;
        case LATER:
            return;
        }
        break;
    }
    finish_up(b);
}

static void go_on(struct build *b)
{
    if (b->down)
        go_down(b);
    else
        go_up(b);
}

/* A step that took its time has ended.  Within a turn of its own: it may have
 * called this before it returned LATER. */
static int on_later(sd_event_source *source, void *arg)
{
    struct build *b = arg;

    (void)source;
    b->ended = sd_event_source_disable_unref(b->ended);
    if (b->down)
        b->step--;
    else if (!b->err.rc)
        b->step++;
    go_on(b);
    return 0;
}

static void later(void *arg, const struct err *err)
{
    struct build *b = arg;
    int rc;

    if (err->rc && !b->down)
        b->err = *err;
    rc = sd_event_add_defer(b->d->x->loop, &b->ended, on_later, b);
    if (rc < 0)
        log_err("no event: %s", strerror(-rc));
}

void domain_build(struct domain *d)
{
    go_on(build_new(d, false));
}

void domain_build_cancel(struct domain *d)
{
    if (d->build) {
        atomic_store(&d->build->cancel, true);
        devices_cancel(d);
    }
}

void domain_build_drop(struct domain *d)
{
    if (d->build)
        build_free(d->build);
}

int domain_build_percent(const struct domain *d)
{
    return d->build && d->build->image ?
           (int)atomic_load(&d->build->percent) : -1;
}

void domain_teardown(struct domain *d)
{
    go_on(build_new(d, true));
}

void domain_build_poll(struct domain *d)
{
    if (d->build && d->build->down && d->build->timer)
        sd_event_source_set_time_relative(d->build->timer, 0);
}
