/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Devices of a config, whatever their kind: lists, copies, JSON. */
#include <errno.h>
#include <json-c/json.h>

#include "config/device.h"
#include "util/cleanup.h"
#include "util/field.h"

static const struct device_notation *const notations[NR_DEVICE_KINDS] = {
    [DEVICE_VBD] = &vbd_notation,
    [DEVICE_VIF] = &vif_notation,
};

const struct device_notation *device_notation(enum device_kind kind)
{
    return notations[kind];
}

struct device_config *device_config_new(enum device_kind kind)
{
    struct device_config *dc = xcalloc(1, sizeof(*dc));

    dc->kind = kind;
    dc->devid = -1;
    fields_init(notations[kind]->fields, dc);
    return dc;
}

struct device_config *device_config_copy(const struct device_config *dc)
{
    struct device_config *n = xmalloc(sizeof(*n));
    const struct field *f;

    *n = *dc;
    for (f = notations[dc->kind]->fields; f->name; f++)
        if (f->type == FIELD_STRING) {
            char **s = (char **)((char *)n + f->offset);

            *s = *s ? xstrdup(*s) : NULL;
        }
    return n;
}

void device_config_free(struct device_config *dc)
{
    if (!dc)
        return;
    fields_fini(notations[dc->kind]->fields, dc);
    free(dc);
}

void device_config_freep(struct device_config **dc)
{
    device_config_free(*dc);
}

int device_config_parse(enum device_kind kind, const char *spec,
                        const char *place, struct config_report *r,
                        struct device_config **ret_dc)
{
    _cleanup_(device_config_freep) struct device_config *dc =
        device_config_new(kind);
    const struct device_notation *n = notations[kind];
    int rc = n->parse(dc, spec, place, r);

    if (!rc)
        rc = n->check(dc, place, r);
    if (!rc)
        *ret_dc = TAKE_PTR(dc);
    return rc;
}

struct json_object *device_config_to_json(const struct device_config *dc)
{
    struct json_object *o = json_object_new_object();

    fields_write(notations[dc->kind]->fields, dc, o);
    return o;
}

int device_config_from_json(enum device_kind kind, struct json_object *json,
                            const char *place, struct config_report *r,
                            struct device_config **ret_dc)
{
    _cleanup_(device_config_freep) struct device_config *dc =
        device_config_new(kind);
    const struct device_notation *n = notations[kind];
    struct json_object *known = json_object_new_object(), *v;
    _cleanup_free_ char *why = NULL;
    int rc;

    for (const struct field *f = n->fields; f->name; f++)
        if (json_object_object_get_ex(json, f->name, &v))
            json_object_object_add(known, f->name, json_object_get(v));
    rc = fields_read(n->fields, known, dc, &why);
    json_object_put(known);
    if (rc)
        return config_error(r, "%s: %s", place, why);
    rc = n->check(dc, place, r);
    if (!rc)
        *ret_dc = TAKE_PTR(dc);
    return rc;
}

int config_fit_device(const struct domain_config *c, struct device_config *dc,
                      const char *place, struct config_report *r)
{
    const struct device_notation *n = notations[dc->kind];
    const char *why = NULL;

    if (dc->devid < 0) {
        int64_t devid = 0;

        while (config_find_device(c, dc->kind, devid))
            devid++;
        dc->devid = devid;
    }
    for (unsigned int i = 0; i < c->nr_devices && !why; i++) {
        const struct device_config *other = c->device[i];

        if (other->kind != dc->kind || other == dc)
            continue;
        why = other->devid == dc->devid ?
              "are the same device for the guest; change one" :
              n->clash ? n->clash(other, dc) : NULL;
    }
    return why ? config_error(r, "%s: two %s entries %s", place, n->key, why)
               : 0;
}

struct device_config *config_find_device(const struct domain_config *c,
                                         enum device_kind kind,
                                         int64_t devid)
{
    for (unsigned int i = 0; i < c->nr_devices; i++)
        if (c->device[i]->kind == kind && c->device[i]->devid == devid)
            return c->device[i];
    return NULL;
}

void config_keep_macs(struct domain_config *c, const struct domain_config *now)
{
    for (unsigned int i = 0; i < c->nr_devices; i++) {
        struct device_config *dc = c->device[i], *same;

        if (dc->kind != DEVICE_VIF || dc->vif.mac)
            continue;
        same = config_find_device(now, DEVICE_VIF, dc->devid);
        if (same && same->vif.mac)
            strset(&dc->vif.mac, same->vif.mac);
    }
}

void config_add_device(struct domain_config *c, struct device_config *dc)
{
    c->device = xrealloc(c->device, (c->nr_devices + 1) * sizeof(*c->device));
    c->device[c->nr_devices++] = dc;
}

void config_remove_device(struct domain_config *c, enum device_kind kind,
                          int64_t devid)
{
    for (unsigned int i = 0; i < c->nr_devices; i++)
        if (c->device[i]->kind == kind && c->device[i]->devid == devid) {
            device_config_free(c->device[i]);
            memmove(c->device + i, c->device + i + 1,
                    (--c->nr_devices - i) * sizeof(*c->device));
            return;
        }
}
