/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What listings show: the hypervisor's figures with our names. */
#include <errno.h>
#include <time.h>

#include "domain/domain.h"
#include "domain/save.h"
#include "host/host.h"
#include "util/cleanup.h"
#include "xc.h"
#include "xend.h"

/* While a domain is built its id is not known here yet: its uuid is. */
static struct domain *owner(struct xend *x, const struct xc_domain_info *info)
{
    struct domain *d = domain_by_id(x, info->domid);
    char uuid[37];

    if (d)
        return d;
    uuid_format(info->uuid, uuid);
    d = domain_by_uuid(x, uuid);
    return d && d->domid == NO_DOMID ? d : NULL;
}

/* Once it is being taken down nobody can use it any more. */
static bool ending(const struct domain *d)
{
    return d && (d->state == LIFE_UNDOING || d->state == LIFE_STOPPING ||
                 d->state == LIFE_RESTARTING);
}

static void fill(struct xend *x, const struct xc_domain_info *info,
                 struct domain_status *s)
{
    struct domain *d = owner(x, info);
    struct timespec now;

    *s = (struct domain_status){
        .domid = info->domid,
        .memory_kb = info->pages * (XC_PAGE_SIZE / 1024),
        /* What hypervisors say of a domain without a limit. */
        .maxmem_kb = info->max_pages >= UINT32_MAX ?
                     UINT64_MAX : info->max_pages * (XC_PAGE_SIZE / 1024),
        .cpu_time_ns = info->cpu_time_ns,
        .vcpus = info->online_vcpus, .max_vcpus = info->max_vcpu_id + 1,
        .running = info->running, .blocked = info->blocked,
        .paused = info->paused, .shutdown = info->shutdown,
        .dying = info->dying || ending(d), .reason = info->shutdown_reason,
        .uptime = -1, .percent = -1,
        .state = d ? d->state : LIFE_RUNNING,
        .config = d && !d->adopted ? d->config : NULL,
    };
    uuid_format(info->uuid, s->uuid);
    snprintf(s->name, sizeof(s->name), "%s", d ? d->config->name : "(null)");
    if (!d)
        return;
    s->percent = d->save ? save_percent(d) : d->dump ? dump_percent(d) :
                 domain_build_percent(d);
    memcpy(s->uuid, d->uuid, sizeof(s->uuid));
    clock_gettime(CLOCK_BOOTTIME, &now);
    if (d->started || !d->domid)
        s->uptime = now.tv_sec - d->started;
}

int domains_status(struct xend *x, struct domain_status **ret_list,
                   unsigned int *ret_nr)
{
    _cleanup_free_ struct domain_status *list = NULL;
    struct xc_domain_info info[64];
    unsigned int nr = 0;
    uint32_t first = 0;
    int n;

    do {
        n = xc_domain_getinfolist(host_xc(x->host), first, 64, info);
        if (n < 0)
            return n;
        list = xrealloc(list, (nr + n) * sizeof(*list));
        for (int i = 0; i < n; i++)
            fill(x, &info[i], &list[nr++]);
        if (n)
            first = info[n - 1].domid + 1;
    } while (n == 64);
    *ret_list = TAKE_PTR(list);
    *ret_nr = nr;
    return 0;
}

int domain_status(struct domain *d, struct domain_status *ret_status)
{
    struct xc_domain_info info;
    int rc;

    if (d->domid == NO_DOMID)
        return -ESRCH;
    rc = xc_domain_getinfo(host_xc(d->x->host), d->domid, &info);
    if (!rc)
        fill(d->x, &info, ret_status);
    return rc;
}
