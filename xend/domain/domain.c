/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The tables of domains, and who waits for what. */
#include <ctype.h>
#include <errno.h>

#include "device/device.h"
#include "domain/domain.h"
#include "domain/save.h"
#include "util/cleanup.h"
#include "xend.h"

struct domains {
    struct list all;
    struct hash by_name, by_id, by_uuid;
};

struct domain_wait {
    struct list link;
    enum domain_until until;
    domain_wait_fn *fn;
    void *ctx;
};

int domains_create(struct xend *x, struct domains **ret_ds)
{
    struct domains *ds = xcalloc(1, sizeof(*ds));

    (void)x;
    list_init(&ds->all);
    hash_init(&ds->by_name);
    hash_init(&ds->by_id);
    hash_init(&ds->by_uuid);
    *ret_ds = ds;
    return 0;
}

void domains_destroy(struct domains *ds)
{
    struct domain *d, *tmp;

    if (!ds)
        return;
    list_for_each_safe(d, tmp, &ds->all, link)
        domain_drop(d);
    hash_fini(&ds->by_name);
    hash_fini(&ds->by_id);
    hash_fini(&ds->by_uuid);
    free(ds);
}

struct domain *domain_by_id(struct xend *x, uint32_t domid)
{
    struct domain *d;

    hash_for_each_match(d, &x->domains->by_id, hash_u64(domid), by_id)
        if (d->domid == domid)
            return d;
    return NULL;
}

struct domain *domain_by_uuid(struct xend *x, const char *uuid)
{
    struct domain *d;

    hash_for_each_match(d, &x->domains->by_uuid, hash_str(uuid), by_uuid)
        if (streq(d->uuid, uuid))
            return d;
    return NULL;
}

static struct domain *by_name(struct xend *x, const char *name)
{
    struct domain *d;

    hash_for_each_match(d, &x->domains->by_name, hash_str(name), by_name)
        if (streq(d->config->name, name))
            return d;
    return NULL;
}

struct domain *domain_find(struct xend *x, const char *name_or_id)
{
    unsigned long id;
    char *end;

    if (isdigit((unsigned char)*name_or_id)) {
        id = strtoul(name_or_id, &end, 10);
        if (!*end)
            return id < NO_DOMID ? domain_by_id(x, id) : NULL;
    }
    return by_name(x, name_or_id);
}

void domains_each(struct xend *x, void (*fn)(struct domain *d, void *ctx),
                  void *ctx)
{
    struct domain *d, *tmp;

    list_for_each_safe(d, tmp, &x->domains->all, link)
        fn(d, ctx);
}

struct domain *domain_add(struct xend *x, struct domain_config *c,
                          enum life_state state, uint32_t domid)
{
    struct domain *d = xcalloc(1, sizeof(*d));

    d->x = x;
    d->config = c;
    d->state = state;
    d->domid = NO_DOMID;
    list_init(&d->waits);
    list_init(&d->devices);
    list_add_tail(&x->domains->all, &d->link);
    uuid_format(c->uuid, d->uuid);
    memcpy(d->handle, c->uuid, sizeof(d->handle));
    hash_add(&x->domains->by_name, &d->by_name, hash_str(c->name));
    hash_add(&x->domains->by_uuid, &d->by_uuid, hash_str(d->uuid));
    domain_set_domid(d, domid);
    return d;
}

void domain_drop(struct domain *d)
{
    struct domains *ds = d->x->domains;

    devices_drop(d);
    domain_build_drop(d);
    save_drop(d);
    dump_drop(d);
    domain_set_domid(d, NO_DOMID);
    hash_del(&ds->by_name, &d->by_name);
    hash_del(&ds->by_uuid, &d->by_uuid);
    list_del(&d->link);
    config_free(d->config);
    config_free(d->next);
    saved_free(d->image);
    free(d);
}

void domain_set_domid(struct domain *d, uint32_t domid)
{
    struct domains *ds = d->x->domains;

    if (d->domid != NO_DOMID)
        hash_del(&ds->by_id, &d->by_id);
    d->domid = domid;
    if (domid != NO_DOMID)
        hash_add(&ds->by_id, &d->by_id, hash_u64(domid));
}

void domain_set_state(struct domain *d, enum life_state state)
{
    if (d->state == state)
        return;
    d->state = state;
    persist_note(d);
    if (d->x->notify)
        d->x->notify(d->x, d, "state");
}

void domain_set_name(struct domain *d, const char *name)
{
    struct domains *ds = d->x->domains;

    hash_del(&ds->by_name, &d->by_name);
    strset(&d->config->name, name);
    if (d->next)
        strset(&d->next->name, name);
    hash_add(&ds->by_name, &d->by_name, hash_str(name));
}

void domain_set_uuid(struct domain *d, const uint8_t uuid[16])
{
    struct domains *ds = d->x->domains;

    hash_del(&ds->by_uuid, &d->by_uuid);
    memcpy(d->config->uuid, uuid, sizeof(d->config->uuid));
    uuid_format(uuid, d->uuid);
    hash_add(&ds->by_uuid, &d->by_uuid, hash_str(d->uuid));
}

struct domain_wait *domain_wait(struct domain *d, enum domain_until until,
                                domain_wait_fn *fn, void *ctx)
{
    struct domain_wait *w = xcalloc(1, sizeof(*w));

    w->until = until;
    w->fn = fn;
    w->ctx = ctx;
    list_add_tail(&d->waits, &w->link);
    return w;
}

void domain_unwait(struct domain_wait *w)
{
    list_del(&w->link);
    free(w);
}

void domain_wake(struct domain *d, enum domain_until until,
                 const struct err *err)
{
    struct domain_wait *w, *tmp;
    struct list woken;

    /* fn may begin new waits: those are for another time. */
    list_init(&woken);
    list_for_each_safe(w, tmp, &d->waits, link)
        if (w->until == until || (until == UNTIL_GONE &&
                                  w->until == UNTIL_ENDED)) {
            list_del(&w->link);
            list_add_tail(&woken, &w->link);
        }
    while ((w = list_first(&woken, struct domain_wait, link))) {
        list_del(&w->link);
        w->fn(w->ctx, err);
        free(w);
    }
}
