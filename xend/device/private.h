/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef XEND_DEVICE_PRIVATE_H
#define XEND_DEVICE_PRIVATE_H

#include "device/device.h"

struct sd_event_source;
struct store_tx;
struct store_watch;

/* Where a device is in its life; device.h has the picture. */
enum device_phase {
    PHASE_NEW,
    PHASE_PREPARE,
    PHASE_INIT,                 /* waits for the back end's InitWait */
    PHASE_PLUG,
    PHASE_CONNECT,              /* waits for both ends' Connected */
    PHASE_UP,
    PHASE_CLOSE,                /* waits for both ends' Closed */
    PHASE_CUT,                  /* we closed for the guest: for the back end */
    PHASE_UNPLUG,
    PHASE_RELEASE,
    PHASE_SETTLE,               /* for the guest to see that it went */
    PHASE_GONE,
};

typedef void device_end_fn(struct device *dev, void *ctx,
                           const struct err *err);

/* What drives a device: its phase, and who waits for the end of it. */
struct device_run {
    enum device_phase phase;
    bool busy;                  /* a thread works for it */
    bool down;                  /* it is to be taken down */
    bool cancelled;             /* the way up is to end */
    bool connect;               /* the way up ends when it is connected */
    bool force;                 /* the way down does not depend on the guest */
    bool stop;                  /* nor even asks it: it does not run */
    bool has_nodes, is_prepared, is_plugged;
    bool mute;                  /* no driver in dom0 has looked at it */
    bool asked, cut;            /* the guest to let go; the guest off */
    bool kept;                  /* it has not let go: it goes when it does */
    unsigned int unseen;        /* how often the guest is still to see that it
                                   went */
    bool hurried;               /* it has just looked */
    struct err err;             /* of the thread */
    device_end_fn *done;
    void *ctx;
    struct list waiting;        /* device_op.c's, for the end of its way */
    struct store_tx *tx;        /* the change that nodes or plugged make */
    struct store_watch *back, *front;
    struct store_miss *miss;
    struct sd_event_source *timer;
    unsigned int limit;         /* seconds of that */
};

/* <xen/io/xenbus.h>'s states, with 0 for what is none. */
enum device_state {
    STATE_NONE, STATE_INITIALISING, STATE_INIT_WAIT, STATE_INITIALISED,
    STATE_CONNECTED, STATE_CLOSING, STATE_CLOSED, NR_STATES
};

/* ---- device.c: one device's way up and down ---- */

/* Forget it, wherever it is; who waits is told -ECANCELED. */
void device_abandon(struct device *dev);

/* Set it up; after an error it stays where it is, for device_down(). */
void device_up(struct device *dev, bool connect, device_end_fn *done,
               void *ctx);

/*
 * Take it down.  Whoever waits for another end of it is told -ECANCELED.
 * It is freed after done; without force the guest may keep it, with an error,
 * and it goes when that lets go.  stop: the guest does not run.
 */
void device_down(struct device *dev, bool force, bool stop,
                 device_end_fn *done, void *ctx);

/* Who is told of the end of its way from now on. */
void device_on_end(struct device *dev, device_end_fn *done, void *ctx);

/* End its way up, if it is on it, with -ECANCELED. */
void device_cancel(struct device *dev);

/* ---- device_op.c ---- */

/* The table of a kind; there is one for each. */
const struct device_ops *device_ops(enum device_kind kind);

/*
 * A device of d in PHASE_NEW, with nothing of it made; it is d's until its way
 * ends.  dc, used up, may be NULL: see adopt.
 */
struct device *device_new(struct domain *d, enum device_kind kind,
                          int64_t devid, struct device_config *dc);
/* The device of d with this number, on whatever way it is; NULL: none. */
struct device *device_find(struct domain *d, enum device_kind kind,
                           int64_t devid);

/* Its way has ended: begin what waited for that, or end it with err. */
void device_serve(struct list *waiting, const struct err *err);

/* ---- script.c: threads ---- */

/* The script's path, to be freed; NULL for none, or what xend does itself. */
char *device_script(const char *name, const char *builtin);
/* That there is such a program; -errno with *err. */
int device_check_script(const struct device *dev, const char *path,
                        struct err *err);
/* Wait for it, not for ever.  more: settings of the kind's, or NULL. */
int device_run_script(const struct device *dev, const char *path,
                      const char *const argv[], const char *const more[2],
                      struct err *err);

/* ---- device_nodes.c ---- */

/* Paths are written to buffers of this size. */
#define DEVICE_PATH_MAX 100

/* Write the folder of the back or front end in the store to path, of that
 * size. */
void device_back_path(const struct device *dev, char *path);
void device_front_path(const struct device *dev, char *path);

/* All nodes of both ends, the kind's included, as one change. */
int device_write_nodes(struct device *dev);
/* hotplug-status, and what the kind has found in plug. */
int device_write_plugged(struct device *dev);
/* It is on its way down; then: the guest is to let go. */
void device_write_offline(struct device *dev);
int device_write_closing(struct device *dev);
/* Close for the guest. */
int device_write_cut(struct device *dev);
/*
 * Remove them all as one change.  With unseen a note is left in their place
 * until device_seen(): in devices_restore() it is a device that goes.
 */
void device_remove_nodes(struct device *dev, bool unseen);
/* Let the guest hear once more of the front end's path, where nothing is. */
void device_touch(struct device *dev);
void device_seen(struct device *dev);
/* Those notes, as store_list() has it. */
char *device_list_unseen(struct domain *d, const struct device_ops *ops);

/* What each driver says of its end; STATE_NONE: nothing, or no state.  The
 * front end's is a claim of the guest's. */
enum device_state device_back_state(const struct device *dev);
enum device_state device_front_state(const struct device *dev);
/* As Xen calls it: "InitWait"; not to be freed. */
const char *device_state_word(enum device_state state);
/* What the drivers have said of their errors, each with "; " before, or "".  To
 * be freed. */
char *device_reasons(const struct device *dev);
/* A script may say in the store that, and why, it has failed. */
void device_hear_script(const struct device *dev, struct err *err);

#endif
