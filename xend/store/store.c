/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <string.h>

#include "store/private.h"
#include "util/cleanup.h"
#include "util/log.h"

#define RETRY_US (10u * 1000 * 1000)

static int on_later(sd_event_source *source, void *ctx)
{
    struct store *s = ctx;
    struct list now;
    struct conn *c;

    (void)source;
    /* Those that have more to do afterwards join the list of the next turn. */
    list_init(&now);
    while ((c = list_first(&s->runnable, struct conn, run))) {
        list_del(&c->run);
        list_add_tail(&now, &c->run);
    }
    while ((c = list_first(&now, struct conn, run)))
        conn_run(c);
    store_settle(s);
    local_run(s);
    if (!list_empty(&s->runnable) || !list_empty(&s->local_events))
        store_wake(s);
    return 0;
}

void store_wake(struct store *s)
{
    sd_event_source_set_enabled(s->later, SD_EVENT_ONESHOT);
}

uint64_t store_now(const struct store *s)
{
    uint64_t now = 0;

    sd_event_now(s->params.loop, CLOCK_MONOTONIC, &now);
    return now;
}

static void rewrite_failed(struct store *s, int rc)
{
    log_err("xenstore: cannot write the journal in %s: %s; a restart of the "
            "daemon would lose changes until it can", s->params.state_dir,
            strerror(-rc));
    state_rewrite_abort(s);
    s->retry_at = store_now(s) + RETRY_US;
}

static int on_rewrite(sd_event_source *source, void *ctx)
{
    struct store *s = ctx;
    int rc = s->rewriting ? state_rewrite_step(s) : 0;

    if (rc < 0)
        rewrite_failed(s, rc);
    if (rc <= 0)
        sd_event_source_set_enabled(source, SD_EVENT_OFF);
    return 0;
}

/* Keep the journal short, and whole: a failed one is tried again as a whole. */
static void maintain_journal(struct store *s)
{
    struct journal *j = &s->journal;
    int rc;

    if (j->failed) {
        state_rewrite_abort(s);
        if (store_now(s) < s->retry_at)
            return;
        rc = state_rewrite_now(s);
        if (!rc)
            log_info("xenstore: the journal is complete again");
    } else {
        if (s->rewriting || j->size < s->rewrite_at ||
            store_now(s) < s->retry_at)
            return;
        rc = state_rewrite_begin(s);
        if (!rc)
            sd_event_source_set_enabled(s->rewriter, SD_EVENT_ON);
    }
    if (rc)
        rewrite_failed(s, rc);
}

void store_settle(struct store *s)
{
    struct conn *c;

    do {
        journal_commit(&s->journal);
        while ((c = list_first(&s->dirty, struct conn, dirty)))
            conn_flush(c);
    } while (s->journal.group.len);     /* a ring broke: that is news, too */
    maintain_journal(s);
}

static void count_nodes(void *ctx, unsigned int owner, int delta)
{
    struct store *s = ctx;

    s->owned[owner] += delta;
    s->nr_nodes += delta;
}

static void default_quota(struct store_quota *q)
{
    static const struct store_quota usual = {
        1000, 128, 2048, 10, 1024, 5, 20, 1u << 20,
    };

#define DEFAULT(field) (q->field = q->field ? q->field : usual.field)
    DEFAULT(nodes);
    DEFAULT(watches);
    DEFAULT(value);
    DEFAULT(transactions);
    DEFAULT(tx_nodes);
    DEFAULT(perms);
    DEFAULT(outstanding);
    DEFAULT(event_bytes);
#undef DEFAULT
}

static int create_sources(struct store *s)
{
    sd_event *loop = s->params.loop;
    int rc;

    rc = sd_event_add_defer(loop, &s->later, on_later, s);
    if (rc >= 0)
        rc = sd_event_source_set_enabled(s->later, SD_EVENT_OFF);
    if (rc >= 0)
        rc = sd_event_add_defer(loop, &s->rewriter, on_rewrite, s);
    if (rc >= 0)
        rc = sd_event_source_set_enabled(s->rewriter, SD_EVENT_OFF);
    return rc < 0 ? rc : 0;
}

int store_create(const struct store_params *params, struct store **ret_s)
{
    struct store *s = xcalloc(1, sizeof(*s));
    int rc;

    s->params = *params;
    s->params.state_dir = xstrdup(params->state_dir);
    s->params.socket_dir = params->socket_dir ? xstrdup(params->socket_dir) :
                                                NULL;
    default_quota(&s->params.quota);
    s->owned = xcalloc(DOMIDS, sizeof(*s->owned));
    tree_init(&s->live, count_nodes, s);
    watches_init(&s->watches);
    hash_init(&s->domains);
    list_init(&s->conns);
    list_init(&s->dirty);
    list_init(&s->runnable);
    local_init(s);
    rc = journal_open(&s->journal, s->params.state_dir);
    if (!rc)
        rc = create_sources(s);
    if (!rc)
        rc = state_load(s);
    if (!rc)
        rc = state_rewrite_now(s);
    if (!rc)
        rc = store_mkdir(s, NULL, "/tool/xenstored");
    if (rc) {
        log_err("xenstore: the journal in %s: %s", s->params.state_dir,
                strerror(-rc));
        store_destroy(s);
        return rc;
    }
    *ret_s = s;
    return 0;
}

int store_start(struct store *s)
{
    struct conn *c;
    int rc;

    list_for_each(c, &s->conns, link) {
        if (c->kind != CONN_RING)
            continue;
        rc = ring_attach(c, false);
        if (rc)
            log_warn("xenstore: cannot attach the ring of domain %u: %s",
                     c->domid, strerror(-rc));
    }
    if (s->params.kernel_ring && !conn_of_domain(s, 0)) {
        rc = conn_introduce(s, 0, 0, 0);
        if (rc)
            log_err("xenstore: cannot attach the ring of dom0's kernel: %s",
                    strerror(-rc));
    }
    store_settle(s);
    return listeners_create(s);
}

void store_destroy(struct store *s)
{
    struct conn *c, *next_c;

    if (!s)
        return;
    listeners_destroy(s);
    state_rewrite_abort(s);
    local_fini(s);
    list_for_each_safe(c, next_c, &s->conns, link)
        conn_free(c);
    sd_event_source_disable_unref(s->later);
    sd_event_source_disable_unref(s->rewriter);
    journal_close(&s->journal);
    tree_fini(&s->live);
    watches_fini(&s->watches);
    hash_fini(&s->domains);
    free(s->owned);
    free((char *)s->params.state_dir);
    free((char *)s->params.socket_dir);
    free(s);
}

int store_introduce(struct store *s, unsigned int domid, uint64_t mfn,
                    unsigned int port)
{
    int rc = conn_introduce(s, domid, mfn, port);

    store_settle(s);
    return rc;
}

int store_release(struct store *s, unsigned int domid)
{
    int rc = conn_release(s, domid);

    store_settle(s);
    return rc;
}

void store_announce(struct store *s, const char *name)
{
    access_fire_special(s, name);
    store_settle(s);
}

static int compare(const void *a, const void *b)
{
    const unsigned int *x = a, *y = b;

    return *x < *y ? -1 : *x > *y;
}

unsigned int store_domids(const struct store *s, unsigned int *ret_domids,
                          unsigned int max)
{
    unsigned int nr = 0;
    struct conn *c;

    list_for_each(c, &s->conns, link)
        if (c->kind == CONN_RING && c->domid) {
            if (nr < max)
                ret_domids[nr] = c->domid;
            nr++;
        }
    if (max)
        qsort(ret_domids, nr < max ? nr : max, sizeof(*ret_domids), compare);
    return nr;
}

bool store_is_introduced(const struct store *s, unsigned int domid)
{
    return !domid || conn_of_domain((struct store *)s, domid);
}

bool store_is_watched(const struct store *s, unsigned int domid,
                      const char *path)
{
    struct conn *c = conn_of_domain((struct store *)s, domid);
    struct watch *w;

    if (!c)
        return false;
    list_for_each(w, &c->watches, by_owner)
        if (streq(watch_path(w), path))
            return true;
    return false;
}

void store_get_stats(const struct store *s, struct store_stats *ret_stats)
{
    struct conn *c;

    *ret_stats = (struct store_stats){
        .nodes = s->nr_nodes, .journal_bytes = s->journal.size,
        .compactions = s->compactions,
    };
    list_for_each(c, &s->conns, link) {
        ret_stats->watches += c->nr_watches;
        ret_stats->transactions += c->nr_txns;
        ret_stats->connections++;
    }
}
