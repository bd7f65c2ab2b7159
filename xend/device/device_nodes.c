/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What is common to all devices in xenstore.  The front end's nodes belong to
 * the guest: what is read there is a claim, never trusted further than to be
 * shown, and never used as a path.
 */
#include <ctype.h>
#include <errno.h>
#include <json-c/json.h>
#include <stdarg.h>

#include "device/private.h"
#include "domain/domain.h"
#include "store/store.h"
#include "util/buf.h"
#include "util/cleanup.h"
#include "util/json.h"
#include "util/log.h"
#include "xend.h"

#define REASON_MAX 200          /* characters of a guest's text that we show */

static const char *const state_words[NR_STATES] = {
    "none", "Initialising", "InitWait", "Initialised", "Connected", "Closing",
    "Closed",
};

const char *device_state_word(enum device_state state)
{
    return state_words[state];
}

void device_back_path(const struct device *dev, char *path)
{
    snprintf(path, DEVICE_PATH_MAX, "/local/domain/0/backend/%s/%u/%lld",
             dev->ops->type, dev->domid, (long long)dev->devid);
}

void device_front_path(const struct device *dev, char *path)
{
    snprintf(path, DEVICE_PATH_MAX, "/local/domain/%u/device/%s/%lld",
             dev->domid, dev->ops->type, (long long)dev->devid);
}

static void put(struct device *dev, const char *base, const char *node,
                const char *fmt, va_list ap)
{
    _cleanup_free_ char *value = NULL;

    if (vasprintf(&value, fmt, ap) < 0)
        abort();
    store_writef(dev->d->x->store, dev->run->tx, value, "%s/%s", base, node);
}

void device_put_back(struct device *dev, const char *node, const char *fmt,
                     ...)
{
    char base[DEVICE_PATH_MAX];
    va_list ap;

    device_back_path(dev, base);
    va_start(ap, fmt);
    put(dev, base, node, fmt, ap);
    va_end(ap);
}

void device_put_front(struct device *dev, const char *node, const char *fmt,
                      ...)
{
    char base[DEVICE_PATH_MAX];
    va_list ap;

    device_front_path(dev, base);
    va_start(ap, fmt);
    put(dev, base, node, fmt, ap);
    va_end(ap);
}

char *device_read_back(const struct device *dev, const char *node)
{
    char base[DEVICE_PATH_MAX];

    device_back_path(dev, base);
    return store_readf(dev->d->x->store, NULL, "%s/%s", base, node);
}

char *device_read_front(const struct device *dev, const char *node)
{
    char base[DEVICE_PATH_MAX];

    device_front_path(dev, base);
    return store_readf(dev->d->x->store, NULL, "%s/%s", base, node);
}

/* A folder with its rights; its nodes inherit them. */
static void make_end(struct device *dev, const char *path, const char *perms)
{
    store_write(dev->d->x->store, dev->run->tx, path, "");
    store_set_perms(dev->d->x->store, dev->run->tx, path, perms);
}

static int commit(struct device *dev)
{
    return store_commit(TAKE_PTR(dev->run->tx));
}

static void begin(struct device *dev)
{
    dev->run->tx = store_begin(dev->d->x->store);
}

/* Remove path, and the folder above it if nothing else is there. */
static void remove_node(struct device *dev, char *path)
{
    struct store *s = dev->d->x->store;
    struct store_tx *tx = dev->run->tx;
    _cleanup_free_ char *below = store_list(s, tx, path), *rest = NULL;

    if (!below)
        return;
    store_rm(s, tx, path);
    *strrchr(path, '/') = 0;
    rest = store_list(s, tx, path);
    if (rest && !*rest)
        store_rm(s, tx, path);
}

/* What the drivers have said of it, or of the one before it. */
static void remove_errors(struct device *dev)
{
    char path[DEVICE_PATH_MAX];

    snprintf(path, sizeof(path), "/local/domain/0/error/backend/%s/%u/%lld",
             dev->ops->type, dev->domid, (long long)dev->devid);
    remove_node(dev, path);
    snprintf(path, sizeof(path), "/local/domain/%u/error/device/%s/%lld",
             dev->domid, dev->ops->type, (long long)dev->devid);
    remove_node(dev, path);
}

int device_write_nodes(struct device *dev)
{
    char back[DEVICE_PATH_MAX], front[DEVICE_PATH_MAX], perms[40];

    device_back_path(dev, back);
    device_front_path(dev, front);
    begin(dev);
    remove_errors(dev);
    snprintf(perms, sizeof(perms), "n0,r%u", dev->domid);
    make_end(dev, back, perms);
    snprintf(perms, sizeof(perms), "n%u,r0", dev->domid);
    make_end(dev, front, perms);
    device_put_back(dev, "frontend", "%s", front);
    device_put_back(dev, "frontend-id", "%u", dev->domid);
    device_put_back(dev, "online", "1");
    device_put_front(dev, "backend", "%s", back);
    device_put_front(dev, "backend-id", "0");
    dev->ops->nodes(dev);
    device_put_front(dev, "state", "%d", STATE_INITIALISING);
    device_put_back(dev, "state", "%d", STATE_INITIALISING);
    return commit(dev);
}

int device_write_plugged(struct device *dev)
{
    begin(dev);
    if (dev->ops->plugged)
        dev->ops->plugged(dev);
    device_put_back(dev, "hotplug-status", "connected");
    return commit(dev);
}

void device_write_offline(struct device *dev)
{
    device_put_back(dev, "online", "0");
}

int device_write_closing(struct device *dev)
{
    begin(dev);
    device_put_back(dev, "online", "0");
    device_put_back(dev, "state", "%d", STATE_CLOSING);
    return commit(dev);
}

int device_write_cut(struct device *dev)
{
    begin(dev);
    device_put_back(dev, "online", "0");
    device_put_front(dev, "state", "%d", STATE_CLOSED);
    return commit(dev);
}

/* The note's path; devid -1: that of all of the kind. */
static void unseen_path(const struct domain *d, const struct device_ops *ops,
                        int64_t devid, char *path)
{
    int n = snprintf(path, DEVICE_PATH_MAX, "/vm/%s/unseen-%s", d->uuid,
                     ops->type);

    if (devid >= 0)
        snprintf(path + n, DEVICE_PATH_MAX - n, "/%lld", (long long)devid);
}

char *device_list_unseen(struct domain *d, const struct device_ops *ops)
{
    char path[DEVICE_PATH_MAX];

    unseen_path(d, ops, -1, path);
    return store_list(d->x->store, NULL, path);
}

void device_remove_nodes(struct device *dev, bool unseen)
{
    char path[DEVICE_PATH_MAX];

    begin(dev);
    device_back_path(dev, path);
    remove_node(dev, path);
    device_front_path(dev, path);
    remove_node(dev, path);
    remove_errors(dev);
    unseen_path(dev->d, dev->ops, dev->devid, path);
    if (unseen)
        store_write(dev->d->x->store, dev->run->tx, path, "");
    commit(dev);
}

void device_touch(struct device *dev)
{
    char path[DEVICE_PATH_MAX];

    device_front_path(dev, path);
    store_mkdir(dev->d->x->store, NULL, path);
    store_rm(dev->d->x->store, NULL, path);
}

void device_seen(struct device *dev)
{
    char path[DEVICE_PATH_MAX];

    begin(dev);
    unseen_path(dev->d, dev->ops, dev->devid, path);
    remove_node(dev, path);
    commit(dev);
}

static enum device_state parse_state(char *text)
{
    enum device_state state = STATE_NONE;

    if (text && *text >= '0' && *text < '0' + NR_STATES && !text[1])
        state = *text - '0';
    free(text);
    return state;
}

enum device_state device_back_state(const struct device *dev)
{
    return parse_state(device_read_back(dev, "state"));
}

enum device_state device_front_state(const struct device *dev)
{
    return parse_state(device_read_front(dev, "state"));
}

static void add_reason(struct buf *b, const char *who, char *text)
{
    if (!text)
        return;
    for (char *c = text; *c; c++)
        if (!isprint((unsigned char)*c))
            *c = '?';
    buf_addf(b, "; %s says: %.*s", who, REASON_MAX, text);
    free(text);
}

char *device_reasons(const struct device *dev)
{
    struct store *s = dev->d->x->store;
    struct buf b = BUF_INIT;

    add_reason(&b, "dom0's driver",
               store_readf(s, NULL, "/local/domain/0/error/backend/%s/%u/%lld/"
                           "error", dev->ops->type, dev->domid,
                           (long long)dev->devid));
    add_reason(&b, "the guest's driver",
               store_readf(s, NULL, "/local/domain/%u/error/device/%s/%lld/"
                           "error", dev->domid, dev->ops->type,
                           (long long)dev->devid));
    return b.len ? buf_steal(&b) : xstrdup("");
}

void device_hear_script(const struct device *dev, struct err *err)
{
    _cleanup_free_ char *status = device_read_back(dev, "hotplug-status");
    _cleanup_(buf_fini) struct buf why = BUF_INIT;
    struct err was;

    if (!err->rc && status && streq(status, "error"))
        err_set(err, -EIO, "%s: the script has failed", dev->name);
    if (!err->rc)
        return;
    add_reason(&why, "it", device_read_back(dev, "hotplug-error"));
    was = *err;
    if (why.len)
        err_set(err, was.rc, "%s%s", was.text, why.data);
}

/* --- listings ---- */

/* A number that the guest has written; with several queues the first one's. */
static int64_t front_number(const struct device *dev, const char *node)
{
    _cleanup_free_ char *text = device_read_front(dev, node);
    _cleanup_free_ char *queue = NULL;
    char *end;
    long n;

    if (!text) {
        queue = xasprintf("queue-0/%s", node);
        text = device_read_front(dev, queue);
    }
    n = text ? strtol(text, &end, 10) : -1;
    return text && *text && !*end && n >= 0 ? n : -1;
}

static struct json_object *describe(const struct device *dev)
{
    struct json_object *o = json_object_new_object();
    char path[DEVICE_PATH_MAX];
    int64_t port;

    device_back_path(dev, path);
    json_add_int(o, "devid", dev->devid);
    json_add_int(o, "backend_domid", 0);
    json_add_int(o, "state", device_front_state(dev));
    json_add_str(o, "frontend_state",
                 device_state_word(device_front_state(dev)));
    json_add_str(o, "backend_state",
                 device_state_word(device_back_state(dev)));
    if (dev->ops->kind == DEVICE_VBD) {
        json_add_int(o, "event_channel", front_number(dev, "event-channel"));
        json_add_int(o, "ring_ref", front_number(dev, "ring-ref"));
    } else {
        port = front_number(dev, "event-channel-tx");
        json_add_int(o, "event_channel", port >= 0 ? port :
                     front_number(dev, "event-channel"));
        json_add_int(o, "tx_ring_ref", front_number(dev, "tx-ring-ref"));
        json_add_int(o, "rx_ring_ref", front_number(dev, "rx-ring-ref"));
    }
    json_add_str(o, "backend_path", path);
    if (dev->ops->describe)
        dev->ops->describe(dev, o);
    return o;
}

bool devices_any(const struct domain *d, enum device_kind kind)
{
    struct device *dev;

    list_for_each(dev, &d->devices, link)
        if (dev->ops->kind == kind)
            return true;
    return false;
}

struct json_object *devices_count(struct domain *d, enum device_kind kind,
                                  const struct traffic *t)
{
    struct json_object *list = json_object_new_array(), *o;
    struct device *dev;

    list_for_each(dev, &d->devices, link)
        if (dev->ops->kind == kind) {
            o = json_object_new_object();
            json_add_int(o, "devid", dev->devid);
            dev->ops->count(dev, t, o);
            json_object_array_add(list, o);
        }
    return list;
}

struct json_object *devices_to_json(struct domain *d, enum device_kind kind)
{
    struct json_object *list = json_object_new_array();
    struct device *dev;

    list_for_each(dev, &d->devices, link)
        if (dev->ops->kind == kind && dev->run->has_nodes)
            json_object_array_add(list, describe(dev));
    return list;
}
