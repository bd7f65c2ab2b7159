/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A definition that takes effect when the domain is started again. */
#include <errno.h>

#include "device/vif.h"
#include "domain/domain.h"
#include "util/cleanup.h"

int domain_update(struct domain *d, struct domain_config *c, struct err *err)
{
    _cleanup_(config_freep) struct domain_config *next = c, *old = NULL;
    int rc = domain_need_live(d, err);

    if (!rc && (!d->domid || d->adopted))
        rc = err_set(err, -EPERM, "%s has no definition here",
                     d->config->name);
    if (rc)
        return rc;
    if (!streq(next->name, d->config->name))
        return err_set(err, -EINVAL, "the definition is one of %s, not of %s; "
                       "rename the domain first", next->name,
                       d->config->name);
    if (uuid_is_zero(next->uuid))
        memcpy(next->uuid, d->config->uuid, sizeof(next->uuid));
    if (memcmp(next->uuid, d->config->uuid, sizeof(next->uuid)))
        return err_set(err, -EINVAL, "%s has another uuid; leave the uuid line "
                       "out", d->config->name);
    config_keep_macs(next, d->config);
    for (unsigned int i = 0; i < next->nr_devices; i++)
        vif_complete(next->device[i]);
    old = d->next;
    d->next = TAKE_PTR(next);
    rc = persist_save(d, err);
    if (rc) {
        config_free(d->next);
        d->next = TAKE_PTR(old);
    }
    return rc;
}

void domain_take_next(struct domain *d)
{
    if (!d->next)
        return;
    config_free(d->config);
    d->config = TAKE_PTR(d->next);
}
