/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Methods about the devices of one domain. */
#include <errno.h>
#include <json-c/json.h>

#include "api/args.h"
#include "api/rpc.h"
#include "config/config.h"
#include "device/device.h"
#include "device/vif.h"
#include "domain/domain.h"
#include "util/cleanup.h"
#include "util/json.h"

#define SCHEMA 1                /* of the listings; see xend-api(7) */

struct attach_args {
    char *domain, *spec;
    struct json_object *config;
    bool dry_run;
};

static const struct field attach_fields[] = {
    STRING(attach_args, domain, true), STRING(attach_args, spec, false),
    { "config", FIELD_JSON, offsetof(struct attach_args, config), false, 0, 0,
      0, NULL },
    BOOL(attach_args, dry_run), END
};

static struct device_config *parse_device(struct rpc_call *call,
                                          enum device_kind kind)
{
    const struct attach_args *a = call->args;
    const char *key = device_notation(kind)->key;
    struct config_report r = { 0 };
    struct device_config *dc = NULL;
    int rc;

    if (!a->spec == !a->config)
        rc = config_error(&r, "either spec or config is needed");
    else if (a->spec)
        rc = device_config_parse(kind, a->spec, key, &r, &dc);
    else
        rc = device_config_from_json(kind, a->config, key, &r, &dc);
    if (rc)
        err_set(&call->err, rc, "%s", r.error);
    call->warnings = r.warnings;
    r.warnings = (struct strlist){ NULL, 0 };
    config_report_fini(&r);
    return dc;
}

static void on_end(void *ctx, const struct err *err)
{
    rpc_ticket_end(ctx, err);
}

static int attach(struct rpc_call *call, enum device_kind kind)
{
    const struct attach_args *a = call->args;
    struct domain *d = rpc_target(call);
    struct device_config *dc;

    if (!d)
        return call->err.rc;
    dc = parse_device(call, kind);
    if (!dc)
        return call->err.rc;
    vif_complete(dc);
    call->result = json_object_new_object();
    json_object_object_add(call->result, "config", device_config_to_json(dc));
    if (a->dry_run)
        device_config_free(dc);
    else
        device_attach(d, dc, on_end, rpc_ticket(call));
    return 0;
}

static int api_attach_disk(struct rpc_call *call)
{
    return attach(call, DEVICE_VBD);
}

static int api_attach_vif(struct rpc_call *call)
{
    return attach(call, DEVICE_VIF);
}

struct detach_args {
    char *domain, *device;
    bool force;
};

static const struct field detach_fields[] = {
    STRING(detach_args, domain, true), STRING(detach_args, device, true),
    BOOL(detach_args, force), END
};

static int api_detach_disk(struct rpc_call *call)
{
    const struct detach_args *a = call->args;
    struct domain *d = rpc_target(call);
    int64_t devid;

    if (!d)
        return call->err.rc;
    if (!vdev_parse(a->device, &devid))
        return err_set(&call->err, -EINVAL, "\"%s\" is no disk; write xvdb, "
                       "or a number of block-list", a->device);
    device_detach(d, DEVICE_VBD, devid, a->force, on_end, rpc_ticket(call));
    return 0;
}

static int api_detach_vif(struct rpc_call *call)
{
    const struct detach_args *a = call->args;
    struct domain *d = rpc_target(call);
    int64_t devid;

    if (!d)
        return call->err.rc;
    if (!vif_find(d->config, a->device, &devid))
        return err_set(&call->err, -ENOENT, "%s has no interface %s; write a "
                       "number or an address of network-list",
                       d->config->name, a->device);
    device_detach(d, DEVICE_VIF, devid, a->force, on_end, rpc_ticket(call));
    return 0;
}

struct devices_args {
    struct strlist domains;
};

static const struct field devices_fields[] = {
    STRINGS(devices_args, domains), END
};

struct listing {
    struct json_object *list;
    enum device_kind kind;
};

static void add_domain(struct domain *d, void *ctx)
{
    struct json_object *o = json_object_new_object();
    struct listing *l = ctx;

    json_add_str(o, "name", d->config->name);
    json_add_int(o, "domid", d->domid == NO_DOMID ? -1 : (int64_t)d->domid);
    json_object_object_add(o, device_notation(l->kind)->json,
                           devices_to_json(d, l->kind));
    json_object_array_add(l->list, o);
}

static int list_devices(struct rpc_call *call, enum device_kind kind)
{
    const struct devices_args *a = call->args;
    struct listing l = { json_object_new_array(), kind };

    call->result = json_object_new_object();
    json_add_int(call->result, "version", SCHEMA);
    json_object_object_add(call->result, "domains", l.list);
    if (!a->domains.nr)
        domains_each(call->x, add_domain, &l);
    for (unsigned int i = 0; i < a->domains.nr; i++) {
        struct domain *d = domain_find(call->x, a->domains.item[i]);

        if (!d)
            return err_set(&call->err, -ENOENT, "%s is an invalid domain "
                           "identifier", a->domains.item[i]);
        add_domain(d, &l);
    }
    return 0;
}

static int api_disks(struct rpc_call *call)
{
    return list_devices(call, DEVICE_VBD);
}

static int api_vifs(struct rpc_call *call)
{
    return list_devices(call, DEVICE_VIF);
}

const struct rpc_method device_methods[] = {
    { "domain.attach_disk", RIGHT_ADMIN, attach_fields,
      sizeof(struct attach_args), api_attach_disk },
    { "domain.detach_disk", RIGHT_ADMIN, detach_fields,
      sizeof(struct detach_args), api_detach_disk },
    { "domain.disks", RIGHT_READ, devices_fields,
      sizeof(struct devices_args), api_disks },
    { "domain.attach_vif", RIGHT_ADMIN, attach_fields,
      sizeof(struct attach_args), api_attach_vif },
    { "domain.detach_vif", RIGHT_ADMIN, detach_fields,
      sizeof(struct detach_args), api_detach_vif },
    { "domain.vifs", RIGHT_READ, devices_fields,
      sizeof(struct devices_args), api_vifs },
    { NULL, 0, NULL, 0, NULL }
};
