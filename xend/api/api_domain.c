/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Methods about one domain, and the list of them. */
#include <errno.h>
#include <json-c/json.h>
#include <stdint.h>

#include "api/args.h"
#include "api/rpc.h"
#include "api/server.h"
#include "config/config.h"
#include "console/console.h"
#include "domain/domain.h"
#include "host/host.h"
#include "util/cleanup.h"
#include "util/json.h"
#include "xend.h"

#define SCHEMA 1                /* of the listings; see xend-api(7) */

static void on_wait(void *ctx, const struct err *err)
{
    struct rpc_call *call = ctx;

    call->wait = NULL;          /* it is being woken: not ours to cancel */
    call->err = *err;
    rpc_finish(call);
}

static void defer(struct rpc_call *call, struct domain *d,
                  enum domain_until until)
{
    call->deferred = true;
    call->wait = domain_wait(d, until, on_wait, call);
}

struct create_args {
    char *format, *text, *path, *dir;
    struct strlist overrides;
    struct json_object *config;
    bool paused, dry_run;
};

static const struct field create_fields[] = {
    STRING(create_args, format, true), STRING(create_args, text, false),
    STRING(create_args, path, false), STRING(create_args, dir, false),
    STRINGS(create_args, overrides),
    { "config", FIELD_JSON, offsetof(struct create_args, config), false, 0, 0,
      0, NULL },
    BOOL(create_args, paused), BOOL(create_args, dry_run), END
};

static int parse_xl(const struct config_text *t, struct config_report *r,
                    struct domain_config **ret_c)
{
    unsigned int nr = t->overrides ? t->overrides->nr : 0;
    _cleanup_free_ struct config_source *src = xcalloc(nr + 1, sizeof(*src));

    if (!t->text)
        return config_error(r, "format \"xl\" needs the file's text");
    src[0] = (struct config_source){ t->path ? t->path : "config", t->text };
    for (unsigned int i = 0; i < nr; i++)
        src[i + 1] = (struct config_source){ "command line",
                                             t->overrides->item[i] };
    return config_parse_xl(src, nr + 1, t->dir, r, ret_c);
}

struct domain_config *rpc_config(struct rpc_call *call,
                                 const struct config_text *t)
{
    struct config_report r = { 0 };
    struct domain_config *c = NULL;
    int rc;

    if (streq(t->format, "xl"))
        rc = parse_xl(t, &r, &c);
    else if (streq(t->format, "json"))
        rc = config_from_json(t->json, &r, &c);
    else
        rc = config_error(&r, "format must be \"xl\" or \"json\"");
    if (!rc)
        rc = config_check(c, t->path ? t->path : "config", &r);
    if (rc) {
        err_set(&call->err, rc, "%s", r.error);
        config_free(c);
        c = NULL;
    }
    call->warnings = r.warnings;
    r.warnings = (struct strlist){ NULL, 0 };
    config_report_fini(&r);
    return c;
}

static void created(void *ctx, const struct err *err)
{
    struct rpc_call *call = ctx;
    struct domain *d = domain_by_uuid(call->x,
                                      json_get_str(call->result, "uuid"));

    if (d)
        json_add_int(call->result, "domid", d->domid);
    on_wait(ctx, err);
}

static int api_create_domain(struct rpc_call *call)
{
    const struct create_args *a = call->args;
    const struct config_text text = { a->format, a->text, a->path, a->dir,
                                      &a->overrides, a->config };
    struct domain_config *c = rpc_config(call, &text);
    struct domain *d;

    if (!c)
        return call->err.rc;
    call->result = json_object_new_object();
    if (a->dry_run) {
        json_object_object_add(call->result, "config", config_to_json(c));
        config_free(c);
        return 0;
    }
    if (domain_create(call->x, c, a->paused, &d, &call->err))
        return call->err.rc;
    json_add_str(call->result, "name", d->config->name);
    json_add_str(call->result, "uuid", d->uuid);
    call->deferred = true;
    call->wait = domain_wait(d, UNTIL_STARTED, created, call);
    return 0;
}

struct update_args {
    char *domain, *format, *text, *path, *dir;
    struct strlist overrides;
    struct json_object *config;
    bool dry_run;
};

static const struct field update_fields[] = {
    STRING(update_args, domain, true), STRING(update_args, format, true),
    STRING(update_args, text, false), STRING(update_args, path, false),
    STRING(update_args, dir, false), STRINGS(update_args, overrides),
    { "config", FIELD_JSON, offsetof(struct update_args, config), false, 0, 0,
      0, NULL },
    BOOL(update_args, dry_run), END
};

static int api_update_config(struct rpc_call *call)
{
    const struct update_args *a = call->args;
    const struct config_text text = { a->format, a->text, a->path, a->dir,
                                      &a->overrides, a->config };
    struct domain *d = rpc_target(call);
    struct domain_config *c = d ? rpc_config(call, &text) : NULL;

    if (!c)
        return call->err.rc;
    call->result = json_object_new_object();
    json_object_object_add(call->result, "config", config_to_json(c));
    if (!a->dry_run)
        return domain_update(d, c, &call->err);
    config_free(c);
    return 0;
}

struct json_object *rpc_status(const struct domain_status *s, bool config)
{
    struct json_object *o = json_object_new_object();

    json_add_int(o, "domid", s->domid);
    json_add_str(o, "name", s->name);
    json_add_str(o, "uuid", s->uuid);
    json_add_int(o, "memory_kb", s->memory_kb);
    if (s->maxmem_kb <= INT64_MAX / 2)
        json_add_int(o, "maxmem_kb", s->maxmem_kb);
    json_add_int(o, "vcpus", s->vcpus);
    json_add_int(o, "max_vcpus", s->max_vcpus);
    json_add_int(o, "cpu_time_ns", s->cpu_time_ns);
    json_add_str(o, "state", life_word(s->state));
    json_add_bool(o, "running", s->running);
    json_add_bool(o, "blocked", s->blocked);
    json_add_bool(o, "paused", s->paused);
    json_add_bool(o, "shutdown", s->shutdown);
    json_add_bool(o, "dying", s->dying);
    if (s->shutdown)
        json_add_str(o, "reason", life_reason_word(s->reason));
    if (s->uptime >= 0)
        json_add_int(o, "uptime", s->uptime);
    if (s->percent >= 0)
        json_add_int(o, "percent", s->percent);
    if (config && s->config)
        json_object_object_add(o, "config", config_to_json(s->config));
    return o;
}

struct list_args {
    struct strlist domains;
    bool config;
};

static const struct field list_fields[] = {
    STRINGS(list_args, domains), BOOL(list_args, config), END
};

static int list_some(struct rpc_call *call, struct json_object *list)
{
    const struct list_args *a = call->args;

    for (unsigned int i = 0; i < a->domains.nr; i++) {
        struct domain *d = domain_find(call->x, a->domains.item[i]);
        struct domain_status s;

        if (!d || domain_status(d, &s))
            return err_set(&call->err, -ENOENT, "%s is an invalid domain "
                           "identifier", a->domains.item[i]);
        json_object_array_add(list, rpc_status(&s, a->config));
    }
    return 0;
}

static int api_list(struct rpc_call *call)
{
    const struct list_args *a = call->args;
    _cleanup_free_ struct domain_status *all = NULL;
    struct json_object *list = json_object_new_array();
    unsigned int nr = 0;
    int rc;

    call->result = json_object_new_object();
    json_add_int(call->result, "version", SCHEMA);
    json_object_object_add(call->result, "domains", list);
    if (a->domains.nr)
        return list_some(call, list);
    rc = domains_status(call->x, &all, &nr);
    if (rc)
        return err_sys(&call->err, rc, "cannot list domains");
    for (unsigned int i = 0; i < nr; i++)
        json_object_array_add(list, rpc_status(&all[i], a->config));
    return 0;
}

static int api_pause(struct rpc_call *call)
{
    struct domain *d = rpc_target(call);

    return d ? domain_pause(d, &call->err) : call->err.rc;
}

static int api_unpause(struct rpc_call *call)
{
    struct domain *d = rpc_target(call);

    return d ? domain_unpause(d, &call->err) : call->err.rc;
}

static int api_destroy_domain(struct rpc_call *call)
{
    struct domain *d = rpc_target(call);
    int rc;

    if (!d)
        return call->err.rc;
    /* Taking down never ends within the call: a thread has a part in it. */
    rc = domain_destroy(d, &call->err);
    if (!rc)
        defer(call, d, UNTIL_GONE);
    return rc;
}

static const char *const wait_words[] = { "no", "ended", "gone", NULL };

struct ask_args {
    char *domain;
    int wait;
};

static const struct field ask_fields[] = {
    STRING(ask_args, domain, true), WORD(ask_args, wait, wait_words), END
};

static int ask(struct rpc_call *call, const char *what)
{
    const struct ask_args *a = call->args;
    struct domain *d = rpc_target(call);
    int rc;

    if (!d)
        return call->err.rc;
    rc = domain_ask(d, what, &call->err);
    if (rc)
        return rc;
    call->result = json_object_new_object();
    json_add_int(call->result, "domid", d->domid);
    if (a->wait)
        defer(call, d, a->wait == 1 ? UNTIL_ENDED : UNTIL_GONE);
    return 0;
}

static int api_shutdown(struct rpc_call *call)
{
    return ask(call, "poweroff");
}

static int api_reboot(struct rpc_call *call)
{
    return ask(call, "reboot");
}

struct wait_args {
    char *domain;
    int until;
};

static const struct field wait_fields[] = {
    STRING(wait_args, domain, true), WORD(wait_args, until, wait_words), END
};

static int api_wait(struct rpc_call *call)
{
    const struct wait_args *a = call->args;
    struct domain *d = rpc_target(call);

    if (!d)
        return call->err.rc;
    if (a->until == 2)
        defer(call, d, UNTIL_GONE);
    else if (a->until == 1 && d->state != LIFE_ENDED)
        defer(call, d, UNTIL_ENDED);
    return 0;
}

struct rename_args {
    char *domain, *name;
};

static const struct field rename_fields[] = {
    STRING(rename_args, domain, true), STRING(rename_args, name, true), END
};

static int api_rename(struct rpc_call *call)
{
    const struct rename_args *a = call->args;
    struct domain *d = rpc_target(call);

    return d ? domain_rename(d, a->name, &call->err) : call->err.rc;
}

struct sysrq_args {
    char *domain, *key;
};

static const struct field sysrq_fields[] = {
    STRING(sysrq_args, domain, true), STRING(sysrq_args, key, true), END
};

static int api_sysrq(struct rpc_call *call)
{
    const struct sysrq_args *a = call->args;
    struct domain *d = rpc_target(call);

    if (!d)
        return call->err.rc;
    if (strlen(a->key) != 1)
        return err_set(&call->err, -EINVAL, "key must be one character");
    return domain_sysrq(d, a->key[0], &call->err);
}

struct nmi_args {
    char *domain;
    int64_t vcpu;
};

static const struct field nmi_fields[] = {
    STRING(nmi_args, domain, true),
    INT(nmi_args, vcpu, false, 0, CONFIG_MAX_VCPUS - 1, 0), END
};

static int api_send_nmi(struct rpc_call *call)
{
    const struct nmi_args *a = call->args;
    struct domain *d = rpc_target(call);

    return d ? domain_send_nmi(d, a->vcpu, &call->err) : call->err.rc;
}

struct console_args {
    char *domain;
    bool all;
};

static const struct field console_fields[] = {
    STRING(console_args, domain, true), BOOL(console_args, all), END
};

/* The answer is the last line: from then on the socket is the console. */
static int api_console(struct rpc_call *call)
{
    const struct console_args *a = call->args;
    struct domain *d = rpc_target(call);
    struct json_object *line;
    struct conn *c = call->conn;
    int fd, rc;

    if (!d)
        return call->err.rc;
    if (!d->domid || d->domid == NO_DOMID || d->adopted)
        return err_set(&call->err, -ENOENT, "%s has no console here",
                       d->config->name);
    line = json_object_new_object();
    json_add_str(line, "jsonrpc", "2.0");
    json_object_object_add(line, "id", json_object_get(call->id));
    json_object_object_add(line, "result", json_object_new_object());
    conn_send(c, line);
    json_object_put(line);
    json_object_put(call->id);
    call->id = NULL;
    rc = conn_detach(c, &fd);
    if (!rc)
        rc = console_attach(call->x->consoles, d->domid, fd, a->all,
                            c->in.data, c->in.len);
    if (rc)
        err_sys(&call->err, rc, "Unable to attach console");
    return rc;
}

struct memory_args {
    char *domain;
    int64_t memory_kb;
};

static const struct field memory_fields[] = {
    STRING(memory_args, domain, true),
    INT(memory_args, memory_kb, true, 1, INT64_MAX / 4, 0), END
};

static int api_set_memory(struct rpc_call *call)
{
    const struct memory_args *a = call->args;
    struct domain *d = rpc_target(call);

    return d ? domain_set_memory(d, a->memory_kb, &call->err) : call->err.rc;
}

static int api_set_maxmem(struct rpc_call *call)
{
    const struct memory_args *a = call->args;
    struct domain *d = rpc_target(call);

    return d ? domain_set_maxmem(d, a->memory_kb, &call->err) : call->err.rc;
}

const struct rpc_method domain_methods[] = {
    { "domain.create", RIGHT_ADMIN, create_fields, sizeof(struct create_args),
      api_create_domain },
    { "domain.update_config", RIGHT_ADMIN, update_fields,
      sizeof(struct update_args), api_update_config },
    { "domain.list", RIGHT_READ, list_fields, sizeof(struct list_args),
      api_list },
    { "domain.pause", RIGHT_ADMIN, target_fields, sizeof(struct target_args),
      api_pause },
    { "domain.unpause", RIGHT_ADMIN, target_fields,
      sizeof(struct target_args), api_unpause },
    { "domain.destroy", RIGHT_ADMIN, target_fields,
      sizeof(struct target_args), api_destroy_domain },
    { "domain.shutdown", RIGHT_ADMIN, ask_fields, sizeof(struct ask_args),
      api_shutdown },
    { "domain.reboot", RIGHT_ADMIN, ask_fields, sizeof(struct ask_args),
      api_reboot },
    { "domain.wait", RIGHT_READ, wait_fields, sizeof(struct wait_args),
      api_wait },
    { "domain.rename", RIGHT_ADMIN, rename_fields,
      sizeof(struct rename_args), api_rename },
    { "domain.sysrq", RIGHT_ADMIN, sysrq_fields, sizeof(struct sysrq_args),
      api_sysrq },
    { "domain.send_nmi", RIGHT_ADMIN, nmi_fields, sizeof(struct nmi_args),
      api_send_nmi },
    { "domain.console", RIGHT_ADMIN, console_fields,
      sizeof(struct console_args), api_console },
    { "domain.set_memory", RIGHT_ADMIN, memory_fields,
      sizeof(struct memory_args), api_set_memory },
    { "domain.set_maxmem", RIGHT_ADMIN, memory_fields,
      sizeof(struct memory_args), api_set_maxmem },
    { NULL, 0, NULL, 0, NULL }
};
