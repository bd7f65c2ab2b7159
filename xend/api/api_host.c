/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Methods about the machine and its hypervisor. */
#include <errno.h>
#include <json-c/json.h>

#include "api/args.h"
#include "api/rpc.h"
#include "host/host.h"
#include "util/cleanup.h"
#include "util/json.h"
#include "xend.h"

#define MAX_CPUS 1024

static void add_hypervisor(struct json_object *o, const struct host_info *i)
{
    json_add_int(o, "xen_major", i->xen_major);
    json_add_int(o, "xen_minor", i->xen_minor);
    json_add_str(o, "xen_extra", i->xen_extra);
    json_add_str(o, "xen_caps", i->xen_caps);
    json_add_str(o, "xen_scheduler", i->scheduler);
    json_add_int(o, "xen_pagesize", i->pagesize);
    json_add_int(o, "virt_start", (int64_t)i->virt_start);
    json_add_str(o, "xen_changeset", i->changeset);
    json_add_str(o, "xen_commandline", i->commandline);
    json_add_str(o, "cc_compiler", i->compiler);
    json_add_str(o, "cc_compile_by", i->compile_by);
    json_add_str(o, "cc_compile_domain", i->compile_domain);
    json_add_str(o, "cc_compile_date", i->compile_date);
    json_add_str(o, "build_id", i->build_id);
}

static int api_info(struct rpc_call *call)
{
    struct json_object *o, *caps;
    struct host_info i;
    int rc = host_get_info(call->x->host, &i);

    if (rc)
        return err_sys(&call->err, rc, "cannot ask the hypervisor");
    o = call->result = json_object_new_object();
    json_add_int(o, "version", 1);
    json_add_int(o, "nr_cpus", i.nr_cpus);
    json_add_int(o, "max_cpu_id", i.max_cpu_id);
    json_add_int(o, "nr_nodes", i.nr_nodes);
    json_add_int(o, "cores_per_socket", i.cores_per_socket);
    json_add_int(o, "threads_per_core", i.threads_per_core);
    json_add_int(o, "cpu_khz", i.cpu_khz);
    caps = json_object_new_array();
    for (int n = 0; n < 8; n++)
        json_object_array_add(caps, json_object_new_int64(i.hw_cap[n]));
    json_object_object_add(o, "hw_caps", caps);
    json_add_str(o, "virt_caps", i.virt_caps);
    json_add_int(o, "total_kb", i.total_kb);
    json_add_int(o, "free_kb", i.free_kb);
    json_add_int(o, "outstanding_kb", i.outstanding_kb);
    add_hypervisor(o, &i);
    return 0;
}

static int api_cpus(struct rpc_call *call)
{
    _cleanup_free_ struct host_cpu *cpus = xcalloc(MAX_CPUS, sizeof(*cpus));
    int n = host_get_cpus(call->x->host, MAX_CPUS, cpus);
    struct json_object *list, *o;

    if (n < 0)
        return err_sys(&call->err, n, "cannot ask for the host's CPUs");
    list = json_object_new_array();
    for (int i = 0; i < n && i < MAX_CPUS; i++) {
        if (cpus[i].core == UINT32_MAX)
            continue;
        o = json_object_new_object();
        json_add_int(o, "cpu", i);
        json_add_int(o, "core", cpus[i].core);
        json_add_int(o, "socket", cpus[i].socket);
        json_add_int(o, "node", cpus[i].node);
        json_object_array_add(list, o);
    }
    call->result = json_object_new_object();
    json_add_int(call->result, "version", 1);
    json_object_object_add(call->result, "cpus", list);
    return 0;
}

struct dmesg_args {
    bool clear;
};

static const struct field dmesg_fields[] = { BOOL(dmesg_args, clear), END };

static int api_dmesg(struct rpc_call *call)
{
    const struct dmesg_args *a = call->args;
    _cleanup_free_ char *text = NULL;
    int rc = host_dmesg(call->x->host, a->clear, &text);

    if (rc)
        return err_sys(&call->err, rc, "cannot read the hypervisor's log");
    /* JSON text is UTF-8; a guest's bytes in the log may be anything. */
    for (char *p = text; *p; p++)
        if (*p & 0x80)
            *p = '?';
    call->result = json_object_new_object();
    json_add_str(call->result, "text", text);
    return 0;
}

struct keys_args {
    char *keys;
};

static const struct field keys_fields[] = {
    STRING(keys_args, keys, true), END
};

static int api_debug_keys(struct rpc_call *call)
{
    const struct keys_args *a = call->args;
    int rc = host_debug_keys(call->x->host, a->keys);

    return rc ? err_sys(&call->err, rc, "cannot send debug keys") : 0;
}

const struct rpc_method host_methods[] = {
    { "host.info", RIGHT_READ, NULL, 0, api_info },
    { "host.cpus", RIGHT_READ, NULL, 0, api_cpus },
    { "host.dmesg", RIGHT_ADMIN, dmesg_fields, sizeof(struct dmesg_args),
      api_dmesg },
    { "host.debug_keys", RIGHT_ADMIN, keys_fields, sizeof(struct keys_args),
      api_debug_keys },
    { NULL, 0, NULL, 0, NULL }
};
