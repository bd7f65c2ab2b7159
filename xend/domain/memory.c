/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <stdio.h>

#include "domain/domain.h"
#include "host/host.h"
#include "store/store.h"
#include "xc.h"
#include "xend.h"

#define SLACK_KB  1024          /* over the target, for the guest's rounding */
#define LEAST_KB  (4 * 1024)

static int set_limit(struct domain *d, int64_t kb, struct err *err)
{
    int rc = xc_domain_set_max_mem(host_xc(d->x->host), d->domid,
                                   kb + SLACK_KB);

    return rc ? err_sys(err, rc, "cannot limit the memory of %s",
                        d->config->name) : 0;
}

static int put_target(struct domain *d, int64_t kb, struct err *err)
{
    char text[24];
    int rc;

    snprintf(text, sizeof(text), "%lld", (long long)kb);
    rc = store_writef(d->x->store, NULL, text,
                      "/local/domain/%u/memory/target", d->domid);
    return rc ? err_sys(err, rc, "cannot tell %s of its new size",
                        d->config->name) : 0;
}

/* Growing: first the room, then the wish; shrinking: what it has goes first
 * out of its reach, then it is told. */
int domain_set_memory(struct domain *d, int64_t kb, struct err *err)
{
    int rc = domain_need_live(d, err);

    if (rc)
        return rc;
    if (kb < LEAST_KB)
        return err_set(err, -EINVAL, "%lld KiB are too little for %s",
                       (long long)kb, d->config->name);
    if (d->domid && d->config->maxmem_kb && kb > d->config->maxmem_kb)
        return err_set(err, -EINVAL, "%s can have at most %lld MiB, its "
                       "maxmem", d->config->name,
                       (long long)d->config->maxmem_kb / 1024);
    rc = set_limit(d, kb, err);
    if (!rc)
        rc = put_target(d, kb, err);
    if (rc || !d->domid)
        return rc;
    d->config->memory_kb = kb;
    return persist_save(d, err);
}

int domain_set_maxmem(struct domain *d, int64_t kb, struct err *err)
{
    int rc = domain_need_live(d, err);

    if (rc)
        return rc;
    if (kb < d->config->memory_kb)
        return err_set(err, -EINVAL, "%s is to have %lld MiB at present; "
                       "lower that first with mem-set", d->config->name,
                       (long long)d->config->memory_kb / 1024);
    if (d->domid && kb > d->config->maxmem_kb)
        return err_set(err, -EINVAL, "%s was started with room for %lld MiB; "
                       "more needs a new start with maxmem",
                       d->config->name,
                       (long long)d->config->maxmem_kb / 1024);
    return set_limit(d, kb, err);
}
