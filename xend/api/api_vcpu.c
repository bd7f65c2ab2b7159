/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Methods about vcpus: how many, where they run, what share they have. */
#include <errno.h>
#include <json-c/json.h>

#include "api/args.h"
#include "api/rpc.h"
#include "config/config.h"
#include "domain/domain.h"
#include "host/host.h"
#include "util/cleanup.h"
#include "util/json.h"
#include "xend.h"

struct vcpus_args {
    char *domain;
    int64_t vcpus;
    bool ignore_host;
};

static const struct field vcpus_fields[] = {
    STRING(vcpus_args, domain, true),
    INT(vcpus_args, vcpus, true, INT64_MIN, INT64_MAX, 0),
    BOOL(vcpus_args, ignore_host), END
};

static int api_set_vcpus(struct rpc_call *call)
{
    const struct vcpus_args *a = call->args;
    struct domain *d = rpc_target(call);

    return d ? domain_set_vcpus(d, a->vcpus, a->ignore_host, &call->err) :
           call->err.rc;
}

struct pin_args {
    char *domain, *hard, *soft;
    int64_t vcpu;
};

static const struct field pin_fields[] = {
    STRING(pin_args, domain, true), STRING(pin_args, hard, false),
    STRING(pin_args, soft, false),
    INT(pin_args, vcpu, false, -1, CONFIG_MAX_VCPUS, -1), END
};

static int parse_set(struct rpc_call *call, const char *text,
                     struct cpuset *set)
{
    const char *why;

    if (!text || !cpuset_parse(text, set, &why))
        return 0;
    return err_set(&call->err, -EINVAL, "\"%s\" %s", text, why);
}

static int api_pin(struct rpc_call *call)
{
    const struct pin_args *a = call->args;
    struct domain *d = rpc_target(call);
    struct cpuset hard, soft;

    if (!d || parse_set(call, a->hard, &hard) ||
        parse_set(call, a->soft, &soft))
        return call->err.rc;
    return domain_pin(d, a->vcpu, a->hard ? &hard : NULL,
                      a->soft ? &soft : NULL, &call->err);
}

struct names_args {
    struct strlist domains;
};

static const struct field names_fields[] = {
    STRINGS(names_args, domains), END
};

static void add_set(struct json_object *o, const char *name,
                    const struct cpuset *set, unsigned int nr_cpus)
{
    _cleanup_free_ char *text = cpuset_format(set, nr_cpus);

    json_add_str(o, name, text);
}

static struct json_object *vcpu_to_json(struct rpc_call *call, unsigned int i,
                                        const struct domain_vcpu *v)
{
    unsigned int nr_cpus = host_nr_cpus(call->x->host);
    struct json_object *o = json_object_new_object();

    json_add_int(o, "vcpu", i);
    json_add_bool(o, "online", v->online);
    json_add_bool(o, "running", v->running);
    json_add_bool(o, "blocked", v->blocked);
    if (v->online)
        json_add_int(o, "cpu", v->cpu);
    json_add_int(o, "cpu_time_ns", (int64_t)v->cpu_time_ns);
    add_set(o, "hard", &v->hard, nr_cpus);
    add_set(o, "soft", &v->soft, nr_cpus);
    return o;
}

/* Those that are named, or all; begins call->result. */
static int for_domains(struct rpc_call *call, const struct strlist *names,
                       int (*fn)(struct rpc_call *call, struct domain *d,
                                 struct json_object *o))
{
    _cleanup_free_ struct domain_status *all = NULL;
    struct json_object *list = json_object_new_array(), *o;
    unsigned int nr = names->nr, i;
    struct domain *d;
    int rc = 0;

    call->result = json_object_new_object();
    json_add_int(call->result, "version", 1);
    json_object_object_add(call->result, "domains", list);
    if (!names->nr)
        rc = domains_status(call->x, &all, &nr);
    if (rc)
        return err_sys(&call->err, rc, "cannot list domains");
    for (i = 0; i < nr; i++) {
        d = names->nr ? domain_find(call->x, names->item[i]) :
                        domain_by_id(call->x, all[i].domid);
        if (!d && names->nr)
            return err_set(&call->err, -ENOENT, "%s is an invalid domain "
                           "identifier", names->item[i]);
        if (!d)
            continue;
        o = json_object_new_object();
        json_add_str(o, "name", d->config->name);
        json_add_int(o, "domid", d->domid);
        rc = fn(call, d, o);
        if (rc && (names->nr || rc == -EOPNOTSUPP)) {
            json_object_put(o);
            return rc;
        }
        /* One that is just coming or going is left out of the list of all. */
        if (rc)
            json_object_put(o);
        else
            json_object_array_add(list, o);
        call->err = ERR_INIT;
    }
    return 0;
}

static int add_vcpus(struct rpc_call *call, struct domain *d,
                     struct json_object *o)
{
    _cleanup_free_ struct domain_vcpu *vcpus = NULL;
    struct json_object *list;
    unsigned int nr;

    if (domain_vcpus(d, &vcpus, &nr, &call->err))
        return call->err.rc;
    list = json_object_new_array();
    for (unsigned int i = 0; i < nr; i++)
        json_object_array_add(list, vcpu_to_json(call, i, &vcpus[i]));
    json_object_object_add(o, "vcpus", list);
    return 0;
}

static int api_vcpus(struct rpc_call *call)
{
    const struct names_args *a = call->args;

    return for_domains(call, &a->domains, add_vcpus);
}

static int add_sched(struct rpc_call *call, struct domain *d,
                     struct json_object *o)
{
    int64_t weight, cap;

    if (domain_get_sched(d, &weight, &cap, &call->err))
        return call->err.rc;
    json_add_int(o, "weight", weight);
    json_add_int(o, "cap", cap);
    return 0;
}

static int api_sched(struct rpc_call *call)
{
    const struct names_args *a = call->args;

    return for_domains(call, &a->domains, add_sched);
}

struct sched_args {
    char *domain;
    int64_t weight, cap;
};

static const struct field sched_fields[] = {
    STRING(sched_args, domain, true),
    INT(sched_args, weight, false, 0, 0, -1),
    INT(sched_args, cap, false, 0, 0, -1), END
};

static int api_set_sched(struct rpc_call *call)
{
    const struct sched_args *a = call->args;
    struct domain *d = rpc_target(call);

    return d ? domain_set_sched(d, a->weight, a->cap, &call->err) :
           call->err.rc;
}

static int add_bvt(struct rpc_call *call, struct domain *d,
                   struct json_object *o)
{
    struct domain_bvt b;

    if (domain_get_bvt(d, &b, &call->err))
        return call->err.rc;
    json_add_int(o, "weight", b.weight);
    json_add_int(o, "warp_us", b.warp_us);
    json_add_int(o, "limit_us", b.limit_us);
    json_add_int(o, "unwarp_us", b.unwarp_us);
    return 0;
}

static int api_bvt(struct rpc_call *call)
{
    const struct names_args *a = call->args;

    return for_domains(call, &a->domains, add_bvt);
}

struct bvt_args {
    char *domain;
    struct domain_bvt bvt;
};

#define BVT(f) \
    { #f, FIELD_INT, offsetof(struct bvt_args, bvt.f), false, 0, 0, -1, NULL }

static const struct field bvt_fields[] = {
    STRING(bvt_args, domain, true), BVT(weight), BVT(warp_us), BVT(limit_us),
    BVT(unwarp_us), END
};

static int api_set_bvt(struct rpc_call *call)
{
    const struct bvt_args *a = call->args;
    struct domain *d = rpc_target(call);

    return d ? domain_set_bvt(d, &a->bvt, &call->err) : call->err.rc;
}

const struct rpc_method vcpu_methods[] = {
    { "domain.set_vcpus", RIGHT_ADMIN, vcpus_fields, sizeof(struct vcpus_args),
      api_set_vcpus },
    { "domain.pin", RIGHT_ADMIN, pin_fields, sizeof(struct pin_args),
      api_pin },
    { "domain.vcpus", RIGHT_READ, names_fields, sizeof(struct names_args),
      api_vcpus },
    { "domain.sched", RIGHT_READ, names_fields, sizeof(struct names_args),
      api_sched },
    { "domain.set_sched", RIGHT_ADMIN, sched_fields,
      sizeof(struct sched_args), api_set_sched },
    { "domain.bvt", RIGHT_READ, names_fields, sizeof(struct names_args),
      api_bvt },
    { "domain.set_bvt", RIGHT_ADMIN, bvt_fields, sizeof(struct bvt_args),
      api_set_bvt },
    { NULL, 0, NULL, 0, NULL }
};
