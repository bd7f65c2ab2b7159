/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stdio.h>
#include <string.h>

#include "store/private.h"
#include "util/cleanup.h"
#include "util/log.h"

/* So that a token and the longest path fit into one event. */
#define TOKEN_MAX (XENSTORE_PAYLOAD_MAX - XENSTORE_ABS_PATH_MAX - 2)

/* One request under execution. */
struct call {
    struct conn *c;
    struct store *s;
    struct txn *t;
    struct xsd_sockmsg hdr;
    char *payload;
    size_t len;
    char *arg[3];
    char *rest;                     /* what follows the last argument */
    char path[XENSTORE_ABS_PATH_MAX + 1];       /* arg[0] made absolute */
};

/*
 * A reply's payload.  Longer ones than the protocol has room for become
 * E2BIG, which clients answer with DIRECTORY_PART.
 */
static int reply(struct call *call, const void *data, size_t len)
{
    struct xsd_sockmsg hdr = call->hdr;
    char msg[sizeof(hdr) + XENSTORE_PAYLOAD_MAX];

    if (len > XENSTORE_PAYLOAD_MAX)
        return -E2BIG;
    hdr.len = len;
    memcpy(msg, &hdr, sizeof(hdr));
    if (len)
        memcpy(msg + sizeof(hdr), data, len);
    conn_queue(call->c, msg, sizeof(hdr) + len, false);
    return 0;
}

static int reply_string(struct call *call, const char *s)
{
    return reply(call, s, strlen(s) + 1);
}

static int reply_ok(struct call *call)
{
    return reply_string(call, "OK");
}

static int ok(struct call *call, int rc)
{
    return rc ? rc : reply_ok(call);
}

static int op_directory(struct call *call)
{
    _cleanup_free_ char *names = NULL;
    const struct node *n;
    size_t len;
    int rc;

    rc = access_find(call->c, call->t, call->path, ACCESS_READ,
                     TOUCH_READ | TOUCH_LIST, &n);
    if (rc)
        return rc;
    len = tree_list(n, NULL);
    names = xmalloc(len + 1);
    tree_list(n, names);
    return reply(call, names, len);
}

/* "generation", then names from a byte offset on; an empty one ends the list */
static int op_directory_part(struct call *call)
{
    _cleanup_free_ char *names = NULL;
    char data[XENSTORE_PAYLOAD_MAX];
    const struct node *n;
    size_t len, part, at;
    uint64_t offset;
    int rc;

    if (wire_number(call->arg[1], UINT32_MAX, &offset))
        return -EINVAL;
    rc = access_find(call->c, call->t, call->path, ACCESS_READ,
                     TOUCH_READ | TOUCH_LIST, &n);
    if (rc)
        return rc;
    len = tree_list(n, NULL);
    names = xmalloc(len + 1);
    tree_list(n, names);
    names[len++] = 0;
    at = snprintf(data, sizeof(data), "%llu",
                  (unsigned long long)n->child_gen) + 1;
    if (offset >= len)
        offset = len - 1;
    part = len - offset;
    if (part > sizeof(data) - at) {
        part = sizeof(data) - at;
        while (part && names[offset + part - 1])
            part--;                     /* whole names only */
    }
    memcpy(data + at, names + offset, part);
    return reply(call, data, at + part);
}

static int op_read(struct call *call)
{
    const struct node *n;
    int rc = access_find(call->c, call->t, call->path, ACCESS_READ,
                         TOUCH_READ, &n);

    return rc ? rc : reply(call, n->value->data, n->value->len);
}

static int op_write(struct call *call)
{
    return ok(call, access_write(call->c, call->t, call->path, call->rest,
                                 call->payload + call->len - call->rest));
}

static int op_mkdir(struct call *call)
{
    return ok(call, access_mkdir(call->c, call->t, call->path));
}

static int op_rm(struct call *call)
{
    return ok(call, access_rm(call->c, call->t, call->path));
}

static int op_get_perms(struct call *call)
{
    char data[WIRE_PERMS_MAX * WIRE_PERM_MAX];
    const struct node *n;
    size_t len = 0;
    int rc;

    rc = access_find(call->c, call->t, call->path, ACCESS_READ, TOUCH_READ,
                     &n);
    if (rc)
        return rc;
    for (unsigned int i = 0; i < n->perms->count; i++)
        len += wire_format_perm(&n->perms->p[i], data + len);
    return reply(call, data, len);
}

static int op_set_perms(struct call *call)
{
    struct perm p[WIRE_PERMS_MAX];
    char *s[WIRE_PERMS_MAX];
    int nr;

    nr = wire_strings(call->rest, call->payload + call->len - call->rest, s,
                      WIRE_PERMS_MAX, NULL);
    if (nr < 1)
        return -EINVAL;
    for (int i = 0; i < nr; i++)
        if (wire_parse_perm(s[i], &p[i]))
            return -EINVAL;
    return ok(call, access_set_perms(call->c, call->t, call->path, p, nr));
}

static int op_watch(struct call *call)
{
    char *sent = call->arg[0], *token = call->arg[1];
    struct watch *w;
    int rc;

    if (strlen(token) > TOKEN_MAX)
        return -EINVAL;
    rc = access_watch(call->c, call->path, token,
                      *sent != '/' && *sent != '@');
    if (rc)
        return rc;
    reply_ok(call);
    w = access_find_watch(call->c, call->path, token);
    conn_event(call->c, w, call->path + w->relative);
    return 0;
}

static int op_unwatch(struct call *call)
{
    return ok(call, access_unwatch(call->c, call->path, call->arg[1]));
}

static int op_transaction_start(struct call *call)
{
    struct txn *t;
    char id[16];
    int rc;

    if (call->t)
        return -EBUSY;
    rc = access_txn_begin(call->c, &t);
    if (rc)
        return rc;
    snprintf(id, sizeof(id), "%u", t->id);
    return reply_string(call, id);
}

static int op_transaction_end(struct call *call)
{
    if (!call->t)
        return -ENOENT;
    if (streq(call->arg[0], "T"))
        return ok(call, access_txn_commit(call->c, call->t));
    if (!streq(call->arg[0], "F"))
        return -EINVAL;
    access_txn_end(call->c, call->t);
    return reply_ok(call);
}

static int arg_domid(struct call *call, unsigned int *ret_domid)
{
    uint64_t v;

    /* DOMID_FIRST_RESERVED: what is above names no domain. */
    if (wire_number(call->arg[0], 0x7fef, &v))
        return -EINVAL;
    *ret_domid = v;
    return 0;
}

static int op_introduce(struct call *call)
{
    unsigned int domid;
    uint64_t mfn, port;

    if (arg_domid(call, &domid) ||
        wire_number(call->arg[1], UINT64_MAX, &mfn) ||
        wire_number(call->arg[2], UINT32_MAX, &port) || !domid)
        return -EINVAL;
    return ok(call, conn_introduce(call->s, domid, mfn, port));
}

static int op_release(struct call *call)
{
    unsigned int domid;

    if (arg_domid(call, &domid) || !domid)
        return -EINVAL;
    return ok(call, conn_release(call->s, domid));
}

/* Domain states are the daemon's business, not the store's. */
static int op_resume(struct call *call)
{
    unsigned int domid;

    if (arg_domid(call, &domid) || !domid)
        return -EINVAL;
    return ok(call, conn_of_domain(call->s, domid) ? 0 : -ENOENT);
}

static int op_is_introduced(struct call *call)
{
    unsigned int domid;

    if (arg_domid(call, &domid))
        return -EINVAL;
    return reply_string(call, store_is_introduced(call->s, domid) ? "T" : "F");
}

static int op_get_domain_path(struct call *call)
{
    char home[WIRE_HOME_MAX];
    unsigned int domid;

    if (arg_domid(call, &domid))
        return -EINVAL;
    wire_home(domid, home);
    return reply_string(call, home);
}

static int op_reset_watches(struct call *call)
{
    conn_clear(call->c);
    return reply_ok(call);
}

static int op_control(struct call *call)
{
    const struct store_quota *q = &call->s->params.quota;
    char text[512];

    if (!call->len || call->payload[call->len - 1])
        return -EINVAL;
    if (streq(call->payload, "help"))
        return reply_string(call, "help\ncheck\nquota\n");
    if (streq(call->payload, "check"))
        return reply_ok(call);
    if (!streq(call->payload, "quota"))
        return -EINVAL;
    snprintf(text, sizeof(text),
             "nodes: %u\nwatches: %u\ntransactions: %u\nsize: %u\n"
             "transaction-nodes: %u\npermissions: %u\noutstanding: %u\n",
             q->nodes, q->watches, q->transactions, q->value, q->tx_nodes,
             q->perms, q->outstanding);
    return reply_string(call, text);
}

static int op_refuse(struct call *call)
{
    (void)call;
    return -ENOSYS;
}

#define OP_PATH    1u               /* the first argument is a path */
#define OP_SPECIAL 2u               /* "@name" will do, too */
#define OP_REST    4u               /* bytes may follow the arguments */
#define OP_CHANGE  8u               /* not for read-only connections */
#define OP_DOM0    16u              /* domain 0 alone */

static const struct op {
    int (*fn)(struct call *call);
    unsigned int args, flags;
} ops[XS_TYPE_COUNT] = {
    [XS_CONTROL]        = { op_control, 0, OP_REST | OP_DOM0 },
    [XS_DIRECTORY]      = { op_directory, 1, OP_PATH },
    [XS_READ]           = { op_read, 1, OP_PATH },
    [XS_GET_PERMS]      = { op_get_perms, 1, OP_PATH },
    [XS_WATCH]          = { op_watch, 2, OP_PATH | OP_SPECIAL },
    [XS_UNWATCH]        = { op_unwatch, 2, OP_PATH | OP_SPECIAL },
    [XS_TRANSACTION_START] = { op_transaction_start, 0, OP_REST },
    [XS_TRANSACTION_END] = { op_transaction_end, 1, 0 },
    [XS_INTRODUCE]      = { op_introduce, 3, OP_DOM0 | OP_CHANGE },
    [XS_RELEASE]        = { op_release, 1, OP_DOM0 | OP_CHANGE },
    [XS_GET_DOMAIN_PATH] = { op_get_domain_path, 1, 0 },
    [XS_WRITE]          = { op_write, 1, OP_PATH | OP_REST | OP_CHANGE },
    [XS_MKDIR]          = { op_mkdir, 1, OP_PATH | OP_CHANGE },
    [XS_RM]             = { op_rm, 1, OP_PATH | OP_CHANGE },
    [XS_SET_PERMS]      = { op_set_perms, 1, OP_PATH | OP_REST | OP_CHANGE },
    [XS_IS_DOMAIN_INTRODUCED] = { op_is_introduced, 1, 0 },
    [XS_RESUME]         = { op_resume, 1, OP_DOM0 | OP_CHANGE },
    [XS_SET_TARGET]     = { op_refuse, 0, OP_REST },
    [XS_RESET_WATCHES]  = { op_reset_watches, 0, OP_REST },
    [XS_DIRECTORY_PART] = { op_directory_part, 2, OP_PATH },
};

static struct txn *find_txn(struct conn *c, uint32_t id)
{
    struct txn *t;

    list_for_each(t, &c->txns, link)
        if (t->id == id)
            return t;
    return NULL;
}

/* Check all that the table says, then act. */
static int execute(struct call *call, const struct op *op)
{
    struct conn *c = call->c;
    int nr;

    if (!op->fn)
        return -ENOSYS;
    if ((op->flags & OP_DOM0) && c->domid)
        return -EACCES;
    if ((op->flags & OP_CHANGE) && c->read_only)
        return -EROFS;
    if (call->hdr.tx_id) {
        call->t = find_txn(c, call->hdr.tx_id);
        if (!call->t)
            return -ENOENT;
    }
    nr = wire_strings(call->payload, call->len, call->arg, op->args,
                      op->flags & OP_REST ? &call->rest : NULL);
    if (nr < (int)op->args)
        return -EINVAL;
    if ((op->flags & OP_PATH) &&
        wire_path(call->arg[0], c->domid, op->flags & OP_SPECIAL, call->path))
        return -EINVAL;
    return op->fn(call);
}

void op_execute(struct conn *c, char *msg)
{
    static const struct op none;
    struct call call = { .c = c, .s = c->s };
    const char *name;
    int rc;

    memcpy(&call.hdr, msg, sizeof(call.hdr));
    call.payload = msg + sizeof(call.hdr);
    call.len = call.hdr.len;
    rc = execute(&call, call.hdr.type < XS_TYPE_COUNT ? &ops[call.hdr.type] :
                        &none);
    if (rc == -ENOENT)
        local_missed(c->s, c->domid, call.path);
    if (rc) {
        log_debug("xenstore: domain %u: request %u: %s", c->domid,
                  call.hdr.type, wire_error(-rc));
        name = wire_error(-rc);
        call.hdr.type = XS_ERROR;
        reply_string(&call, name);
    }
}
