/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Methods that write domains to files, and restore them. */
#include <errno.h>
#include <json-c/json.h>

#include "api/args.h"
#include "api/rpc.h"
#include "config/config.h"
#include "domain/domain.h"
#include "domain/save.h"
#include "util/cleanup.h"
#include "util/json.h"
#include "xend.h"

static const char *const after_words[] = { "destroy", "resume", "pause", NULL };

struct save_args {
    char *domain, *file;
    int after;
    char *format, *text, *path, *dir;
    struct json_object *config;
};

static const struct field save_fields[] = {
    STRING(save_args, domain, true), STRING(save_args, file, true),
    WORD(save_args, after, after_words), STRING(save_args, format, false),
    STRING(save_args, text, false), STRING(save_args, path, false),
    STRING(save_args, dir, false),
    { "config", FIELD_JSON, offsetof(struct save_args, config), false, 0, 0, 0,
      NULL },
    END
};

static void on_saved(void *ctx, const struct err *err)
{
    struct rpc_call *call = ctx;

    call->wait = NULL;
    call->err = *err;
    rpc_finish(call);
}

static int api_save(struct rpc_call *call)
{
    const struct save_args *a = call->args;
    const struct config_text text = { a->format, a->text, a->path, a->dir,
                                      NULL, a->config };
    struct domain *d = rpc_target(call);
    struct domain_config *c = NULL;
    int rc;

    if (!d)
        return call->err.rc;
    if (a->format) {
        c = rpc_config(call, &text);
        if (!c)
            return call->err.rc;
        if (uuid_is_zero(c->uuid))
            memcpy(c->uuid, d->config->uuid, sizeof(c->uuid));
    }
    rc = domain_save(d, a->file, a->after, c, &call->err);
    if (rc)
        return rc;
    call->deferred = true;
    call->wait = domain_wait(d, UNTIL_SAVED, on_saved, call);
    return 0;
}

struct restore_args {
    char *file, *format, *text, *path, *dir;
    struct json_object *config;
    bool paused;
};

static const struct field restore_fields[] = {
    STRING(restore_args, file, true), STRING(restore_args, format, false),
    STRING(restore_args, text, false), STRING(restore_args, path, false),
    STRING(restore_args, dir, false),
    { "config", FIELD_JSON, offsetof(struct restore_args, config), false, 0, 0,
      0, NULL },
    BOOL(restore_args, paused), END
};

static void on_started(void *ctx, const struct err *err)
{
    struct rpc_call *call = ctx;
    struct domain *d = domain_by_uuid(call->x,
                                      json_get_str(call->result, "uuid"));

    if (d)
        json_add_int(call->result, "domid", d->domid);
    on_saved(ctx, err);
}

/* What the guest is to be, from the request or from the file. */
static struct domain_config *choose_config(struct rpc_call *call,
                                           struct json_object *saved,
                                           const struct saved *s)
{
    const struct restore_args *a = call->args;
    const struct config_text own = { a->format, a->text, a->path, a->dir,
                                     NULL, a->config };
    const struct config_text from_file = { "json", NULL, s->path, NULL, NULL,
                                           saved };
    _cleanup_(config_freep) struct domain_config *was =
        rpc_config(call, &from_file);
    struct domain_config *c = was && a->format ? rpc_config(call, &own) :
                              TAKE_PTR(was);
    struct json_object *info = json_get_obj(saved, "c_info");
    const char *uuid = info ? json_get_str(info, "uuid") : NULL;

    if (!c)
        return NULL;
    if (was)
        config_keep_macs(c, was);
    if (a->format && uuid_is_zero(c->uuid) && uuid)
        uuid_parse(uuid, c->uuid);
    if (c->maxvcpus != s->vcpus)
        err_set(&call->err, -EINVAL, "%s has a guest with %u vcpus, and its "
                "config says %d; make them the same", s->path, s->vcpus,
                (int)c->maxvcpus);
    else if (s->pages * 4 > (uint64_t)c->maxmem_kb)
        err_set(&call->err, -EINVAL, "%s has a guest with %llu MiB of memory, "
                "and its config allows %llu; raise maxmem", s->path,
                (unsigned long long)s->pages >> 8,
                (unsigned long long)c->maxmem_kb >> 10);
    else
        return c;
    config_free(c);
    return NULL;
}

static void on_checked(void *ctx, struct saved *s, struct json_object *saved,
                       const struct err *err)
{
    struct rpc_call *call = ctx;
    const struct restore_args *a = call->args;
    struct domain_config *c;
    struct domain *d;

    call->job = NULL;
    call->err = *err;
    c = s ? choose_config(call, saved, s) : NULL;
    json_object_put(saved);
    if (!c) {
        saved_free(s);
        rpc_finish(call);
        return;
    }
    if (domain_restore(call->x, c, s, a->paused, &d, &call->err)) {
        rpc_finish(call);
        return;
    }
    call->result = json_object_new_object();
    json_add_str(call->result, "name", d->config->name);
    json_add_str(call->result, "uuid", d->uuid);
    call->wait = domain_wait(d, UNTIL_STARTED, on_started, call);
}

static void abandon(void *job)
{
    saved_uncheck(job);
}

static int api_restore(struct rpc_call *call)
{
    const struct restore_args *a = call->args;

    if (*a->file != '/')
        return err_set(&call->err, -EINVAL, "file \"%s\" must be an absolute "
                       "path", a->file);
    call->deferred = true;
    call->abandon = abandon;
    call->job = saved_check(call->x, a->file, on_checked, call);
    return 0;
}

struct dump_args {
    char *domain, *file;
};

static const struct field dump_fields[] = {
    STRING(dump_args, domain, true), STRING(dump_args, file, true), END
};

static void on_dumped(void *ctx, const struct err *err)
{
    struct rpc_call *call = ctx;

    call->job = NULL;
    call->err = *err;
    rpc_finish(call);
}

static void abandon_dump(void *job)
{
    dump_abandon(job);
}

static int api_dump_core(struct rpc_call *call)
{
    const struct dump_args *a = call->args;
    struct domain *d = rpc_target(call);

    if (!d)
        return call->err.rc;
    call->job = domain_dump(d, a->file, on_dumped, call, &call->err);
    call->abandon = abandon_dump;
    call->deferred = call->job;
    return call->err.rc;
}

const struct rpc_method save_methods[] = {
    { "domain.save", RIGHT_ADMIN, save_fields, sizeof(struct save_args),
      api_save },
    { "domain.restore", RIGHT_ADMIN, restore_fields,
      sizeof(struct restore_args), api_restore },
    { "domain.dump_core", RIGHT_ADMIN, dump_fields, sizeof(struct dump_args),
      api_dump_core },
    { NULL, 0, NULL, 0, NULL }
};
