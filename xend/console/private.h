/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The consoles' own structures, for this folder alone.
 *
 * history.c  the last output of a domain, in a mapped file
 * log.c      the log file, a reader of the history
 * ring.c     the guest's ring: output into the history, input to the guest
 * server.c   consoles and their clients, readers of the history, too
 */
#ifndef XEND_CONSOLE_PRIVATE_H
#define XEND_CONSOLE_PRIVATE_H

#include <systemd/sd-event.h>

#include "console/console.h"
#include "util/buf.h"
#include "util/hash.h"
#include "util/list.h"

struct xencons_interface;

/*
 * Head of the file.  total is stored after the bytes that it counts, as one
 * word, and the ring's out_cons follows from it: ring_base + total.  So output
 * is taken over at one instant, whenever the daemon may be killed.
 */
struct history_head {
    char magic[8];
    uint64_t size;                  /* bytes of data that follow the head */
    uint64_t total;                 /* bytes of output so far */
    uint64_t seen;                  /* of which a client has had so many */
    uint64_t log_base;              /* total when the log file was empty */
    uint64_t log_ino;               /* the log file meant by log_base */
    uint32_t ring_base;
};

#define HISTORY_DATA 4096           /* offset of the data */

struct history {
    struct history_head *head;      /* NULL: none */
    char *data;
    size_t size;
};

/* Open the file of a domain, or with fresh begin it anew.  If it cannot be
 * kept in a file it is kept in memory, with a word in the log. */
void history_open(struct history *h, const char *path, size_t size,
                  bool fresh);
void history_close(struct history *h);

static inline uint64_t history_total(const struct history *h)
{
    return h->head->total;
}

/* The position of the oldest byte that is still there. */
uint64_t history_oldest(const struct history *h);

/* Where the bytes at pos lie: a pointer, and how many follow in one piece. */
const char *history_at(const struct history *h, uint64_t pos, size_t *ret_len);

/* Add two pieces as one. */
void history_add(struct history *h, const char *a, size_t a_len,
                 const char *b, size_t b_len);

struct console_log {
    char *path;                     /* NULL: no log */
    int fd;
    uint64_t size, max;
    uint64_t complained;            /* when, in microseconds */
};

/* Open NAME.log in dir and find out how much of the history it has. */
void log_open(struct console_log *l, const char *dir, const char *name,
              size_t max, struct history *h);
void log_close(struct console_log *l);

/* Bring it up to date with the history; now in microseconds. */
void log_update(struct console_log *l, struct history *h, uint64_t now);

struct console {
    struct list link;               /* consoles.all */
    struct hash_node by_domid;
    struct consoles *cs;
    unsigned int domid;
    char *name, *path;              /* path of the history */
    struct history history;
    struct console_log log;
    struct list clients;
    bool closing;                   /* the domain is gone */
    sd_event_source *deadline;      /* closing ends; or throttling does */

    struct xencons_interface *ring; /* NULL: detached */
    struct xc_evtchn *ev;
    sd_event_source *io;            /* of ev */
    uint64_t mfn;                   /* of the ring's page */
    uint32_t port;                  /* the guest's */
    uint32_t out_cons, in_prod;     /* ours; the ring has copies */
    uint64_t period, taken;         /* what the guest cost in this period */
    bool throttled;
    uint64_t complained;
};

struct consoles {
    struct console_params params;
    struct list all;
    struct hash by_domid;
};

/* ---- ring.c ---- */

int con_ring_attach(struct console *c, bool fresh);
void con_ring_detach(struct console *c);

/* Let the guest's next event in; to be done before looking at the ring. */
void ring_unmask(struct console *c);

/* Take output over into the history.  Bytes taken. */
size_t ring_take(struct console *c);

/* Give the guest input; bytes that there was room for. */
size_t ring_give(struct console *c, const char *data, size_t len);

/* ---- server.c ---- */

/* The guest's end of the ring has something for us, or room again. */
void console_event(struct console *c);
uint64_t console_now(const struct consoles *cs);

#endif
