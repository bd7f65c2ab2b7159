/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Events: notifications on the sockets of those who asked for them. */
#include <json-c/json.h>

#include "api/rpc.h"
#include "api/server.h"
#include "domain/domain.h"
#include "util/json.h"
#include "xend.h"

static void send_to(struct conn *c, void *ctx)
{
    if (c->subscribed)
        conn_send(c, ctx);
}

void event_notify(struct xend *x, const struct domain *d, const char *what)
{
    struct json_object *o, *p;

    if (!x->api)
        return;
    o = json_object_new_object();
    p = json_object_new_object();
    json_add_str(p, "event", what);
    json_add_str(p, "name", d->config->name);
    json_add_str(p, "uuid", d->uuid);
    if (d->domid != NO_DOMID)
        json_add_int(p, "domid", d->domid);
    json_add_str(p, "state", life_word(d->state));
    if (d->state == LIFE_ENDED)
        json_add_str(p, "reason", life_reason_word(d->reason));
    json_add_str(o, "jsonrpc", "2.0");
    json_add_str(o, "method", "event");
    json_object_object_add(o, "params", p);
    api_each_conn(x->api, send_to, o);
    json_object_put(o);
}

static int api_subscribe(struct rpc_call *call)
{
    call->conn->subscribed = true;
    return 0;
}

const struct rpc_method event_methods[] = {
    { "event.subscribe", RIGHT_READ, NULL, 0, api_subscribe },
    { NULL, 0, NULL, 0, NULL }
};
