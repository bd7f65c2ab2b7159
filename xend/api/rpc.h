/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Requests: dispatch by table.  The dispatcher does lookup, rights, parameters
 * and the log; a method gets checked values and sets a result or an error.
 */
#ifndef XEND_API_RPC_H
#define XEND_API_RPC_H

#include <stdbool.h>
#include <stddef.h>

#include "util/err.h"
#include "util/field.h"
#include "util/list.h"
#include "util/strlist.h"

struct conn;
struct domain_wait;
struct json_object;
struct rpc_method;
struct xend;

enum rpc_right { RIGHT_READ, RIGHT_ADMIN };

/* One request, from its line to its answer. */
struct rpc_call {
    struct xend *x;
    struct conn *conn;
    const struct rpc_method *method;
    struct json_object *id;     /* NULL: nobody waits for an answer */
    void *args;                 /* what the method's fields describe */
    struct json_object *result; /* the answer; NULL: an empty object */
    struct strlist warnings;    /* go with an answer of either kind */
    struct err err;
    bool running;               /* its method has not returned yet */
    bool deferred;              /* rpc_finish comes later */
    struct domain_wait *wait;   /* what a deferred one waits for */
    void *job;                  /* or this, which abandon ends */
    void (*abandon)(void *job);
    struct rpc_ticket *ticket;  /* or for whose end */
    struct list link;           /* struct conn.calls, while deferred */
};

struct rpc_method {
    const char *name;
    enum rpc_right right;
    const struct field *fields; /* NULL: no parameters */
    size_t size;                /* of the struct that they describe */
    /* 0 with call->result, or deferred; or -errno with call->err. */
    int (*fn)(struct rpc_call *call);
};

/* Each ends with a row whose name is NULL. */
extern const struct rpc_method domain_methods[], device_methods[],
                               save_methods[],
                               vcpu_methods[], host_methods[],
                               top_methods[], event_methods[];

/* Handle one line that came on c. */
void rpc_handle(struct conn *c, const char *line, size_t len);

/* Answer something that is no request at all. */
void rpc_refuse(struct conn *c, const char *why);

/* Answer a deferred call by its result or err, and free it. */
void rpc_finish(struct rpc_call *call);

/*
 * Defer call for something that cannot be stopped and ends with
 * rpc_ticket_end(), once: the answer, if the client is still there.
 */
struct rpc_ticket *rpc_ticket(struct rpc_call *call);
void rpc_ticket_end(struct rpc_ticket *t, const struct err *err);

/* The connection goes: forget its deferred calls. */
void rpc_drop_calls(struct conn *c);

#endif
