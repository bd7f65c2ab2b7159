/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Saving a domain to a file, and making one from it.
 *
 * A save has three parts: the guest is asked to suspend (bounded), a thread
 * writes its state, and the file gets its name; until then it has none, so a
 * failure or a kill leaves nothing.  Whatever goes wrong, the guest runs on.
 */
#ifndef XEND_DOMAIN_SAVE_H
#define XEND_DOMAIN_SAVE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "domain/domain.h"
#include "domain/lifecycle.h"
#include "util/err.h"

struct domain;
struct domain_config;
struct json_object;
struct xend;

enum save_after { SAVE_DESTROY, SAVE_RESUME, SAVE_PAUSE };

/*
 * Begin to save d to the file at path, which is absolute.  config, if given,
 * is saved in place of d's own and used up in any case.  Who waits
 * UNTIL_SAVED hears how it ended.
 */
int domain_save(struct domain *d, const char *path, enum save_after after,
                struct domain_config *config, struct err *err);

/* The guest has suspended: write it. */
void save_write(struct domain *d);

/* A guest that suspended goes on where it was. */
int save_resume(struct domain *d, struct err *err);

/*
 * The domain is to be taken down, and its save, if there is one, ends for that
 * reason.  True: a thread is still at it; it calls domain_teardown then.
 */
bool save_stop(struct domain *d);

/* xend ends: stop a thread as soon as possible; the guest goes on with the next
 * xend.  And after the threads' end: forget the save. */
void save_cancel(struct domain *d);
void save_drop(struct domain *d);

/* Percent of a save or restore under way; -1: there is none. */
int save_percent(const struct domain *d);

/* In the run record: the file that is being written, if there is one. */
void save_note(const struct domain *d, struct json_object *record);

/* The guest has not taken up a request from before a restart: withdraw it. */
void save_withdraw(struct domain *d);

/* A file that has been checked, on its way to become a domain. */
struct saved {
    int fd;
    char *path;
    void *store;                /* xenstore nodes, as nodes_save made them */
    size_t store_size;
    uint64_t pages;
    unsigned int vcpus;
};

/* Close the file, which stays, and free s with all that it holds.  NULL is
 * fine. */
void saved_free(struct saved *s);

/*
 * Check the file at path, in a thread, and then call fn once: with the
 * definition found in it, both the callee's, or NULLs and why not.
 */
typedef void saved_fn(void *ctx, struct saved *s, struct json_object *config,
                      const struct err *err);
struct saved_check;
struct saved_check *saved_check(struct xend *x, const char *path, saved_fn *fn,
                                void *ctx);
/* Nobody wants to know any more: fn is not called. */
void saved_uncheck(struct saved_check *c);

/*
 * ---- dump.c: a domain's memory for debuggers -----------------------------
 *
 * It stands still meanwhile: a running one is paused and goes on afterwards,
 * one that has crashed is dumped before on_crash goes on.  The file has no name
 * until it is complete.
 */

struct dump;

/*
 * Begin to dump d to the file at path, which is absolute; fn hears how it
 * ended.  NULL with the error: it has not begun.
 */
struct dump *domain_dump(struct domain *d, const char *path,
                         domain_wait_fn *fn, void *ctx, struct err *err);

/* Nobody wants it any more: fn is not called, no file is left. */
void dump_abandon(struct dump *p);

/* d has ended: dump it to a file in the state folder's dump, then follow up
 * with this event. */
void dump_ended(struct domain *d, enum life_event then);

/* The state has been set: begin. */
void dump_write(struct domain *d);

/*
 * The domain is to be taken down.  True: a thread is still at it; it calls
 * domain_teardown then.
 */
bool dump_stop(struct domain *d);

/* Stop a thread as soon as possible, whatever becomes of the dump. */
void dump_cancel(struct domain *d);
/* xend has ended its threads: forget the dump. */
void dump_drop(struct domain *d);

/* Percent of a dump under way; -1: there is none. */
int dump_percent(const struct domain *d);

/* In the run record: that d stands still for this, and from which state. */
enum life_state dump_note(const struct domain *d, struct json_object *record);

/* After a restart: undo what the record says was under way. */
void dump_undo(struct domain *d, struct json_object *record, bool *paused);

#endif
