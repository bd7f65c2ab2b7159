/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <stdarg.h>
#include <time.h>

#include "domain/domain.h"
#include "domain/nodes.h"
#include "store/store.h"
#include "util/cleanup.h"
#include "util/log.h"
#include "xend.h"

/* One change in the making; the first error stays and ends it. */
struct change {
    struct store *s;
    struct store_tx *tx;
    unsigned int domid;
    char base[128];             /* paths are below it */
    int rc;
};

static void put(struct change *c, const char *value, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

static void put(struct change *c, const char *value, const char *fmt, ...)
{
    char name[128], path[300];
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(name, sizeof(name), fmt, ap);
    va_end(ap);
    snprintf(path, sizeof(path), "%s/%s", c->base, name);
    if (!c->rc)
        c->rc = store_write(c->s, c->tx, path, value);
}

static void put_int(struct change *c, int64_t value, const char *name)
{
    char text[24];

    snprintf(text, sizeof(text), "%lld", (long long)value);
    put(c, text, "%s", name);
}

/* The folder that paths are below from now on: ours, read by the domain. */
static void enter(struct change *c, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

static void enter(struct change *c, const char *fmt, ...)
{
    char perms[32];
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(c->base, sizeof(c->base), fmt, ap);
    va_end(ap);
    snprintf(perms, sizeof(perms), "n0,r%u", c->domid);
    if (!c->rc)
        c->rc = store_write(c->s, c->tx, c->base, "");
    if (!c->rc)
        c->rc = store_set_perms(c->s, c->tx, c->base, perms);
}

/* An empty node that the domain owns and fills. */
static void give(struct change *c, const char *name)
{
    char path[200], perms[32];

    snprintf(path, sizeof(path), "%s/%s", c->base, name);
    snprintf(perms, sizeof(perms), "n%u", c->domid);
    if (!c->rc)
        c->rc = store_write(c->s, c->tx, path, "");
    if (!c->rc)
        c->rc = store_set_perms(c->s, c->tx, path, perms);
}

static void put_domain(struct change *c, const struct domain *d)
{
    static const char *const given[] = {
        "control/shutdown", "control/feature-poweroff",
        "control/feature-reboot", "control/feature-suspend", "control/sysrq",
        "device/suspend/event-channel", "data", "drivers", "feature", "attr",
        "error",
    };
    const struct domain_config *config = d->config;
    char vm[64];

    snprintf(vm, sizeof(vm), "/vm/%s", d->uuid);
    put(c, vm, "vm");
    put(c, config->name, "name");
    put_int(c, d->domid, "domid");
    for (int64_t i = 0; i < config->maxvcpus; i++)
        put(c, i < config->vcpus ? "online" : "offline",
            "cpu/%d/availability", (int)i);
    put_int(c, config->maxmem_kb, "memory/static-max");
    put_int(c, config->memory_kb, "memory/target");
    put_int(c, 0, "memory/videoram");
    put(c, "1", "control/platform-feature-multiprocessor-suspend");
    put(c, "1", "control/platform-feature-xs_reset_watches");
    for (size_t i = 0; i < sizeof(given) / sizeof(given[0]); i++)
        give(c, given[i]);
    put_int(c, d->rings.store_port, "store/port");
    put_int(c, (int64_t)d->rings.store_mfn, "store/ring-ref");
}

static void put_console(struct change *c, const struct domain *d)
{
    char path[64];

    snprintf(path, sizeof(path), "/local/domain/0/backend/console/%u/0",
             d->domid);
    put(c, path, "console/backend");
    put(c, "0", "console/backend-id");
    put(c, "1048576", "console/limit");
    put(c, "xenconsoled", "console/type");
    put(c, "pty", "console/output");
    put_int(c, d->rings.console_port, "console/port");
    put_int(c, (int64_t)d->rings.console_mfn, "console/ring-ref");
    enter(c, "/local/domain/0/backend/console/%u/0", d->domid);
    snprintf(path, sizeof(path), "/local/domain/%u/console", d->domid);
    put(c, path, "frontend");
    put_int(c, d->domid, "frontend-id");
    put(c, "1", "online");
    put(c, "1", "state");
    put(c, "vt100", "protocol");
}

static void put_vm(struct change *c, const struct domain *d)
{
    const struct domain_config *config = d->config;
    struct timespec now;
    char text[40];

    enter(c, "/vm/%s", d->uuid);
    put(c, config->name, "name");
    put(c, d->uuid, "uuid");
    put(c, "linux", "image/ostype");
    if (config->kernel)
        put(c, config->kernel, "image/kernel");
    if (config->ramdisk)
        put(c, config->ramdisk, "image/ramdisk");
    if (config->cmdline)
        put(c, config->cmdline, "image/cmdline");
    clock_gettime(CLOCK_REALTIME, &now);
    snprintf(text, sizeof(text), "%lld.%02ld", (long long)now.tv_sec,
             now.tv_nsec / 10000000);
    put(c, text, "start_time");
}

static int finish(struct change *c)
{
    if (!c->rc)
        return store_commit(c->tx);
    store_abort(c->tx);
    return c->rc;
}

int nodes_write(struct domain *d)
{
    struct change c = { .s = d->x->store, .domid = d->domid };

    c.tx = store_begin(c.s);
    if (!c.tx)
        return -ENOMEM;
    enter(&c, "/local/domain/%u", d->domid);
    put_domain(&c, d);
    put_console(&c, d);
    put_vm(&c, d);
    return finish(&c);
}

static void remove_path(struct store *s, const char *below, unsigned int domid)
{
    char path[100];
    int rc;

    snprintf(path, sizeof(path), "/local/domain/%s%u", below, domid);
    rc = store_rm(s, NULL, path);
    if (rc && rc != -ENOENT)
        log_err("xenstore: cannot remove %s: %s", path, strerror(-rc));
}

void nodes_remove_domid(struct xend *x, unsigned int domid)
{
    if (!domid || domid == NO_DOMID)
        return;
    remove_path(x->store, "", domid);
    remove_path(x->store, "0/backend/console/", domid);
}

void nodes_remove(struct domain *d)
{
    char path[64];

    nodes_remove_domid(d->x, d->domid);
    snprintf(path, sizeof(path), "/vm/%s", d->uuid);
    store_rm(d->x->store, NULL, path);
}

int nodes_write_host(struct xend *x)
{
    struct change c = { .s = x->store };

    c.tx = store_begin(c.s);
    if (!c.tx)
        return -ENOMEM;
    snprintf(c.base, sizeof(c.base), "/tool");
    put(&c, "", "xenstored");
    snprintf(c.base, sizeof(c.base), "/local");
    put(&c, "Pool-0", "pool/0/name");
    put(&c, "Domain-0", "domain/0/name");
    put(&c, "0", "domain/0/domid");
    put(&c, "", "domain/0/backend");
    return finish(&c);
}
