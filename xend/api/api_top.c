/* SPDX-License-Identifier: GPL-2.0-or-later */
/* All figures that move, of all domains, in one answer. */
#include <errno.h>
#include <json-c/json.h>
#include <time.h>

#include "api/args.h"
#include "api/rpc.h"
#include "config/config.h"
#include "device/counters.h"
#include "device/device.h"
#include "domain/domain.h"
#include "host/host.h"
#include "util/cleanup.h"
#include "util/json.h"
#include "util/log.h"
#include "xend.h"

static int64_t now_ns(void)
{
    struct timespec ts;

    clock_gettime(CLOCK_MONOTONIC, &ts);
    return ts.tv_sec * 1000000000ll + ts.tv_nsec;
}

static void find_vif(struct domain *d, void *ctx)
{
    bool *any = ctx;

    *any = *any || devices_any(d, DEVICE_VIF);
}

/* Interfaces are asked for only where there is one; without an answer they
 * have no figures. */
static struct traffic read_traffic(struct xend *x)
{
    struct traffic t = { NULL, 0 };
    bool any = false;
    int rc;

    domains_each(x, find_vif, &any);
    rc = any ? traffic_read(&t) : 0;
    if (rc)
        log_warn("cannot read the interfaces' counters: %s", strerror(-rc));
    return t;
}

static void add_devices(struct json_object *o, struct domain *d,
                        const struct traffic *t)
{
    for (enum device_kind kind = 0; kind < NR_DEVICE_KINDS; kind++)
        json_object_object_add(o, device_notation(kind)->json,
                               devices_count(d, kind, t));
}

static int add_domains(struct rpc_call *call, struct json_object *list)
{
    _cleanup_free_ struct domain_status *all = NULL;
    _cleanup_(traffic_fini) struct traffic t = read_traffic(call->x);
    struct json_object *o;
    unsigned int nr;
    struct domain *d;
    int rc = domains_status(call->x, &all, &nr);

    if (rc)
        return err_sys(&call->err, rc, "cannot list domains");
    for (unsigned int i = 0; i < nr; i++) {
        o = rpc_status(&all[i], false);
        d = domain_by_id(call->x, all[i].domid);
        if (d)
            add_devices(o, d, &t);
        json_object_array_add(list, o);
    }
    return 0;
}

static int api_top(struct rpc_call *call)
{
    struct json_object *list = json_object_new_array();
    struct host_info i;
    int rc = host_get_machine(call->x->host, &i);

    call->result = json_object_new_object();
    json_add_int(call->result, "version", 1);
    json_add_int(call->result, "time_ns", now_ns());
    json_object_object_add(call->result, "domains", list);
    if (rc)
        return err_sys(&call->err, rc, "cannot ask the hypervisor");
    json_add_int(call->result, "nr_cpus", i.nr_cpus);
    json_add_int(call->result, "cpu_khz", i.cpu_khz);
    json_add_int(call->result, "total_kb", i.total_kb);
    json_add_int(call->result, "free_kb", i.free_kb);
    return add_domains(call, list);
}

const struct rpc_method top_methods[] = {
    { "host.top", RIGHT_READ, NULL, 0, api_top },
    { NULL, 0, NULL, 0, NULL }
};
