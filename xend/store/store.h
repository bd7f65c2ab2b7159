/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * xenstore: the tree of names through which domains find their devices.
 *
 * The store answers on four kinds of connection: the ring of each introduced
 * domain, the ring of dom0's own kernel, UNIX sockets, and the functions below,
 * which act as domain 0.  All of it runs on one event loop and one thread.
 *
 * Every change is in the journal (journal.c) before anybody can see it, so the
 * store of a killed daemon goes on where it was: nodes, guests' watches, their
 * transactions, and each byte of a request or reply that was under way.
 *
 * Start:  store_create();          replays the journal; nothing is attached
 *         store_domids();          the caller releases those that are gone
 *         store_start();           rings, dom0's kernel, sockets
 *
 * Functions return 0 or -errno unless they say otherwise.  Paths are absolute,
 * or relative to /local/domain/0.
 */
#ifndef XEND_STORE_STORE_H
#define XEND_STORE_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct store;
struct store_tx;
struct store_watch;
struct sd_event;
struct xc;

/* What one unprivileged domain may have; 0 takes the default in brackets. */
struct store_quota {
    unsigned int nodes;             /* owned by it [1000] */
    unsigned int watches;           /* [128] */
    unsigned int value;             /* bytes of one value [2048] */
    unsigned int transactions;      /* open at once [10] */
    unsigned int tx_nodes;          /* nodes one transaction touches [1024] */
    unsigned int perms;             /* permissions of one node [5] */
    unsigned int outstanding;       /* replies it has not read [20] */
    unsigned int event_bytes;       /* watch events not read [1 MiB] */
};

struct store_params {
    struct sd_event *loop;
    struct xc *xc;                  /* NULL: a host without hypervisor */
    const char *state_dir;          /* journal's folder; must exist */
    const char *socket_dir;         /* socket, socket_ro; NULL: none */
    bool kernel_ring;               /* serve dom0's own kernel */
    struct store_quota quota;
};

/*
 * Make the store and replay its journal, if there is one, then write it anew.
 * A torn record at the journal's end (the daemon died while it wrote) is
 * dropped.  -EBUSY: another process has the journal; -EIO and the like: it
 * cannot be read or written.
 */
int store_create(const struct store_params *params, struct store **ret_s);

/*
 * Attach all rings that the journal names, dom0's kernel, and the sockets.  A
 * ring that cannot be attached is logged and stays known: the next process
 * tries again, store_release() forgets it.
 */
int store_start(struct store *s);

/*
 * Let go of everything.  The journal stays: an orderly end is no different
 * from a kill, and the next store_create() carries on.
 */
void store_destroy(struct store *s);

/*
 * Connect a domain: map its ring page mfn and bind its event channel port;
 * fires @introduceDomain.  A domain that is known already is connected anew
 * (its watches and transactions end).
 */
int store_introduce(struct store *s, unsigned int domid, uint64_t mfn,
                    unsigned int port);

/*
 * Disconnect a domain: its watches, transactions and ring go, its nodes stay;
 * fires @releaseDomain.  -ENOENT: it was not introduced.
 */
int store_release(struct store *s, unsigned int domid);

/*
 * Fire the special watch "@introduceDomain" or "@releaseDomain" on its own:
 * the latter is also due when a domain has shut down but still exists.
 */
void store_announce(struct store *s, const char *name);

/* Introduced domains, ascending: how many, of which max are written. */
unsigned int store_domids(const struct store *s, unsigned int *ret_domids,
                          unsigned int max);
bool store_is_introduced(const struct store *s, unsigned int domid);

/* Whether the domain's kernel has asked to be told of changes at this very
 * path, absolute: what is written there, it acts on. */
bool store_is_watched(const struct store *s, unsigned int domid,
                      const char *path);

/*
 * Several changes as one: nobody sees some of them, and a kill leaves all or
 * none.  Every function below takes a transaction, or NULL for an immediate
 * change.  store_commit() ends it in any case; if one of its changes failed, it
 * returns the error of the first of them and nothing is changed.  -EAGAIN: what
 * it read has been changed meanwhile (not possible if it was begun in the same
 * turn of the loop).
 */
struct store_tx *store_begin(struct store *s);
int store_commit(struct store_tx *tx);
void store_abort(struct store_tx *tx);

/* The value, to be freed, or NULL with errno.  ret_len may be NULL. */
char *store_read(struct store *s, struct store_tx *tx, const char *path,
                 size_t *ret_len);
char *store_readf(struct store *s, struct store_tx *tx, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/* Write a value; missing parents are made, rights inherited from above. */
int store_write(struct store *s, struct store_tx *tx, const char *path,
                const char *value);
int store_write_bytes(struct store *s, struct store_tx *tx, const char *path,
                      const void *value, size_t len);
int store_writef(struct store *s, struct store_tx *tx, const char *value,
                 const char *fmt, ...) __attribute__((format(printf, 4, 5)));

/* Make an empty node; one that exists is left as it is. */
int store_mkdir(struct store *s, struct store_tx *tx, const char *path);

/* Remove a node and all below.  -ENOENT: neither it nor its parent exists. */
int store_rm(struct store *s, struct store_tx *tx, const char *path);

/*
 * Names of the children, sorted, each ended by a zero byte, the last one by a
 * second; to be freed.  NULL with errno.
 */
char *store_list(struct store *s, struct store_tx *tx, const char *path);

/*
 * Set rights from text: "n1,r0" means owner 1, others none, domain 0 may read.
 * The first entry is the owner, its letter what everybody may do.
 */
int store_set_perms(struct store *s, struct store_tx *tx, const char *path,
                    const char *perms);

/*
 * Be told of changes at path and below: once at first, then for each change.
 * fn runs from the loop, never inside another call of the store; identical
 * events that wait are joined.  fn may do anything, store_unwatch included.
 */
typedef void store_watch_fn(void *ctx, const char *path);
struct store_watch *store_watch(struct store *s, const char *path,
                                store_watch_fn *fn, void *ctx);
void store_unwatch(struct store_watch *w);

/*
 * Be told, until store_off_miss(), each time a domain has asked for a node that
 * is not there: it knows then that it went.  fn is called inside the store and
 * must not call it.
 */
struct store_miss;
struct store_miss *store_on_miss(struct store *s, unsigned int domid,
                                 const char *path, void (*fn)(void *ctx),
                                 void *ctx);
void store_off_miss(struct store_miss *m);

/* Figures for listings and tests. */
struct store_stats {
    unsigned int nodes, watches, transactions, connections;
    uint64_t journal_bytes, compactions;
};
void store_get_stats(const struct store *s, struct store_stats *ret_stats);

#endif
