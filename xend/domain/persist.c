/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What outlives the daemon: a definition per domain in the state folder, and
 * beside it in the run folder, which a host's reboot empties, where it is in
 * its life.  The latter is the record of intent: a restart finishes or undoes
 * what it says was under way.
 */
#include <dirent.h>
#include <errno.h>

#include "console/console.h"
#include "device/device.h"
#include "domain/domain.h"
#include "domain/nodes.h"
#include "domain/save.h"
#include "domain/save_file.h"
#include "host/host.h"
#include "store/store.h"
#include "util/cleanup.h"
#include "util/json.h"
#include "util/log.h"
#include "xc.h"
#include "xend.h"

#define VERSION 1

static char *definition_path(const struct xend *x, const char *uuid)
{
    return xasprintf("%s/%s.json", x->opt.state_dir, uuid);
}

static char *record_path(const struct xend *x, const char *uuid)
{
    return xasprintf("%s/domains/%s.json", x->opt.run_dir, uuid);
}

/* obj is used up. */
static int write_file(const char *path, struct json_object *obj,
                      struct err *err)
{
    int rc = json_write_file(path, obj);

    json_object_put(obj);
    return rc ? err_sys(err, rc, "cannot write %s", path) : 0;
}

static int write_record(struct domain *d, struct err *err)
{
    _cleanup_free_ char *path = record_path(d->x, d->uuid);
    struct json_object *o = json_object_new_object();
    char handle[37];

    uuid_format(d->handle, handle);
    json_add_int(o, "version", VERSION);
    json_add_str(o, "state", life_word(dump_note(d, o)));
    json_add_int(o, "domid", d->domid == NO_DOMID ? -1 : (int64_t)d->domid);
    json_add_str(o, "handle", handle);
    json_add_bool(o, "restarting", d->restarting);
    json_add_str(o, "renaming", *d->renaming ? d->renaming : NULL);
    json_add_int(o, "reason", d->reason);
    json_add_int(o, "started", d->started);
    json_add_int(o, "store_port", d->rings.store_port);
    json_add_int(o, "store_mfn", (int64_t)d->rings.store_mfn);
    json_add_int(o, "console_port", d->rings.console_port);
    json_add_int(o, "console_mfn", (int64_t)d->rings.console_mfn);
    save_note(d, o);
    return write_file(path, o, err);
}

int persist_save(struct domain *d, struct err *err)
{
    _cleanup_free_ char *path = definition_path(d->x, d->uuid);
    struct json_object *o;
    int rc;

    if (d->adopted || !d->domid)
        return 0;
    rc = write_record(d, err);
    if (rc)
        return rc;
    o = json_object_new_object();
    json_add_int(o, "version", VERSION);
    json_object_object_add(o, "config", config_to_json(d->config));
    if (d->next)
        json_object_object_add(o, "next", config_to_json(d->next));
    return write_file(path, o, err);
}

void persist_note(struct domain *d)
{
    struct err err;

    if (!d->adopted && d->domid && write_record(d, &err))
        log_err("%s", err.text);
}

void persist_forget(struct xend *x, const char *uuid)
{
    _cleanup_free_ char *definition = definition_path(x, uuid);
    _cleanup_free_ char *record = record_path(x, uuid);

    /* The record goes last: without a definition it means nothing. */
    unlink(definition);
    unlink(record);
}

void persist_remove(struct domain *d)
{
    if (!d->adopted)
        persist_forget(d->x, d->uuid);
}

/* --- the way back -------------------------------------------------------- */

struct living {                 /* what the hypervisor has */
    struct xc_domain_info *info;
    bool *known;
    unsigned int nr;
};

static int list_living(struct xend *x, struct living *l)
{
    unsigned int max = 64;
    int n;

    do {
        max *= 2;
        l->info = xrealloc(l->info, max * sizeof(*l->info));
        n = xc_domain_getinfolist(host_xc(x->host), 0, max, l->info);
        if (n < 0)
            return n;
    } while (n == (int)max);
    l->nr = n;
    l->known = xcalloc(n, sizeof(*l->known));
    return 0;
}

static bool lives(const struct living *l, const uint8_t uuid[16],
                  int64_t domid)
{
    for (unsigned int i = 0; i < l->nr; i++)
        if (l->info[i].domid == domid && !memcmp(l->info[i].uuid, uuid, 16))
            return domid > 0;
    return false;
}

/* By id and uuid; without a record by uuid alone. */
static struct xc_domain_info *find_living(struct living *l,
                                          const uint8_t uuid[16],
                                          int64_t domid)
{
    struct xc_domain_info *found = NULL;

    for (unsigned int i = 0; i < l->nr; i++)
        if (l->info[i].domid && !memcmp(l->info[i].uuid, uuid, 16) &&
            !l->known[i]) {
            found = &l->info[i];
            if (found->domid == domid)
                break;
        }
    if (found)
        l->known[found - l->info] = true;
    return found;
}

static enum life_state parse_state(struct json_object *record)
{
    const char *word = record ? json_get_str(record, "state") : NULL;

    for (enum life_state s = 0; word && s < NR_LIFE_STATES; s++)
        if (streq(word, life_word(s)))
            return s;
    return LIFE_RUNNING;
}

/* Where a domain's life goes on, from what was noted and what there is. */
static enum life_state resume_state(enum life_state noted, bool restarting,
                                    const struct xc_domain_info *info)
{
    switch (noted) {
    case LIFE_RUNNING:
    case LIFE_PAUSED:
    case LIFE_SUSPENDING:
    case LIFE_SAVING:           /* what has suspended goes on then */
        if (!info || info->dying)
            return LIFE_STOPPING;
        return info->paused ? LIFE_PAUSED : LIFE_RUNNING;
    case LIFE_ENDED:
        return info && !info->dying ? LIFE_ENDED : LIFE_STOPPING;
    case LIFE_RESTARTING:
        return LIFE_RESTARTING;
    case LIFE_BUILDING:
        return restarting ? LIFE_RESTARTING : LIFE_STOPPING;
    default:
        return LIFE_STOPPING;
    }
}

static void read_record(struct domain *d, struct json_object *record)
{
    const char *handle = json_get_str(record, "handle"), *text;

    if (handle)
        uuid_parse(handle, d->handle);
    d->restarting = json_object_get_boolean(
        json_object_object_get(record, "restarting"));
    text = json_get_str(record, "renaming");
    snprintf(d->renaming, sizeof(d->renaming), "%s", text ? text : "");
    d->reason = json_get_int(record, "reason", 0);
    d->started = json_get_int(record, "started", 0);
    d->rings.store_port = json_get_int(record, "store_port", 0);
    d->rings.store_mfn = json_get_int(record, "store_mfn", 0);
    d->rings.console_port = json_get_int(record, "console_port", 0);
    d->rings.console_mfn = json_get_int(record, "console_mfn", 0);
}

static struct domain_config *parse_definition(struct json_object *json,
                                              const char *path)
{
    struct domain_config *c = NULL;
    struct config_report report = { 0 };

    if (config_from_json(json, &report, &c) ||
        config_check(c, path, &report)) {
        log_err("%s: %s", path, report.error);
        config_free(c);
        c = NULL;
    }
    config_report_fini(&report);
    return c;
}

/* ret_next: the one that takes effect later, or NULL. */
static struct domain_config *read_definition(const char *path,
                                             struct domain_config **ret_next)
{
    struct domain_config *c;
    struct json_object *o, *next;
    int rc;

    rc = json_read_file(path, &o);
    if (rc) {
        log_err("cannot read %s: %s", path, strerror(-rc));
        return NULL;
    }
    c = parse_definition(json_get_obj(o, "config"), path);
    next = json_get_obj(o, "next");
    if (c && next)
        *ret_next = parse_definition(next, path);
    json_object_put(o);
    return c;
}

/* Killed when the one that ended had its new name and uuid, and these files
 * were the next one's, which had not begun. */
static bool was_renamed(struct xend *x, struct json_object *record)
{
    const char *uuid = record ? json_get_str(record, "renaming") : NULL;
    _cleanup_free_ char *path = uuid ? definition_path(x, uuid) : NULL;

    return path && !access(path, F_OK);
}

static void restore_one(struct xend *x, const char *uuid,
                        struct json_object *record, struct living *l,
                        const uint8_t handle[16], int64_t domid)
{
    _cleanup_free_ char *path = definition_path(x, uuid);
    _cleanup_(config_freep) struct domain_config *next = NULL;
    _cleanup_(config_freep) struct domain_config *c = read_definition(path,
                                                                      &next);
    bool renamed = was_renamed(x, record);
    struct xc_domain_info *info;
    struct domain *d;

    if (!c || domain_find(x, c->name))
        return;
    info = renamed ? NULL : find_living(l, handle, domid);
    if (!record && !info) {
        log_info("%s: ended with the host, forgotten", c->name);
        persist_forget(x, uuid);
        return;
    }
    d = domain_add(x, TAKE_PTR(c), LIFE_OFF, info ? info->domid :
                   domid > 0 ? (uint32_t)domid : NO_DOMID);
    d->next = TAKE_PTR(next);
    if (record) {
        read_record(d, record);
        save_file_undo(record);
    }
    if (record && info)
        dump_undo(d, record, &info->paused);
    if (renamed)
        *d->renaming = 0;
    d->state = renamed ? LIFE_RESTARTING :
               resume_state(parse_state(record), d->restarting, info);
    log_info("%s (%d): %s", d->config->name, (int)d->domid,
             life_word(d->state));
}

/* Those whose domains live under the id that was noted, or all others. */
static void restore_some(struct xend *x, const char *uuid, struct living *l,
                         bool noted)
{
    _cleanup_free_ char *path = record_path(x, uuid);
    struct json_object *record = NULL;
    uint8_t handle[16];
    const char *text;
    int64_t domid;

    json_read_file(path, &record);
    text = record ? json_get_str(record, "handle") : NULL;
    uuid_parse(text ? text : uuid, handle);
    domid = record && !was_renamed(x, record) ?
            json_get_int(record, "domid", -1) : -1;
    if (noted == lives(l, handle, domid))
        restore_one(x, uuid, record, l, handle, domid);
    json_object_put(record);
}

static void restore_definitions(struct xend *x, struct living *l, bool noted)
{
    DIR *files = opendir(x->opt.state_dir);
    struct dirent *e;

    if (!files) {
        log_err("cannot read %s: %m", x->opt.state_dir);
        return;
    }
    while ((e = readdir(files))) {
        _cleanup_free_ char *uuid = xstrdup(e->d_name);
        uint8_t bytes[16];

        uuid[strcspn(uuid, ".")] = 0;
        if (uuid_parse(uuid, bytes) && streq(e->d_name + 36, ".json"))
            restore_some(x, uuid, l, noted);
        else if (strstr(e->d_name, ".json.new"))
            unlinkat(dirfd(files), e->d_name, 0);   /* a torn write */
    }
    closedir(files);
}

/* Of domains without a definition: killed before that was there, or after it
 * went.  One that cannot be read may be put right: its record stays. */
static void sweep_records(struct xend *x)
{
    _cleanup_free_ char *dir = xasprintf("%s/domains", x->opt.run_dir);
    DIR *files = opendir(dir);
    struct dirent *e;

    while (files && (e = readdir(files))) {
        _cleanup_free_ char *uuid = xstrdup(e->d_name), *definition = NULL;

        uuid[strcspn(uuid, ".")] = 0;
        definition = definition_path(x, uuid);
        if (*uuid && (access(definition, F_OK) ||
                      !streq(e->d_name + strlen(uuid), ".json")))
            unlinkat(dirfd(files), e->d_name, 0);
    }
    if (files)
        closedir(files);
}

/* Domains that others made: they can be seen, paused and destroyed. */
static void adopt(struct xend *x, const struct xc_domain_info *info)
{
    struct domain_config *c = config_new();
    struct domain *d;

    c->name = info->domid ?
              store_readf(x->store, NULL, "/local/domain/%u/name",
                          info->domid) : xstrdup("Domain-0");
    if (!c->name || config_name_problem(c->name) || domain_find(x, c->name)) {
        free(c->name);
        c->name = xasprintf("domain-%u", info->domid);
    }
    memcpy(c->uuid, info->uuid, sizeof(c->uuid));
    c->vcpus = info->online_vcpus;
    c->maxvcpus = info->max_vcpu_id + 1;
    c->memory_kb = info->pages * (XC_PAGE_SIZE / 1024);
    c->maxmem_kb = c->memory_kb;
    d = domain_add(x, c, info->paused ? LIFE_PAUSED : LIFE_RUNNING,
                   info->domid);
    d->adopted = info->domid != 0;
}

/* Children of path for which keep says no are removed with all below. */
static void sweep(struct xend *x, const char *path,
                  bool (*keep)(struct xend *x, const char *name))
{
    _cleanup_free_ char *names = store_list(x->store, NULL, path);
    _cleanup_free_ char *child = NULL;

    for (char *n = names; n && *n; n += strlen(n) + 1) {
        if (keep(x, n))
            continue;
        free(child);
        child = xasprintf("%s/%s", path, n);
        store_rm(x->store, NULL, child);
    }
}

static bool keep_domid(struct xend *x, const char *name)
{
    return domain_by_id(x, strtoul(name, NULL, 10)) != NULL;
}

static bool keep_uuid(struct xend *x, const char *name)
{
    return domain_by_uuid(x, name) != NULL;
}

static void release_strangers(struct xend *x)
{
    unsigned int nr = store_domids(x->store, NULL, 0), i;
    _cleanup_free_ unsigned int *domid = xcalloc(nr, sizeof(*domid));

    store_domids(x->store, domid, nr);
    for (i = 0; i < nr; i++)
        if (!domain_by_id(x, domid[i]))
            store_release(x->store, domid[i]);
    sweep(x, "/local/domain", keep_domid);
    sweep(x, "/local/domain/0/backend/console", keep_domid);
    sweep(x, "/local/domain/0/backend/vbd", keep_domid);
    sweep(x, "/local/domain/0/backend/vif", keep_domid);
    sweep(x, "/local/domain/0/error/backend/vbd", keep_domid);
    sweep(x, "/local/domain/0/error/backend/vif", keep_domid);
    sweep(x, "/vm", keep_uuid);
}

static void finish_intent(struct domain *d, void *ctx)
{
    (void)ctx;
    devices_restore(d);
    if (d->state == LIFE_STOPPING || d->state == LIFE_RESTARTING)
        domain_teardown(d);
}

int persist_restore(struct xend *x)
{
    struct living l = { NULL, NULL, 0 };
    int rc;

    rc = list_living(x, &l);
    if (!rc) {
        /* One that is kept under another name has the next one's uuid, too. */
        restore_definitions(x, &l, true);
        restore_definitions(x, &l, false);
        sweep_records(x);
        for (unsigned int i = 0; i < l.nr; i++)
            if (!l.known[i])
                adopt(x, &l.info[i]);
        release_strangers(x);
        domains_each(x, finish_intent, NULL);
    }
    free(l.info);
    free(l.known);
    return rc;
}

static void resume_one(struct domain *d, void *ctx)
{
    struct xend *x = ctx;
    int rc;

    if (!d->domid || d->adopted || (d->state != LIFE_RUNNING &&
        d->state != LIFE_PAUSED && d->state != LIFE_ENDED))
        return;
    if (!store_is_introduced(x->store, d->domid)) {
        rc = store_introduce(x->store, d->domid, d->rings.store_mfn,
                             d->rings.store_port);
        if (rc)
            log_err("%s: cannot connect it to xenstore: %s", d->config->name,
                    strerror(-rc));
    }
    save_withdraw(d);
    rc = console_reattach(x->consoles, d->domid, d->config->name,
                          d->rings.console_mfn, d->rings.console_port);
    if (rc)
        log_err("%s: cannot connect its console: %s", d->config->name,
                strerror(-rc));
    if (*d->renaming)
        domain_rename_restart(d);
    else
        devices_resume(d);
}

void persist_resume(struct xend *x)
{
    int rc = nodes_write_host(x);

    if (rc)
        log_err("cannot write the host's xenstore nodes: %s", strerror(-rc));
    devices_resume_host(x);
    domains_each(x, resume_one, x);
    domains_scan(x);
}
