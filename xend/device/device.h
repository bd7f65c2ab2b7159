/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Devices of domains: disks (vbd), network interfaces (vif).
 *
 * A device has two ends that find each other in xenstore: the back end in
 * dom0's kernel, the front end in the guest's.  What is ours is what they
 * cannot do: prepare the host's part, write the nodes, follow both states,
 * and take all of it down.  A kind is a table of operations; the order, the
 * waits with their limits, and errors are common (device.c):
 *
 *     prepare   thread  the host's part, before anybody can see the device
 *     nodes     loop    the kind's nodes of both ends, one change with ours
 *               ...     the back end reaches InitWait
 *     plug      thread  the host's part that needs the back end
 *     plugged   loop    nodes that plug found; hotplug-status is ours
 *               ...     an attach waits for both ends to be Connected
 *
 *               ...     Closing, Closed; a limit, after which it is forced
 *     unplug    thread  undo plug; the nodes are still there
 *               ...     the nodes go
 *     release   thread  undo prepare
 *               ...     a guest that watches its devices has seen it go
 *
 * A device makes one way at a time; requests that come meanwhile wait for its
 * end.
 *
 * The record of what exists is the store itself: its journal outlives this
 * process, so after a restart each back end node is a device again.  One that
 * the domain's config lists goes on, any other is taken down: it was being
 * attached, and nobody has been told that it is there.  So whatever prepare
 * and plug make must be found again from the nodes (adopt), or vanish by
 * itself when this process dies.
 */
#ifndef XEND_DEVICE_DEVICE_H
#define XEND_DEVICE_DEVICE_H

#include <stdbool.h>
#include <stdint.h>

#include "config/config.h"
#include "util/err.h"
#include "util/list.h"

struct device;
struct domain;
struct json_object;
struct traffic;
struct xend;

/*
 * Any but nodes may be NULL.  Those that return int give 0 or -errno with one
 * line in *err that names the device (device_name()).  What runs in a thread
 * touches only dev->config, dev->name, dev->domid, dev->host and the host; no
 * two calls for one device run at the same time.
 */
struct device_ops {
    enum device_kind kind;
    const char *type;           /* of its paths: "vbd" */

    int (*prepare)(struct device *dev, struct err *err);        /* thread */
    void (*nodes)(struct device *dev);                          /* loop */
    int (*plug)(struct device *dev, struct err *err);           /* thread */
    void (*plugged)(struct device *dev);                        /* loop */
    void (*unplug)(struct device *dev);                         /* thread */
    void (*release)(struct device *dev);                        /* thread */

    /*
     * After a restart, before dom0's kernel is served: find again what prepare
     * and plug made (device_read_*), or make it anew and write what changed.
     * dev->config is NULL for a device that is only to be taken down.
     */
    void (*adopt)(struct device *dev);                          /* loop */

    /* Add what is special in listings to obj; common members are there. */
    void (*describe)(const struct device *dev, struct json_object *obj);

    /* Add what has gone through it, from the guest's side; t: of the host's
     * interfaces. */
    void (*count)(const struct device *dev, const struct traffic *t,
                  struct json_object *obj);
};

extern const struct device_ops vbd_ops, vif_ops;

struct device {
    struct domain *d;
    const struct device_ops *ops;
    struct device_config *config;   /* its own copy; see adopt for NULL */
    char *name;                     /* "guest: disk xvda", for messages */
    uint32_t domid;
    int64_t devid;
    void *host;                     /* of the kind: from prepare or adopt to
                                       release, which frees it */
    struct device_run *run;         /* device.c's */
    struct list link;               /* struct domain.devices */
};

/* ---- for kinds: nodes ---- */

/* Write a node of the back or front end: in nodes and plugged as part of the
 * change that is being made, in adopt at once. */
void device_put_back(struct device *dev, const char *node, const char *fmt,
                     ...) __attribute__((format(printf, 3, 4)));
void device_put_front(struct device *dev, const char *node, const char *fmt,
                      ...) __attribute__((format(printf, 3, 4)));

/* A node's value, to be freed, or NULL. */
char *device_read_back(const struct device *dev, const char *node);
char *device_read_front(const struct device *dev, const char *node);

/* ---- for the rest of the daemon ---- */

/* err->rc 0: it is done.  Called once, from the loop, perhaps at once. */
typedef void device_done_fn(void *ctx, const struct err *err);

/* Set up all devices of d's config; done when each back end is ready for its
 * front end.  After an error what was set up waits for devices_stop(). */
void devices_start(struct domain *d, device_done_fn *done, void *ctx);

/* Take all devices down by force: the domain does not run any more. */
void devices_stop(struct domain *d, device_done_fn *done, void *ctx);

/* End all waits of d's devices_start() now, with -ECANCELED. */
void devices_cancel(struct domain *d);

/*
 * Attach a device to a running domain: dc is used up.  Done when both ends are
 * connected (for a paused domain: when the back end is ready) and the config
 * is saved; after an error all is undone.
 */
void device_attach(struct domain *d, struct device_config *dc,
                   device_done_fn *done, void *ctx);

/*
 * Detach: the guest is asked to let go, for a limited time; with force it is
 * then cut off, otherwise the device stays and the error says so.
 */
void device_detach(struct domain *d, enum device_kind kind, int64_t devid,
                   bool force, device_done_fn *done, void *ctx);

/* After a restart: see above.  Before store_start(), for each domain. */
void devices_restore(struct domain *d);
/* Afterwards: go on with what had begun. */
void devices_resume(struct domain *d);
/* Once, for what devices of all domains share: the host's own network. */
void devices_resume_host(struct xend *x);
/* Let go of what is in memory; nothing changes for the guest. */
void devices_drop(struct domain *d);

/* An array with an object for each device that the store has of d. */
struct json_object *devices_to_json(struct domain *d, enum device_kind kind);

/* The same of counters: devid, and what the kind counts. */
struct json_object *devices_count(struct domain *d, enum device_kind kind,
                                  const struct traffic *t);
bool devices_any(const struct domain *d, enum device_kind kind);

#endif
