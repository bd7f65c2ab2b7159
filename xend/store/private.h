/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The store's own structures, for this folder alone.
 *
 * access.c   nodes as a connection may see and change them; watches fire
 * store_op.c one function per request of the wire protocol
 * queue.c    connections, and what waits to be sent on them
 * conn.c     those by ring: bytes in, bytes out
 * socket.c   those by UNIX socket
 * state.c    what the journal brings back, and what goes into a new one
 * local.c    domain 0's functions
 * store.c    the object itself, turns of the loop
 */
#ifndef XEND_STORE_PRIVATE_H
#define XEND_STORE_PRIVATE_H

#include <systemd/sd-event.h>

#include "store/journal.h"
#include "store/store.h"
#include "store/transaction.h"
#include "store/tree.h"
#include "store/watch.h"
#include "store/wire.h"
#include "util/buf.h"
#include "util/hash.h"
#include "util/list.h"

#define DOMIDS 0x10000u

/* What a domain can do wrong; one log line a minute for each of them. */
enum complaint {
    COMPLAIN_NODES, COMPLAIN_WATCHES, COMPLAIN_VALUE, COMPLAIN_TRANSACTIONS,
    COMPLAIN_TX_NODES, COMPLAIN_PERMS, COMPLAIN_OUTSTANDING, COMPLAIN_EVENTS,
    COMPLAIN_PROTOCOL, COMPLAIN_NR,
};

enum conn_kind { CONN_LOCAL, CONN_SOCKET, CONN_RING };

/* A message on its way out; events are findable, to join identical ones. */
struct msg {
    struct list link;
    struct hash_node by_event;
    bool event;
    uint32_t len;
    char data[];
};

struct conn {
    struct list link;               /* store.conns */
    struct list dirty;              /* store.dirty: has something to show */
    struct list run;                /* store.runnable: has requests left */
    struct hash_node by_domid;      /* CONN_RING: store.domains */
    struct store *s;
    enum conn_kind kind;
    unsigned int domid;
    bool read_only;
    bool broken;                    /* no more requests, no more output */
    bool stalled;                   /* requests wait for output to go */
    bool reconnecting;              /* to be confirmed in the ring */

    struct buf in;                  /* a request, or the part that is here */
    size_t in_recorded;             /* bytes of it in the journal */
    struct list out;                /* struct msg */
    uint32_t out_sent;              /* bytes of the first that are gone */
    size_t out_bytes, event_bytes;
    unsigned int replies;           /* messages in out that are no events */
    struct hash events;             /* those in out, by path and token */

    struct list watches;            /* struct watch.by_owner */
    unsigned int nr_watches;
    struct list txns;
    unsigned int nr_txns;
    uint32_t last_txn;

    /* CONN_RING */
    struct xenstore_domain_interface *ring;     /* NULL: not attached */
    struct xc_evtchn *ev;
    uint64_t mfn;
    uint32_t port;                  /* the other end's */
    uint32_t req_cons, rsp_prod;    /* ours; the ring has copies */

    /* CONN_SOCKET */
    int fd;

    sd_event_source *io;            /* of the channel, or of the socket */

    uint64_t complained[COMPLAIN_NR];   /* when, in microseconds */
};

struct store {
    struct store_params params;
    struct tree live;
    unsigned int *owned;            /* nodes by owner's domid */
    unsigned int nr_nodes;
    struct watches watches;
    struct hash domains;            /* ring connections by domid */
    struct list conns, dirty, runnable;
    struct conn *local;
    struct list local_events;       /* for the daemon's own watches */
    struct hash local_waiting;      /* the same, to join identical ones */
    uint64_t last_token;
    struct list misses;             /* struct store_miss */
    struct journal journal;
    uint32_t epoch;
    bool replaying;                 /* nothing is recorded, nothing fires */

    /* the journal being written anew */
    bool rewriting;
    struct tree_walk walk;
    struct buf rewrite_conns;       /* records of connections, for the end */
    uint64_t rewrite_at;            /* start when it is this long */
    uint64_t retry_at;              /* not before, after a failure (us) */
    uint64_t compactions;

    sd_event_source *later;         /* runnable conns, local events */
    sd_event_source *rewriter;
    struct listener {
        struct store *s;
        sd_event_source *io;
        bool read_only;
    } listener[2];
};

/* ---- access.c ---- */

/*
 * All take the connection for which they act and its transaction (NULL: the
 * live tree), check rights and quotas, record and fire.  Valid absolute paths.
 */
int access_find(struct conn *c, struct txn *t, const char *path,
                unsigned int need, unsigned int touch,
                const struct node **ret_node);
int access_write(struct conn *c, struct txn *t, const char *path,
                 const void *data, size_t len);
int access_mkdir(struct conn *c, struct txn *t, const char *path);
int access_rm(struct conn *c, struct txn *t, const char *path);
int access_set_perms(struct conn *c, struct txn *t, const char *path,
                     const struct perm *p, unsigned int count);

/* Start; the id is unlike any other open one of c.  End: -EAGAIN, -ENOSPC. */
int access_txn_begin(struct conn *c, struct txn **ret_t);
int access_txn_commit(struct conn *c, struct txn *t);
void access_txn_end(struct conn *c, struct txn *t);

/* Watches; path may be special.  The first event is the caller's to send. */
int access_watch(struct conn *c, const char *path, const char *token,
                 bool relative);
int access_unwatch(struct conn *c, const char *path, const char *token);
struct watch *access_find_watch(struct conn *c, const char *path,
                                const char *token);
void access_fire_special(struct store *s, const char *name);

/* ---- store_op.c ---- */

/* Execute the whole request at msg and queue its reply. */
void op_execute(struct conn *c, char *msg);

/* ---- queue.c ---- */

struct conn *conn_new(struct store *s, enum conn_kind kind,
                      unsigned int domid);
/* End it, and all it has, without a word in the journal. */
void conn_free(struct conn *c);
/* Drop its watches and transactions. */
void conn_clear(struct conn *c);
/* Drop input and output under way. */
void conn_drop_io(struct conn *c);
/* Take n bytes of output as delivered. */
void conn_sent(struct conn *c, size_t n);
struct conn *conn_of_domain(struct store *s, unsigned int domid);

void conn_queue(struct conn *c, const void *data, size_t len, bool event);
void conn_event(struct conn *c, struct watch *w, const char *path);

void conn_mark_dirty(struct conn *c);
/* May it have another request executed, or must output go first? */
bool conn_ready(struct conn *c);

/* A quota is exceeded, or worse: tell dom0's log, once a minute at most. */
void conn_complain(struct conn *c, enum complaint what);

/* ---- conn.c ---- */

/* Execute what has come in, some of it; more is left to a later turn. */
void conn_run(struct conn *c);
/* Show what is on record: req_cons, output, notification. */
void conn_flush(struct conn *c);

/*
 * Map and bind a connection's ring.  A fresh one starts where the ring is,
 * else it carries on from what the journal knows.
 */
int ring_attach(struct conn *c, bool fresh);
void ring_detach(struct conn *c);

/* As store_introduce and store_release, without the end of a turn. */
int conn_introduce(struct store *s, unsigned int domid, uint64_t mfn,
                   unsigned int port);
int conn_release(struct store *s, unsigned int domid);

/* ---- socket.c ---- */

int listeners_create(struct store *s);
void listeners_destroy(struct store *s);
/* Send what is queued; the connection may be gone afterwards. */
void socket_flush(struct conn *c);

/* ---- state.c ---- */

int state_load(struct store *s);
/* Write the whole journal anew at once. */
int state_rewrite_now(struct store *s);
/* Begin to, or do a slice of it: 1 more to do, 0 done, -errno. */
int state_rewrite_begin(struct store *s);
int state_rewrite_step(struct store *s);
void state_rewrite_abort(struct store *s);

/* Add a record unless replaying; strings without their length. */
void state_record(struct store *s, const struct record *r);
void state_record_conn(struct conn *c);
void state_record_set(struct store *s, const struct conn *c,
                      const struct txn *t, const char *path,
                      const struct value *value, const struct perms *perms);
void state_record_path(struct store *s, enum record_type type,
                       const struct conn *c, const struct txn *t,
                       const char *path);
/* Is this connection's state on record? */
static inline bool conn_recorded(const struct conn *c)
{
    return c->kind == CONN_RING;
}

/* ---- store.c ---- */

/* End of a turn: commit, then show. */
void store_settle(struct store *s);
void store_wake(struct store *s);
uint64_t store_now(const struct store *s);

/* ---- local.c ---- */

void local_init(struct store *s);
void local_fini(struct store *s);       /* not its connection */
void local_event(struct store *s, struct watch *w, const char *path);
/* Deliver what waits now; what is added meanwhile, in the next turn. */
void local_run(struct store *s);
/* A domain has asked for a node that is not there. */
void local_missed(struct store *s, unsigned int domid, const char *path);

#endif
