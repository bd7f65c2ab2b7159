/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>

#include "domain/domain.h"
#include "host/host.h"
#include "store/store.h"
#include "util/cleanup.h"
#include "xc.h"
#include "xend.h"

/* How many vcpus the domain was made with. */
static int count_vcpus(struct domain *d, unsigned int *ret, struct err *err)
{
    struct xc_domain_info info;
    int rc = domain_need_live(d, err);

    if (rc)
        return rc;
    rc = xc_domain_getinfo(host_xc(d->x->host), d->domid, &info);
    if (rc)
        return err_sys(err, rc, "cannot ask for the vcpus of %s",
                       d->config->name);
    *ret = info.max_vcpu_id + 1;
    return 0;
}

int domain_set_vcpus(struct domain *d, int64_t nr, bool ignore_host,
                     struct err *err)
{
    unsigned int max, host = host_nr_cpus(d->x->host);
    int rc = count_vcpus(d, &max, err);

    if (rc)
        return rc;
    if (nr < 1 || nr > max)
        return err_set(err, -EINVAL, "%s was made with %u vcpus: the number "
                       "must be from 1 to %u", d->config->name, max, max);
    if (!ignore_host && nr > host && nr > d->config->vcpus)
        return err_set(err, -EINVAL, "this host has only %u CPUs; use -i to "
                       "give %s more vcpus than that", host, d->config->name);
    for (unsigned int i = 0; i < max && !rc; i++)
        rc = store_writef(d->x->store, NULL, i < nr ? "online" : "offline",
                          "/local/domain/%u/cpu/%u/availability", d->domid, i);
    if (rc)
        return err_sys(err, rc, "cannot tell %s of its vcpus",
                       d->config->name);
    d->config->vcpus = nr;
    return d->domid ? persist_save(d, err) : 0;
}

/* Make *sets one per vcpu, so that a single one can be changed. */
static void spread(struct cpuset **sets, unsigned int *nr, unsigned int vcpus)
{
    struct cpuset *all = xcalloc(vcpus, sizeof(*all));

    for (unsigned int i = 0; i < vcpus; i++)
        if (*nr)
            all[i] = (*sets)[i < *nr ? i : *nr - 1];
        else
            cpuset_fill(&all[i]);
    free(*sets);
    *sets = all;
    *nr = vcpus;
}

static void to_cpumap(const struct cpuset *set, struct xc_cpumap *map)
{
    memset(map, 0, sizeof(*map));
    if (set)
        memcpy(map, set, sizeof(*set));
}

int domain_pin(struct domain *d, int64_t vcpu, const struct cpuset *hard,
               const struct cpuset *soft, struct err *err)
{
    struct domain_config *c = d->config;
    struct xc_cpumap hard_map, soft_map;
    unsigned int max, i;
    int rc = count_vcpus(d, &max, err);

    if (rc)
        return rc;
    if (vcpu >= max)
        return err_set(err, -EINVAL, "%s has no vcpu %lld, only 0 to %u",
                       c->name, (long long)vcpu, max - 1);
    to_cpumap(hard, &hard_map);
    to_cpumap(soft, &soft_map);
    for (i = vcpu < 0 ? 0 : vcpu; i < (vcpu < 0 ? max : vcpu + 1); i++) {
        rc = xc_vcpu_set_affinity(host_xc(d->x->host), d->domid, i,
                                  hard ? &hard_map : NULL,
                                  soft ? &soft_map : NULL);
        if (rc)
            return err_sys(err, rc, "vcpu %u of %s cannot be pinned to these "
                           "CPUs", i, c->name);
    }
    if (!d->domid)
        return 0;
    if (hard) {
        spread(&c->hard, &c->nr_hard, max);
        for (i = 0; i < max; i++)
            if (vcpu < 0 || i == vcpu)
                c->hard[i] = *hard;
    }
    if (soft) {
        spread(&c->soft, &c->nr_soft, max);
        for (i = 0; i < max; i++)
            if (vcpu < 0 || i == vcpu)
                c->soft[i] = *soft;
    }
    return persist_save(d, err);
}

int domain_vcpus(struct domain *d, struct domain_vcpu **ret_vcpus,
                 unsigned int *ret_nr, struct err *err)
{
    _cleanup_free_ struct domain_vcpu *list = NULL;
    struct xc *xc = host_xc(d->x->host);
    struct xc_cpumap hard, soft;
    struct xc_vcpu_info info;
    unsigned int i, max;
    int rc = 0;

    if (d->state != LIFE_ENDED)
        rc = domain_need_live(d, err);
    if (!rc && d->state != LIFE_ENDED)
        rc = count_vcpus(d, &max, err);
    else
        max = d->config->maxvcpus;
    if (rc)
        return rc;
    list = xcalloc(max, sizeof(*list));
    for (i = 0; i < max; i++) {
        rc = xc_vcpu_getinfo(xc, d->domid, i, &info);
        if (!rc)
            rc = xc_vcpu_get_affinity(xc, d->domid, i, &hard, &soft);
        if (rc)
            return err_sys(err, rc, "cannot ask for vcpu %u of %s", i,
                           d->config->name);
        list[i].online = info.online;
        list[i].running = info.running;
        list[i].blocked = info.blocked;
        list[i].cpu = info.cpu;
        list[i].cpu_time_ns = info.cpu_time_ns;
        memcpy(&list[i].hard, &hard, sizeof(list[i].hard));
        memcpy(&list[i].soft, &soft, sizeof(list[i].soft));
    }
    *ret_vcpus = TAKE_PTR(list);
    *ret_nr = max;
    return 0;
}

int domain_send_nmi(struct domain *d, int64_t vcpu, struct err *err)
{
    int rc = domain_need_live(d, err);

    if (rc)
        return rc;
    if (vcpu < 0 || vcpu >= d->config->maxvcpus)
        return err_set(err, -EINVAL, "%s has no vcpu %lld", d->config->name,
                       (long long)vcpu);
    rc = xc_vcpu_send_nmi(host_xc(d->x->host), d->domid, (unsigned int)vcpu);
    if (rc == -EINVAL)
        return err_set(err, rc, "the kernel of %s has no handler for an NMI on "
                       "vcpu %lld", d->config->name, (long long)vcpu);
    return rc ? err_sys(err, rc, "cannot send an NMI to %s", d->config->name)
              : 0;
}
