/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>

#include "domain/domain.h"
#include "host/host.h"
#include "xc.h"
#include "xend.h"

static int sched_error(struct domain *d, int rc, struct err *err)
{
    if (rc == -EOPNOTSUPP)
        return err_set(err, rc, "the hypervisor runs a scheduler that has no "
                       "weights and caps");
    return err_sys(err, rc, "cannot reach the scheduler's values of %s",
                   d->config->name);
}

int domain_set_sched(struct domain *d, int64_t weight, int64_t cap,
                     struct err *err)
{
    int rc = domain_need_live(d, err);

    if (rc)
        return rc;
    if (weight != -1 && (weight < 1 || weight > 65535))
        return err_set(err, -EINVAL, "weight must be from 1 to 65535");
    if (cap != -1 && (cap < 0 || cap > 100 * CONFIG_MAX_VCPUS))
        return err_set(err, -EINVAL, "cap must be from 0 to %d, in percent of "
                       "one CPU", 100 * CONFIG_MAX_VCPUS);
    rc = xc_sched_set(host_xc(d->x->host), d->domid, weight < 0 ? 0 : weight,
                      cap);
    if (rc)
        return sched_error(d, rc, err);
    if (!d->domid)
        return 0;
    if (weight >= 0)
        d->config->weight = weight;
    if (cap >= 0)
        d->config->cap = cap;
    return persist_save(d, err);
}

int domain_get_sched(struct domain *d, int64_t *ret_weight, int64_t *ret_cap,
                     struct err *err)
{
    struct xc_sched_params p;
    int rc = xc_sched_get(host_xc(d->x->host), d->domid, &p);

    if (rc)
        return sched_error(d, rc, err);
    *ret_weight = p.weight;
    *ret_cap = p.cap;
    return 0;
}
