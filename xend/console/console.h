/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Guest consoles: each domain's output is kept, logged and shown; what clients
 * type goes to the guest.
 *
 * Output goes from the ring into the history, a bounded file in the state
 * folder that is mapped and so outlives a killed daemon, and only then is the
 * ring told.  The log file and the clients are readers of the history, each
 * with a position of its own: one that is slow loses its own oldest bytes (and
 * is told how many), and holds up nobody.
 *
 * One thread, one event loop.  Functions return 0 or -errno.
 */
#ifndef XEND_CONSOLE_CONSOLE_H
#define XEND_CONSOLE_CONSOLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct consoles;
struct sd_event;
struct xc;

struct console_params {
    struct sd_event *loop;
    struct xc *xc;                  /* NULL: a host without hypervisor */
    const char *state_dir;          /* histories; must exist */
    const char *log_dir;            /* NAME.log and NAME.log.1; made if absent;
                                       NULL: no log files */
    size_t history;                 /* bytes per domain; 0: 64 KiB */
    size_t log_max;                 /* bytes of one log file; 0: 1 MiB */
};

struct consoles *consoles_create(const struct console_params *params);

/* Let go of everything; rings and histories stay for the next process. */
void consoles_destroy(struct consoles *c);

/*
 * Serve the console of a new domain: ring page mfn, event channel port.  An
 * old history of this domid is discarded.  -EEXIST: it is served already.
 */
int console_add(struct consoles *c, unsigned int domid, const char *name,
                uint64_t mfn, unsigned int port);

/* As console_add for a domain that ran before this process: goes on where the
 * one before stopped, without losing or repeating output. */
int console_reattach(struct consoles *c, unsigned int domid, const char *name,
                     uint64_t mfn, unsigned int port);

/*
 * The domain is gone: take what its ring still holds, let clients have the
 * rest (for a few seconds at most) and close them, delete the history.  The
 * log file stays.  A domid that is not served: only its history is deleted.
 */
void console_remove(struct consoles *c, unsigned int domid);

/* From now on the log file is that of the new name. */
int console_rename(struct consoles *c, unsigned int domid, const char *name);

/*
 * A client takes over fd, a connected stream socket, which is
 * closed here in any case.  It gets the output that nobody has seen yet, or
 * with all the whole history, then what comes; it sends the guest's input.
 * The len bytes at early were read from it before.  -ENOENT: no such console.
 */
int console_attach(struct consoles *c, unsigned int domid, int fd, bool all,
                   const void *early, size_t len);

/* Clients attached to the console of domid. */
unsigned int console_clients(const struct consoles *c, unsigned int domid);

#endif
