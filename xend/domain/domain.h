/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Domains: what each is to be, where it is in its life, and what it has.
 *
 * A struct domain exists from the moment its name is taken until nothing of it
 * is left anywhere.  It is found by name, id or uuid without a walk.  Requests
 * return at once; who needs to know how they end waits with domain_wait().
 */
#ifndef XEND_DOMAIN_DOMAIN_H
#define XEND_DOMAIN_DOMAIN_H

#include <stdbool.h>
#include <stdint.h>

#include "config/config.h"
#include "domain/lifecycle.h"
#include "util/err.h"
#include "util/hash.h"
#include "util/list.h"

#define NO_DOMID 0xffffffffu
#define RESTARTS_MAX 5          /* in RESTARTS_SECONDS; then it is kept */
#define RESTARTS_SECONDS 60

struct build;
struct dump;
struct json_object;
struct save;
struct saved;
struct xend;

/* Both rings of a running domain, the guest's ports. */
struct domain_rings {
    uint32_t store_port, console_port;
    uint64_t store_mfn, console_mfn;
};

struct domain {
    struct xend *x;
    struct domain_config *config;
    struct domain_config *next; /* what it is to be when it starts again;
                                   NULL: the same */
    char uuid[37];              /* as text, for paths and messages */
    uint8_t handle[16];         /* the uuid that the hypervisor knows */
    enum life_state state;
    uint32_t domid;             /* NO_DOMID: none yet, or no more */
    struct domain_rings rings;
    int64_t started;            /* CLOCK_BOOTTIME, seconds */
    unsigned int reason;        /* LIFE_ENDED: why */
    bool start_paused;          /* how the build is to end */
    bool restarting;            /* an interrupted build is to be begun again */
    char renaming[37];          /* the uuid that it is to have when the next
                                   one takes its own; or "" */
    bool asked;                 /* told to shut down or reboot by a user */
    bool adopted;               /* found running, without a definition */
    int64_t restart_at[RESTARTS_MAX + 1];   /* latest first */
    unsigned int scan;          /* the last scan that saw it */
    struct err err;             /* why its build failed */
    struct build *build;        /* while it is made or taken down */
    struct save *save;          /* while it is saved */
    struct dump *dump;          /* while its memory is written to a file */
    struct saved *image;        /* the file that it is to be made from */
    bool saved;                 /* it goes because it has been saved */
    struct list link;           /* struct domains.all */
    struct list waits;
    struct list devices;        /* struct device.link */
    struct hash_node by_name, by_id, by_uuid;
};

struct domains;

/* An empty list of domains, to be x->domains.  It cannot fail at present. */
int domains_create(struct xend *x, struct domains **ret_ds);
/* Forget all domains, as domain_drop() does; they run on.  NULL is fine. */
void domains_destroy(struct domains *ds);

/* NULL if there is none.  domain_find takes a name or a decimal id. */
struct domain *domain_by_id(struct xend *x, uint32_t domid);
struct domain *domain_by_uuid(struct xend *x, const char *uuid);
struct domain *domain_find(struct xend *x, const char *name_or_id);

/* All of them, in no order that matters: fn must not destroy any. */
void domains_each(struct xend *x, void (*fn)(struct domain *d, void *ctx),
                  void *ctx);

/*
 * Look what the hypervisor says of all domains, and act on those that have
 * ended or gone without having been told to.
 */
void domains_scan(struct xend *x);

/*
 * Take c's name and uuid (a fresh one if it has none) and begin to build.  c
 * is used up in any case.  -EEXIST: the name or uuid is in use.
 */
int domain_create(struct xend *x, struct domain_config *c, bool paused,
                  struct domain **ret_d, struct err *err);

/* The same of a saved guest: its definition, and its file, used up, too. */
int domain_restore(struct xend *x, struct domain_config *c,
                   struct saved *image, bool paused, struct domain **ret_d,
                   struct err *err);

/* Register a domain in this state; the parts of a restart use it. */
struct domain *domain_add(struct xend *x, struct domain_config *c,
                          enum life_state state, uint32_t domid);
/* Forget it: not in use by anything, or xend has ended its threads. */
void domain_drop(struct domain *d);
/* Its id in the hypervisor has become known, or is no more (NO_DOMID). */
void domain_set_domid(struct domain *d, uint32_t domid);
/* Its life goes on in this state: noted on disk, told to listeners. */
void domain_set_state(struct domain *d, enum life_state state);
/* Its name or uuid changes, in all tables; the config owns the name. */
void domain_set_name(struct domain *d, const char *name);
void domain_set_uuid(struct domain *d, const uint8_t uuid[16]);

/*
 * A user's wish.  Paused or running, it is so on return; it is no error if it
 * was before.  -EBUSY: not in this state of its life; -EPERM: dom0 cannot be
 * paused; or why the hypervisor refuses.
 */
int domain_pause(struct domain *d, struct err *err);
int domain_unpause(struct domain *d, struct err *err);

/* Begin to take it down, whatever it does; UNTIL_GONE hears of the end.
 * -EPERM: it is dom0. */
int domain_destroy(struct domain *d, struct err *err);

/*
 * Give it this name, which is copied, everywhere: store, log, definition.
 * -EINVAL: not a name; -EEXIST: another's; -EBUSY: it neither lives nor is kept
 * after its end; -EPERM: it is dom0.  Other errors: it may have the name.
 */
int domain_rename(struct domain *d, const char *name, struct err *err);

/*
 * c, used up in any case, is its definition from its next start on; devices
 * that come and go until then are part of it.  -EINVAL: another's name or uuid.
 */
int domain_update(struct domain *d, struct domain_config *c, struct err *err);
/* It starts again now. */
void domain_take_next(struct domain *d);

/* Ask the guest's kernel: "poweroff", "reboot".  -EOPNOTSUPP: it has not said
 * that it can. */
int domain_ask(struct domain *d, const char *what, struct err *err);

/* As if this key had been pressed with SysRq.  -EOPNOTSUPP: the guest's kernel
 * does not listen for it; -EBUSY: it has not taken the last one. */
int domain_sysrq(struct domain *d, char key, struct err *err);

/* Send a non-maskable interrupt.  -EINVAL: no such vcpu, or its kernel has no
 * handler. */
int domain_send_nmi(struct domain *d, int64_t vcpu, struct err *err);

/* Refuse what needs a live domain: -EBUSY or -ESRCH with the reason. */
int domain_need_live(const struct domain *d, struct err *err);

/* Carry out what the lifecycle table says to this event. */
int domain_event(struct domain *d, enum life_event event, struct err *err);

/* What one can wait for; UNTIL_GONE is also the end of one incarnation. */
enum domain_until { UNTIL_STARTED, UNTIL_ENDED, UNTIL_GONE, UNTIL_SAVED };

/* err->rc: 0 it is so; otherwise it will not be, and why. */
typedef void domain_wait_fn(void *ctx, const struct err *err);

struct domain_wait;
struct domain_wait *domain_wait(struct domain *d, enum domain_until until,
                                domain_wait_fn *fn, void *ctx);
/* The waiter has lost interest before fn was called. */
void domain_unwait(struct domain_wait *w);
/* Wake those that wait for until (and for less: gone has ended, too). */
void domain_wake(struct domain *d, enum domain_until until,
                 const struct err *err);

/* ---- what listings show ------------------------------------------------ */

struct domain_status {
    uint32_t domid;
    char name[CONFIG_NAME_MAX + 1];     /* "(null)": nobody knows it */
    char uuid[37];
    uint64_t memory_kb, maxmem_kb, cpu_time_ns;
    unsigned int vcpus, max_vcpus;
    bool running, blocked, paused, shutdown, dying;
    unsigned int reason;
    int64_t uptime;                     /* seconds; -1: unknown */
    int percent;                        /* of a save, restore or dump; -1:
                                           none */
    enum life_state state;
    const struct domain_config *config; /* NULL: unknown; valid until the
                                           loop runs again */
};

/* All domains of the hypervisor by ascending id; the array is the caller's. */
int domains_status(struct xend *x, struct domain_status **ret_list,
                   unsigned int *ret_nr);
int domain_status(struct domain *d, struct domain_status *ret_status);

/* ---- build.c ------------------------------------------------------------ */

/* Begin to build d, whose state is LIFE_BUILDING; ends with EVENT_BUILT,
 * EVENT_BUILT_PAUSED or EVENT_FAILED. */
void domain_build(struct domain *d);

/* xend ends: what threads do for d is to end as soon as possible. */
void domain_work_cancel(struct domain *d);

/* Stop a build as soon as possible; it ends with EVENT_FAILED. */
void domain_build_cancel(struct domain *d);

/* xend has ended its threads: forget a build or teardown under way. */
void domain_build_drop(struct domain *d);

/* Undo all that building does, from any point on, and end with EVENT_GONE. */
void domain_teardown(struct domain *d);

/* d has ended and is kept, under d->renaming: go on with the next one. */
void domain_rename_restart(struct domain *d);

/* Percent of a restore under way; -1: there is none. */
int domain_build_percent(const struct domain *d);

/* The hypervisor says that some domain went: look whether one awaited did. */
void domain_build_poll(struct domain *d);

/* ---- firmware.c --------------------------------------------------------- */

/*
 * Firmware runs in a guest before its kernel, and finds that on the guest's
 * disk; it is started as a kernel is.  The file that firmware= stands for: a
 * path is itself; "pvgrub64" is the first of paths (NULL-terminated; NULL:
 * where packages install it) that is there.  The caller's.  NULL: err says
 * what to install.
 */
char *firmware_find(const char *firmware, const char *const *paths,
                    struct err *err);

/* ---- persist.c ---------------------------------------------------------- */

/* Write definition and running state; -errno with *err. */
int persist_save(struct domain *d, struct err *err);
/* Write the running state only, and log a failure. */
void persist_note(struct domain *d);
void persist_remove(struct domain *d);
/* The same of one that has no struct any more. */
void persist_forget(struct xend *x, const char *uuid);

/* Make struct domains of what a former process left, and finish what it had
 * begun.  The store is replayed, but not started, before it. */
int persist_restore(struct xend *x);
/* The second half, with the store's rings attached: consoles, ends. */
void persist_resume(struct xend *x);

/* ---- memory.c, vcpu.c, sched.c: live changes ---------------------------- */

/*
 * Let it have kb KiB, tell it, and save that in its definition (dom0 has none);
 * the guest itself gives back or takes what differs, later.  -EINVAL: below
 * 4 MiB, or above its maxmem; -EBUSY: it is not live.
 */
int domain_set_memory(struct domain *d, int64_t kb, struct err *err);

/*
 * Let it take up to kb KiB, without telling it, until it starts again.
 * -EINVAL: less than it is to have, or more than it was started with room for;
 * -EBUSY: it is not live.
 */
int domain_set_maxmem(struct domain *d, int64_t kb, struct err *err);

/*
 * Tell it to have its first nr vcpus online and no others, and save that in its
 * definition.  -EINVAL: none, more than it was made with, or, unless
 * ignore_host, more than before and than the host has CPUs; -EBUSY: it is not
 * live.
 */
int domain_set_vcpus(struct domain *d, int64_t nr, bool ignore_host,
                     struct err *err);

/* vcpu -1: all; a NULL set is left as it is. */
int domain_pin(struct domain *d, int64_t vcpu, const struct cpuset *hard,
               const struct cpuset *soft, struct err *err);

struct domain_vcpu {
    bool online, running, blocked;
    unsigned int cpu;
    uint64_t cpu_time_ns;
    struct cpuset hard, soft;
};

/* *ret_vcpus has *ret_nr entries and is the caller's. */
int domain_vcpus(struct domain *d, struct domain_vcpu **ret_vcpus,
                 unsigned int *ret_nr, struct err *err);

/* -1: leave it as it is. */
int domain_set_sched(struct domain *d, int64_t weight, int64_t cap,
                     struct err *err);
int domain_get_sched(struct domain *d, int64_t *ret_weight, int64_t *ret_cap,
                     struct err *err);

/* Borrowed virtual time, on hypervisors that have it; -1: leave it. */
struct domain_bvt {
    int64_t weight, warp_us, limit_us, unwarp_us;
};

int domain_set_bvt(struct domain *d, const struct domain_bvt *bvt,
                   struct err *err);
int domain_get_bvt(struct domain *d, struct domain_bvt *ret_bvt,
                   struct err *err);

#endif
