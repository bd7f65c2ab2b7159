/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What is done with devices: all of a domain's, one while it runs, after a
 * restart. */
#include <errno.h>

#include "device/hostnet.h"
#include "device/hostnet_guard.h"
#include "device/private.h"
#include "domain/domain.h"
#include "store/store.h"
#include "util/cleanup.h"
#include "util/log.h"
#include "xend.h"

/* Some devices of one domain on their way, and who waits for all of them. */
struct group {
    unsigned int left;
    struct err err;             /* the first one's */
    device_done_fn *done;
    void *ctx;
};

/* One device that is attached or detached by request. */
struct request {
    struct domain *d;
    device_done_fn *done;
    void *ctx;
    struct err err;             /* why an attach is being undone */
    /* while it waits for the end of another one: */
    struct list link;           /* struct device_run.waiting */
    struct device_config *dc;   /* to attach; NULL: to detach */
    enum device_kind kind;
    int64_t devid;
    bool force;
};

static const struct device_ops *const all_ops[NR_DEVICE_KINDS] = {
    [DEVICE_VBD] = &vbd_ops,
    [DEVICE_VIF] = &vif_ops,
};

const struct device_ops *device_ops(enum device_kind kind)
{
    return all_ops[kind];
}

struct device *device_new(struct domain *d, enum device_kind kind,
                          int64_t devid, struct device_config *dc)
{
    struct device *dev = xcalloc(1, sizeof(*dev));
    const char *key = device_notation(kind)->key;

    dev->d = d;
    dev->ops = all_ops[kind];
    dev->config = dc;
    dev->domid = d->domid;
    dev->devid = devid;
    if (dc && kind == DEVICE_VBD)
        dev->name = xasprintf("%s: %s %s", d->config->name, key,
                              dc->vbd.vdev);
    else
        dev->name = xasprintf("%s: %s %lld", d->config->name, key,
                              (long long)devid);
    dev->run = xcalloc(1, sizeof(*dev->run));
    list_init(&dev->run->waiting);
    list_add_tail(&d->devices, &dev->link);
    return dev;
}

struct device *device_find(struct domain *d, enum device_kind kind,
                           int64_t devid)
{
    struct device *dev;

    list_for_each(dev, &d->devices, link)
        if (dev->ops->kind == kind && dev->devid == devid)
            return dev;
    return NULL;
}

static struct group *group_new(device_done_fn *done, void *ctx)
{
    struct group *g = xcalloc(1, sizeof(*g));

    g->left = 1;                /* the caller's own, until all have begun */
    g->done = done;
    g->ctx = ctx;
    return g;
}

static void group_end(struct device *dev, void *ctx, const struct err *err)
{
    struct group *g = ctx;

    (void)dev;
    if (err->rc && !g->err.rc)
        g->err = *err;
    if (--g->left)
        return;
    g->done(g->ctx, &g->err);
    free(g);
}

void devices_start(struct domain *d, device_done_fn *done, void *ctx)
{
    struct group *g = group_new(done, ctx);
    const struct domain_config *c = d->config;
    struct err ok = ERR_INIT;

    for (unsigned int i = 0; i < c->nr_devices; i++) {
        g->left++;
        device_up(device_new(d, c->device[i]->kind, c->device[i]->devid,
                             device_config_copy(c->device[i])), false,
                  group_end, g);
    }
    group_end(NULL, g, &ok);
}

void devices_stop(struct domain *d, device_done_fn *done, void *ctx)
{
    struct group *g = group_new(done, ctx);
    struct err ok = ERR_INIT;
    struct device *dev, *tmp;

    list_for_each_safe(dev, tmp, &d->devices, link) {
        g->left++;
        device_down(dev, true, true, group_end, g);
    }
    group_end(NULL, g, &ok);
}

void devices_cancel(struct domain *d)
{
    struct device *dev, *tmp;

    list_for_each_safe(dev, tmp, &d->devices, link)
        device_cancel(dev);
}

void devices_drop(struct domain *d)
{
    struct device *dev, *tmp;

    list_for_each_safe(dev, tmp, &d->devices, link)
        device_abandon(dev);
}

/* --- attach and detach ---- */

static struct request *request_new(struct domain *d, device_done_fn *done,
                                   void *ctx)
{
    struct request *q = xcalloc(1, sizeof(*q));

    *q = (struct request){ .d = d, .done = done, .ctx = ctx };
    list_init(&q->link);
    return q;
}

static void request_end(struct request *q, const struct err *err)
{
    q->done(q->ctx, err);
    free(q);
}

static bool is_busy(const struct device *dev)
{
    return dev && dev->run->phase != PHASE_UP;
}

/* Once the device has ended the way that it is on. */
static void request_wait(struct request *q, struct device *dev)
{
    q->kind = dev->ops->kind;
    q->devid = dev->devid;
    list_add_tail(&dev->run->waiting, &q->link);
}

void device_serve(struct list *waiting, const struct err *err)
{
    struct request *q;

    while ((q = list_first(waiting, struct request, link))) {
        list_del(&q->link);
        if (!err->rc && q->dc) {
            device_attach(q->d, q->dc, q->done, q->ctx);
        } else if (!err->rc && device_find(q->d, q->kind, q->devid)) {
            device_detach(q->d, q->kind, q->devid, q->force, q->done, q->ctx);
        } else {
            device_config_free(q->dc);
            q->done(q->ctx, err);
        }
        free(q);
    }
}

/* A failed attach has been undone. */
static void undone(struct device *dev, void *ctx, const struct err *err)
{
    struct request *q = ctx;

    (void)dev, (void)err;
    request_end(q, &q->err);
}

static void note_detached(struct domain *d, const struct device *dev)
{
    config_remove_device(d->config, dev->ops->kind, dev->devid);
    if (d->next)
        config_remove_device(d->next, dev->ops->kind, dev->devid);
}

/* Also for its next start, where another device of this number gives way. */
static void note_attached(struct domain *d, const struct device *dev)
{
    note_detached(d, dev);
    config_add_device(d->config, device_config_copy(dev->config));
    if (d->next)
        config_add_device(d->next, device_config_copy(dev->config));
}

static void attached(struct device *dev, void *ctx, const struct err *err)
{
    struct request *q = ctx;
    struct err result = *err;

    if (dev->run->down) {
        request_end(q, err);
        return;
    }
    if (!result.rc) {
        note_attached(q->d, dev);
        if (persist_save(q->d, &result))
            note_detached(q->d, dev);
    }
    if (result.rc) {
        q->err = result;
        device_down(dev, true, false, undone, q);
        return;
    }
    log_info("%s is attached", dev->name);
    request_end(q, &result);
}

/* Devices can be changed on a domain that runs, and that is ours. */
static int check_changeable(struct domain *d, struct err *err)
{
    int rc = domain_need_live(d, err);

    if (!rc && (!d->domid || d->adopted))
        rc = err_set(err, -EPERM, "%s: its devices are not managed here",
                     d->config->name);
    return rc;
}

static void choose_devid(struct domain *d, struct device_config *dc)
{
    int64_t devid = 0;

    while (config_find_device(d->config, dc->kind, devid) ||
           device_find(d, dc->kind, devid))
        devid++;
    dc->devid = devid;
}

static int refuse_kept(const struct device *dev, struct err *err)
{
    return err_set(err, -EBUSY, "%s: it goes as soon as the guest lets go of "
                   "it; unmount it there, or detach it by force", dev->name);
}

/* A device that is on its way is not in the config, but nobody's twin. */
static int check_twins(struct domain *d, const struct device_config *dc,
                       struct err *err)
{
    const struct device_notation *n = device_notation(dc->kind);
    const char *why = NULL;
    struct device *dev;

    list_for_each(dev, &d->devices, link)
        if (!why && n->clash && dev->config && dev->ops->kind == dc->kind)
            why = n->clash(dev->config, dc);
    return why ? err_set(err, -EEXIST, "%s: two %s entries %s",
                         d->config->name, n->key, why) : 0;
}

static int check_attach(struct domain *d, struct device_config *dc,
                        struct err *err)
{
    struct device *dev = device_find(d, dc->kind, dc->devid);
    struct config_report report = { 0 };

    if (is_busy(dev))
        return dev->run->kept ? refuse_kept(dev, err) : 0;
    if (dc->devid < 0)
        choose_devid(d, dc);
    if (config_fit_device(d->config, dc, d->config->name, &report))
        err_set(err, -EEXIST, "%s", report.error);
    config_report_fini(&report);
    return err->rc ? err->rc : check_twins(d, dc, err);
}

void device_attach(struct domain *d, struct device_config *dc,
                   device_done_fn *done, void *ctx)
{
    struct device *dev = device_find(d, dc->kind, dc->devid);
    struct err err = ERR_INIT;
    struct request *q;

    if (check_changeable(d, &err) || check_attach(d, dc, &err)) {
        device_config_free(dc);
        done(ctx, &err);
        return;
    }
    q = request_new(d, done, ctx);
    if (is_busy(dev)) {
        q->dc = dc;
        request_wait(q, dev);
    } else {
        device_up(device_new(d, dc->kind, dc->devid, dc),
                  d->state == LIFE_RUNNING, attached, q);
    }
}

static void unheard(void *ctx, const struct err *err)
{
    (void)ctx, (void)err;
}

static void detached(struct device *dev, void *ctx, const struct err *err)
{
    struct request *q = ctx;
    struct err result = *err;

    if (err->rc == -EBUSY && dev->run->kept)
        device_on_end(dev, detached, request_new(q->d, unheard, NULL));
    if (!err->rc) {
        note_detached(q->d, dev);
        persist_save(q->d, &result);
        log_info("%s is detached", dev->name);
    }
    request_end(q, &result);
}

void device_detach(struct domain *d, enum device_kind kind, int64_t devid,
                   bool force, device_done_fn *done, void *ctx)
{
    struct device *dev = device_find(d, kind, devid);
    struct err err = ERR_INIT;
    struct request *q;

    if (!check_changeable(d, &err) && !dev)
        err_set(&err, -ENOENT, "%s has no %s %lld", d->config->name,
                device_notation(kind)->key, (long long)devid);
    if (err.rc) {
        done(ctx, &err);
        return;
    }
    if (dev->run->kept && !force) {
        refuse_kept(dev, &err);
        done(ctx, &err);
        return;
    }
    q = request_new(d, done, ctx);
    if (is_busy(dev) && !dev->run->kept) {
        q->force = force;
        request_wait(q, dev);
    } else {
        device_down(dev, force, false, detached, q);
    }
}

/* --- after a restart ---- */

static void restore_one(struct domain *d, enum device_kind kind, int64_t devid)
{
    struct device_config *dc = config_find_device(d->config, kind, devid);
    struct device *dev = device_new(d, kind, devid,
                                    dc ? device_config_copy(dc) : NULL);
    struct device_run *r = dev->run;

    r->phase = PHASE_UP;
    r->has_nodes = r->is_prepared = r->is_plugged = true;
    if (dev->ops->adopt)
        dev->ops->adopt(dev);
}

/* Killed when all was done, but for the guest to see it. */
static void restore_unseen(struct domain *d, enum device_kind kind)
{
    _cleanup_free_ char *names = device_list_unseen(d, device_ops(kind));

    for (char *n = names; n && *n; n += strlen(n) + 1) {
        int64_t devid = strtoll(n, NULL, 10);
        struct device *dev = device_find(d, kind, devid) ? NULL :
                             device_new(d, kind, devid, NULL);

        if (dev) {
            dev->run->phase = PHASE_UNPLUG;
            dev->run->has_nodes = true;
        }
    }
}

void devices_restore(struct domain *d)
{
    for (enum device_kind kind = 0; kind < NR_DEVICE_KINDS; kind++) {
        _cleanup_free_ char *names = NULL, *path = NULL;

        if (d->domid == NO_DOMID || !d->domid)
            continue;
        path = xasprintf("/local/domain/0/backend/%s/%u",
                         device_ops(kind)->type, d->domid);
        names = store_list(d->x->store, NULL, path);
        for (char *n = names; n && *n; n += strlen(n) + 1)
            restore_one(d, kind, strtoll(n, NULL, 10));
        restore_unseen(d, kind);
    }
}

static void resumed(void *ctx, const struct err *err)
{
    (void)ctx;
    if (err->rc)
        log_warn("%s", err->text);
}

static void undone_late(struct device *dev, void *ctx, const struct err *err)
{
    (void)ctx, (void)err;
    log_info("%s was being attached or detached; it is gone", dev->name);
}

/* Killed between the end of a detach and its note. */
static void forget_missing(struct domain *d)
{
    struct domain_config *c = d->config;
    struct device *dev;
    bool changed = false;
    struct err err;

    for (unsigned int i = c->nr_devices; i-- > 0; ) {
        const struct device_config *dc = c->device[i];

        dev = device_find(d, dc->kind, dc->devid);
        if (dev && !is_busy(dev))
            continue;
        if (d->next)
            config_remove_device(d->next, dc->kind, dc->devid);
        config_remove_device(c, dc->kind, dc->devid);
        changed = true;
    }
    if (changed && persist_save(d, &err))
        log_err("%s", err.text);
}

void devices_resume(struct domain *d)
{
    bool ended = d->state == LIFE_ENDED;
    struct device *dev, *tmp;

    if (!d->domid || d->adopted)
        return;
    forget_missing(d);
    list_for_each_safe(dev, tmp, &d->devices, link) {
        _cleanup_free_ char *online = device_read_back(dev, "online");

        if (!dev->config)
            device_down(dev, true, ended, undone_late, NULL);
        else if (!online || !streq(online, "1"))
            device_down(dev, false, ended, detached,
                        request_new(d, resumed, NULL));
    }
}

/* Which interface a reservation may be for. */
struct search {
    const char *mac;
    bool found;
};

static void look_for_mac(struct domain *d, void *ctx)
{
    struct search *search = ctx;
    struct device *dev;

    list_for_each(dev, &d->devices, link) {
        _cleanup_free_ char *mac = dev->ops->kind == DEVICE_VIF ?
                                   device_read_back(dev, "mac") : NULL;

        search->found |= mac && streq(mac, search->mac);
    }
}

static bool has_mac(void *ctx, const char *mac)
{
    struct search search = { mac, false };

    domains_each(ctx, look_for_mac, &search);
    return search.found;
}

void devices_resume_host(struct xend *x)
{
    struct err err;

    hostnet_sweep(x->opt.run_dir, has_mac, x);
    if (hostnet_resume(x->opt.run_dir, &err))
        log_warn("%s", err.text);
    hostnet_guard_look(x->hostnet);
}
