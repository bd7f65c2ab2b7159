/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A config as JSON, in the shape that readers of xl list -l know: c_info,
 * b_info, device arrays, on_*; sizes in KiB, defaults left out.  Reading is
 * lenient about names it does not know: other tools' objects have more.
 */
#include <errno.h>
#include <json-c/json.h>

#include "config/config.h"
#include "util/cleanup.h"
#include "util/field.h"

static const char *const type_words[] = { "pv", NULL };

static const char *const action_words[] = {
    "destroy", "restart", "restart_rename", "preserve", "coredump_destroy",
    "coredump_restart", "soft_reset", NULL
};

#define AT(f) offsetof(struct domain_config, f)

static const struct field c_info_fields[] = {
    { "type", FIELD_WORD, AT(type), false, 0, 0, -1, type_words },
    { "name", FIELD_STRING, AT(name), true, 0, 0, 0, NULL },
    { NULL, 0, 0, false, 0, 0, 0, NULL }
};

static const struct field b_info_fields[] = {
    { "max_vcpus", FIELD_INT, AT(maxvcpus), true, 1, CONFIG_MAX_VCPUS, 0,
      NULL },
    { "max_memkb", FIELD_INT, AT(maxmem_kb), true, 0, 16ll << 30, 0, NULL },
    { "target_memkb", FIELD_INT, AT(memory_kb), true, 0, 16ll << 30, 0, NULL },
    { "kernel", FIELD_STRING, AT(kernel), false, 0, 0, 0, NULL },
    { "firmware", FIELD_STRING, AT(firmware), false, 0, 0, 0, NULL },
    { "ramdisk", FIELD_STRING, AT(ramdisk), false, 0, 0, 0, NULL },
    { "cmdline", FIELD_STRING, AT(cmdline), false, 0, 0, 0, NULL },
    { "max_grant_frames", FIELD_INT, AT(max_grant_frames), false, 1, 1024, -1,
      NULL },
    { "max_maptrack_frames", FIELD_INT, AT(max_maptrack_frames), false, 0,
      4096, -1, NULL },
    { "event_channels", FIELD_INT, AT(max_event_channels), false, 31, 131071,
      1023, NULL },
    { NULL, 0, 0, false, 0, 0, 0, NULL }
};

static const struct field sched_fields[] = {
    { "weight", FIELD_INT, AT(weight), false, 1, 65535, 256, NULL },
    { "cap", FIELD_INT, AT(cap), false, 0, CONFIG_MAX_VCPUS * 100, 0, NULL },
    { NULL, 0, 0, false, 0, 0, 0, NULL }
};

static const struct field top_fields[] = {
    { "on_poweroff", FIELD_WORD, AT(on_poweroff), false, 0, 0, -1,
      action_words },
    { "on_reboot", FIELD_WORD, AT(on_reboot), false, 0, 0, -1, action_words },
    { "on_watchdog", FIELD_WORD, AT(on_watchdog), false, 0, 0, -1,
      action_words },
    { "on_crash", FIELD_WORD, AT(on_crash), false, 0, 0, -1, action_words },
    { NULL, 0, 0, false, 0, 0, 0, NULL }
};

/* A set of all CPUs, known and unknown, is an empty array. */
static struct json_object *cpuset_to_json(const struct cpuset *set)
{
    struct json_object *a = json_object_new_array();
    struct cpuset all;

    cpuset_fill(&all);
    if (!memcmp(set, &all, sizeof(all)))
        return a;
    for (unsigned int cpu = 0; cpu < CONFIG_MAX_CPUS; cpu++)
        if (cpuset_test(set, cpu))
            json_object_array_add(a, json_object_new_int(cpu));
    return a;
}

static void add_affinity(struct json_object *to, const char *name,
                         const struct cpuset *set, unsigned int nr)
{
    struct json_object *a;

    if (!nr)
        return;
    a = json_object_new_array();
    for (unsigned int i = 0; i < nr; i++)
        json_object_array_add(a, cpuset_to_json(&set[i]));
    json_object_object_add(to, name, a);
}

static struct json_object *b_info_to_json(const struct domain_config *c)
{
    struct json_object *b = json_object_new_object(), *o;

    fields_write(b_info_fields, c, b);
    o = json_object_new_array();
    for (int64_t i = 0; i < c->vcpus; i++)
        json_object_array_add(o, json_object_new_int64(i));
    json_object_object_add(b, "avail_vcpus", o);
    add_affinity(b, "vcpu_hard_affinity", c->hard, c->nr_hard);
    add_affinity(b, "vcpu_soft_affinity", c->soft, c->nr_soft);
    if (c->nomigrate)
        json_object_object_add(b, "disable_migrate",
                               json_object_new_string("True"));
    o = json_object_new_object();
    fields_write(sched_fields, c, o);
    json_object_object_add(b, "sched_params", o);
    json_object_object_add(b, "type.pv", json_object_new_object());
    return b;
}

static void add_devices(struct json_object *top, const struct domain_config *c,
                        enum device_kind kind)
{
    struct json_object *a = json_object_new_array();

    for (unsigned int i = 0; i < c->nr_devices; i++)
        if (c->device[i]->kind == kind)
            json_object_array_add(a, device_config_to_json(c->device[i]));
    json_object_object_add(top, device_notation(kind)->json, a);
}

struct json_object *config_to_json(const struct domain_config *c)
{
    struct json_object *top = json_object_new_object();
    struct json_object *info = json_object_new_object();
    char uuid[37];

    fields_write(c_info_fields, c, info);
    uuid_format(c->uuid, uuid);
    json_object_object_add(info, "uuid", json_object_new_string(uuid));
    json_object_object_add(top, "c_info", info);
    json_object_object_add(top, "b_info", b_info_to_json(c));
    for (enum device_kind kind = 0; kind < NR_DEVICE_KINDS; kind++)
        add_devices(top, c, kind);
    fields_write(top_fields, c, top);
    return top;
}

/* fields_read over the names that the table has, ignoring the others. */
static int read_known(const struct field *f, struct json_object *obj,
                      const char *where, struct domain_config *c,
                      struct config_report *r)
{
    struct json_object *known = json_object_new_object(), *v;
    char *why = NULL;
    int rc;

    for (const struct field *row = f; row->name; row++)
        if (json_object_object_get_ex(obj, row->name, &v))
            json_object_object_add(known, row->name, json_object_get(v));
    rc = fields_read(f, known, c, &why);
    if (rc)
        config_error(r, "%s: %s", where, why);
    free(why);
    json_object_put(known);
    return rc;
}

static struct json_object *member(struct json_object *obj, const char *name,
                                  enum json_type type)
{
    struct json_object *v = NULL;

    if (!json_object_is_type(obj, json_type_object) ||
        !json_object_object_get_ex(obj, name, &v) ||
        !json_object_is_type(v, type))
        return NULL;
    return v;
}

static void read_affinity(struct json_object *obj, const char *name,
                          struct cpuset **ret_set, unsigned int *ret_nr)
{
    struct json_object *a = member(obj, name, json_type_array), *one;
    size_t nr = a ? json_object_array_length(a) : 0;

    if (!nr || nr > CONFIG_MAX_VCPUS + 1)
        return;
    *ret_set = xcalloc(nr, sizeof(**ret_set));
    *ret_nr = nr;
    for (size_t i = 0; i < nr; i++) {
        one = json_object_array_get_idx(a, i);
        if (!json_object_is_type(one, json_type_array) ||
            !json_object_array_length(one)) {
            cpuset_fill(&(*ret_set)[i]);
            continue;
        }
        for (size_t j = 0; j < json_object_array_length(one); j++)
            cpuset_set(&(*ret_set)[i], json_object_get_int(
                json_object_array_get_idx(one, j)));
    }
}

static int read_devices(struct json_object *top, enum device_kind kind,
                        struct domain_config *c, struct config_report *r)
{
    const char *name = device_notation(kind)->json;
    struct json_object *a = member(top, name, json_type_array);
    size_t nr = a ? json_object_array_length(a) : 0;
    struct device_config *dc;
    char place[40];
    int rc;

    for (size_t i = 0; i < nr; i++) {
        snprintf(place, sizeof(place), "config.%s[%zu]", name, i);
        rc = device_config_from_json(kind, json_object_array_get_idx(a, i),
                                     place, r, &dc);
        if (rc)
            return rc;
        config_add_device(c, dc);
    }
    return 0;
}

int config_from_json(struct json_object *json, struct config_report *r,
                     struct domain_config **ret_config)
{
    _cleanup_(config_freep) struct domain_config *c = config_new();
    struct json_object *info = member(json, "c_info", json_type_object);
    struct json_object *b = member(json, "b_info", json_type_object);
    struct json_object *sched, *v;

    if (!info || !b)
        return config_error(r, "config: c_info and b_info must be objects");
    sched = member(b, "sched_params", json_type_object);
    if (read_known(c_info_fields, info, "config.c_info", c, r) ||
        read_known(b_info_fields, b, "config.b_info", c, r) ||
        (sched && read_known(sched_fields, sched,
                             "config.b_info.sched_params", c, r)) ||
        read_known(top_fields, json, "config", c, r))
        return -EINVAL;
    v = member(info, "uuid", json_type_string);
    if (v && !uuid_parse(json_object_get_string(v), c->uuid))
        return config_error(r, "config.c_info.uuid: not a uuid");
    v = member(b, "avail_vcpus", json_type_array);
    c->vcpus = v ? (int64_t)json_object_array_length(v) : 0;
    read_affinity(b, "vcpu_hard_affinity", &c->hard, &c->nr_hard);
    read_affinity(b, "vcpu_soft_affinity", &c->soft, &c->nr_soft);
    v = member(b, "disable_migrate", json_type_string);
    c->nomigrate = v && streq(json_object_get_string(v), "True");
    for (enum device_kind kind = 0; kind < NR_DEVICE_KINDS; kind++)
        if (read_devices(json, kind, c, r))
            return -EINVAL;
    *ret_config = TAKE_PTR(c);
    return 0;
}
