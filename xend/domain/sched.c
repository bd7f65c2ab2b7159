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

static int bvt_error(struct domain *d, int rc, struct err *err)
{
    if (rc == -EOPNOTSUPP)
        return err_set(err, rc, "the hypervisor has no borrowed virtual time; "
                       "only zazen's own does");
    return err_sys(err, rc, "cannot reach the scheduler's values of %s",
                   d->config->name);
}

int domain_get_bvt(struct domain *d, struct domain_bvt *ret_bvt,
                   struct err *err)
{
    struct xc_bvt b;
    int rc = xc_bvt_get(host_xc(d->x->host), d->domid, &b);

    if (rc)
        return bvt_error(d, rc, err);
    *ret_bvt = (struct domain_bvt){ b.weight, b.warp ? b.warp_us : 0,
                                    b.warp_limit_us, b.unwarp_us };
    return 0;
}

static bool bad_usec(int64_t usec)
{
    return usec < -1 || usec > 1000000;
}

int domain_set_bvt(struct domain *d, const struct domain_bvt *bvt,
                   struct err *err)
{
    struct xc *xc = host_xc(d->x->host);
    struct xc_bvt b;
    int rc = domain_need_live(d, err);

    if (rc)
        return rc;
    if (bad_usec(bvt->warp_us) || bad_usec(bvt->limit_us) ||
        bad_usec(bvt->unwarp_us))
        return err_set(err, -EINVAL, "warp times must be from 0 to 1000000 "
                       "microseconds");
    rc = xc_bvt_get(xc, d->domid, &b);
    if (rc)
        return bvt_error(d, rc, err);
    if (bvt->weight >= 0) {
        rc = domain_set_sched(d, bvt->weight, -1, err);
        if (rc)
            return rc;
    }
    if (bvt->warp_us >= 0) {
        b.warp = bvt->warp_us > 0;
        b.warp_us = bvt->warp_us;
    }
    if (bvt->limit_us >= 0)
        b.warp_limit_us = bvt->limit_us;
    if (bvt->unwarp_us >= 0)
        b.unwarp_us = bvt->unwarp_us;
    rc = xc_bvt_set(xc, d->domid, &b);
    return rc ? bvt_error(d, rc, err) : 0;
}
