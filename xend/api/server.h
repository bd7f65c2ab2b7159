/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The JSON socket: JSON-RPC 2.0, one object a line, on a UNIX stream socket.
 *
 * A peer is known by its credentials: root may do everything, others who can
 * open the socket may look.  A request is answered at once or later, in any
 * order; a connection that does not read its answers is closed.
 */
#ifndef XEND_API_SERVER_H
#define XEND_API_SERVER_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "util/buf.h"
#include "util/err.h"
#include "util/list.h"

struct api;
struct domain;
struct json_object;
struct sd_event_source;
struct xend;

struct conn {
    struct xend *x;
    int fd;
    struct sd_event_source *source;
    struct buf in, out;
    struct list link;           /* struct api.conns */
    struct list calls;          /* requests that are not answered yet */
    pid_t pid;
    uid_t uid;
    bool subscribed;            /* wants events */
    bool closing;               /* close when out has been sent */
};

/*
 * Listen: on the socket that a service manager passed, or at path, where a
 * left-over one is replaced.
 */
int api_create(struct xend *x, const char *path, struct api **ret_api,
               struct err *err);
void api_destroy(struct api *api);

/* Send one line. */
void conn_send(struct conn *c, struct json_object *obj);

/*
 * Send what is queued and give the socket away; the connection is forgotten
 * when the current request has been handled.  -EAGAIN: the peer does not read.
 */
int conn_detach(struct conn *c, int *ret_fd);

/* Tell subscribers that what ("state", "renamed", "gone") happened to d. */
void event_notify(struct xend *x, const struct domain *d, const char *what);

/* Call fn for each connection; api_event's. */
void api_each_conn(struct api *api, void (*fn)(struct conn *c, void *ctx),
                   void *ctx);

#endif
