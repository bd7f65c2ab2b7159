/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <json-c/json.h>

#include "api/args.h"
#include "api/rpc.h"
#include "api/server.h"
#include "domain/domain.h"
#include "util/cleanup.h"
#include "util/json.h"
#include "util/log.h"

/* Codes of the JSON-RPC 2.0 specification; ours is for refused requests. */
enum {
    CODE_PARSE = -32700,
    CODE_REQUEST = -32600,
    CODE_METHOD = -32601,
    CODE_PARAMS = -32602,
    CODE_REFUSED = -32000,
};

static const struct rpc_method *const tables[] = {
    domain_methods, device_methods, save_methods, vcpu_methods, host_methods,
    top_methods, event_methods,
};

static const struct rpc_method *find_method(const char *name)
{
    const struct rpc_method *m;

    for (size_t i = 0; i < sizeof(tables) / sizeof(tables[0]); i++)
        for (m = tables[i]; m->name; m++)
            if (streq(m->name, name))
                return m;
    return NULL;
}

static struct json_object *answer(struct json_object *id)
{
    struct json_object *o = json_object_new_object();

    json_add_str(o, "jsonrpc", "2.0");
    json_object_object_add(o, "id", json_object_get(id));
    return o;
}

static void send_error(struct conn *c, struct json_object *id, int code,
                       const struct err *err, const struct strlist *warnings)
{
    struct json_object *o = answer(id), *e = json_object_new_object();
    struct json_object *data = json_object_new_object(), *list;

    json_add_int(e, "code", code);
    json_add_str(e, "message", err->text);
    json_add_str(data, "errno", err->rc ? strerrorname_np(-err->rc) : NULL);
    if (warnings && warnings->nr) {
        list = json_object_new_array();
        for (unsigned int i = 0; i < warnings->nr; i++)
            json_object_array_add(list,
                                  json_object_new_string(warnings->item[i]));
        json_object_object_add(data, "warnings", list);
    }
    json_object_object_add(e, "data", data);
    json_object_object_add(o, "error", e);
    conn_send(c, o);
    json_object_put(o);
}

static void send_result(struct rpc_call *call)
{
    struct json_object *o = answer(call->id), *list;

    if (!call->result)
        call->result = json_object_new_object();
    if (call->warnings.nr) {
        list = json_object_new_array();
        for (unsigned int i = 0; i < call->warnings.nr; i++)
            json_object_array_add(list, json_object_new_string(
                call->warnings.item[i]));
        json_object_object_add(call->result, "warnings", list);
    }
    json_object_object_add(o, "result", json_object_get(call->result));
    conn_send(call->conn, o);
    json_object_put(o);
}

static void call_free(struct rpc_call *call)
{
    list_del(&call->link);
    if (call->args)
        fields_fini(call->method->fields, call->args);
    free(call->args);
    strlist_fini(&call->warnings);
    json_object_put(call->result);
    json_object_put(call->id);
    free(call);
}

void rpc_finish(struct rpc_call *call)
{
    if (call->err.rc)
        log_info("%s for pid %d: %s", call->method->name,
                 (int)call->conn->pid, call->err.text);
    if (call->id && call->err.rc)
        send_error(call->conn, call->id, CODE_REFUSED, &call->err,
                   &call->warnings);
    else if (call->id)
        send_result(call);
    call_free(call);
}

struct rpc_ticket {
    struct rpc_call *call;      /* NULL: nobody waits any more */
};

struct rpc_ticket *rpc_ticket(struct rpc_call *call)
{
    struct rpc_ticket *t = xcalloc(1, sizeof(*t));

    t->call = call;
    call->ticket = t;
    call->deferred = true;
    return t;
}

void rpc_ticket_end(struct rpc_ticket *t, const struct err *err)
{
    struct rpc_call *call = t->call;

    free(t);
    if (!call)
        return;
    call->ticket = NULL;
    call->err = *err;
    if (call->running)
        call->deferred = false;         /* run() answers */
    else
        rpc_finish(call);
}

void rpc_drop_calls(struct conn *c)
{
    struct rpc_call *call, *tmp;

    list_for_each_safe(call, tmp, &c->calls, link) {
        if (call->wait)
            domain_unwait(call->wait);
        if (call->job)
            call->abandon(call->job);
        if (call->ticket)
            call->ticket->call = NULL;
        call_free(call);
    }
}

void rpc_refuse(struct conn *c, const char *why)
{
    struct err err = ERR_INIT;

    err_set(&err, -EINVAL, "%s", why);
    send_error(c, NULL, CODE_REQUEST, &err, NULL);
}

/* What the log shows of the parameters: the domain, if there is one. */
static const char *subject(struct json_object *params)
{
    const char *domain = params ? json_get_str(params, "domain") : NULL;

    return domain ? domain : "";
}

/* 0, or the code of the error in call->err. */
static int prepare(struct rpc_call *call, struct json_object *params)
{
    const struct rpc_method *m = call->method;
    char *why = NULL;

    if (m->right == RIGHT_ADMIN && call->conn->uid != 0) {
        err_set(&call->err, -EPERM, "only root may call %s", m->name);
        return CODE_REFUSED;
    }
    if (m->size)
        call->args = xcalloc(1, m->size);
    fields_init(m->fields, call->args);
    if (!fields_read(m->fields, params, call->args, &why))
        return 0;
    err_set(&call->err, -EINVAL, "%s: %s", m->name, why);
    free(why);
    return CODE_PARAMS;
}

static void run(struct conn *c, const struct rpc_method *m,
                struct json_object *id, struct json_object *params)
{
    struct rpc_call *call = xcalloc(1, sizeof(*call));
    int code;

    *call = (struct rpc_call){ .x = c->x, .conn = c, .method = m,
                               .id = json_object_get(id) };
    list_init(&call->link);
    log_line(m->right == RIGHT_READ ? LOG_DEBUG : LOG_INFO,
             "pid %d uid %d: %s %s", (int)c->pid, (int)c->uid, m->name,
             subject(params));
    code = prepare(call, params);
    if (code) {
        if (id)
            send_error(c, id, code, &call->err, NULL);
        call_free(call);
        return;
    }
    list_add_tail(&c->calls, &call->link);
    call->running = true;
    code = m->fn(call);
    call->running = false;
    if (code || !call->deferred)
        rpc_finish(call);
}

void rpc_handle(struct conn *c, const char *line, size_t len)
{
    struct json_object *req, *id = NULL, *params = NULL;
    const char *name;
    const struct rpc_method *m;
    struct err err = ERR_INIT;

    if (!len)
        return;
    req = json_tokener_parse(line);
    if (!req) {
        err_set(&err, -EINVAL, "not JSON: one request a line");
        send_error(c, NULL, CODE_PARSE, &err, NULL);
        return;
    }
    name = json_object_is_type(req, json_type_object) ?
           json_get_str(req, "method") : NULL;
    if (!name) {
        rpc_refuse(c, "not a request: an object with a method is expected");
        json_object_put(req);
        return;
    }
    json_object_object_get_ex(req, "id", &id);
    json_object_object_get_ex(req, "params", &params);
    m = find_method(name);
    if (m) {
        run(c, m, id, params);
    } else {
        err_set(&err, -ENOSYS, "there is no method \"%.100s\"", name);
        send_error(c, id, CODE_METHOD, &err, NULL);
    }
    json_object_put(req);
}

const struct field target_fields[] = {
    STRING(target_args, domain, true), END
};

struct domain *rpc_target(struct rpc_call *call)
{
    const char *name = ((struct target_args *)call->args)->domain;
    struct domain *d = domain_find(call->x, name);

    if (!d)
        err_set(&call->err, -ENOENT, "%s is an invalid domain identifier",
                name);
    return d;
}
