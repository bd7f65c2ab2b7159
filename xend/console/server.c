/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include "console/private.h"
#include "util/cleanup.h"
#include "util/log.h"

#define HISTORY_SIZE (64u << 10)
#define LOG_MAX (1u << 20)
#define INPUT_MAX 4096u             /* typed, and not yet taken by the guest */
#define CLIENTS_MAX 32              /* of one console */
#define CLOSING_US (3u * 1000 * 1000)

/* A guest that floods its console is heard at this rate and no faster. */
#define PERIOD_US (100u * 1000)
#define PERIOD_BYTES (128u << 10)
#define EVENT_COST 256u             /* an event without output costs, too */
#define HISTORY_MIN 4096u

struct client {
    struct list link;
    struct console *c;
    int fd;
    sd_event_source *io;
    uint64_t pos;                   /* in the history */
    struct buf note;                /* a word of ours, before what is at pos */
    struct buf input;
};

uint64_t console_now(const struct consoles *cs)
{
    uint64_t now = 0;

    sd_event_now(cs->params.loop, CLOCK_MONOTONIC, &now);
    return now;
}

static struct console *find(const struct consoles *cs, unsigned int domid)
{
    struct console *c;

    hash_for_each_match(c, &cs->by_domid, hash_u64(domid), by_domid)
        if (c->domid == domid)
            return c;
    return NULL;
}

static void client_free(struct client *cl)
{
    sd_event_source_disable_unref(cl->io);
    closep(&cl->fd);
    buf_fini(&cl->note);
    buf_fini(&cl->input);
    list_del(&cl->link);
    free(cl);
}

/* What is no longer in the history is lost to this client, and it is told. */
static void skip_lost(struct client *cl)
{
    uint64_t oldest = history_oldest(&cl->c->history);

    if (cl->pos >= oldest || cl->note.len)
        return;
    buf_addf(&cl->note, "\r\n[%llu bytes of output are not shown]\r\n",
             (unsigned long long)(oldest - cl->pos));
    cl->pos = oldest;
}

/* Send what there is without waiting.  False: the client is gone. */
static bool client_send(struct client *cl)
{
    struct history *h = &cl->c->history;
    const char *data;
    size_t len;
    ssize_t n;

    skip_lost(cl);
    while (cl->note.len || cl->pos < history_total(h)) {
        if (cl->note.len) {
            n = buf_send(&cl->note, cl->fd);
        } else {
            data = history_at(h, cl->pos, &len);
            n = send(cl->fd, data, len, MSG_NOSIGNAL | MSG_DONTWAIT);
            n = n < 0 ? -errno : n;
            cl->pos += n > 0 ? n : 0;
        }
        if (n == -EAGAIN || n == -EINTR)
            break;
        if (n < 0)
            return false;
    }
    if (h->head->seen < cl->pos)
        h->head->seen = cl->pos;
    return true;
}

static void client_give(struct client *cl)
{
    size_t n = ring_give(cl->c, cl->input.data, cl->input.len);

    buf_consume(&cl->input, n);
}

/* Move both ways what can be moved, and see what to wait for. */
static void client_serve(struct client *cl)
{
    uint32_t events = 0;

    client_give(cl);
    if (!client_send(cl) ||
        (cl->c->closing && cl->pos == history_total(&cl->c->history) &&
         !cl->note.len)) {
        client_free(cl);
        return;
    }
    if (cl->input.len < INPUT_MAX)
        events |= EPOLLIN;
    if (cl->note.len || cl->pos < history_total(&cl->c->history))
        events |= EPOLLOUT;
    sd_event_source_set_io_events(cl->io, events);
}

static int on_client(sd_event_source *source, int fd, uint32_t revents,
                     void *ctx)
{
    struct client *cl = ctx;
    ssize_t n;

    (void)source;
    if (revents & (EPOLLIN | EPOLLHUP | EPOLLERR)) {
        n = buf_read(&cl->input, fd, INPUT_MAX);
        if (n == 0 || (n < 0 && n != -EAGAIN && n != -EINTR)) {
            client_free(cl);
            return 0;
        }
    }
    client_serve(cl);
    return 0;
}

static void serve_clients(struct console *c)
{
    struct client *cl, *next;

    list_for_each_safe(cl, next, &c->clients, link)
        client_serve(cl);
}

static void console_free(struct console *c)
{
    struct client *cl, *next;

    list_for_each_safe(cl, next, &c->clients, link)
        client_free(cl);
    sd_event_source_disable_unref(c->deadline);
    con_ring_detach(c);
    log_close(&c->log);
    history_close(&c->history);
    if (!c->closing)
        hash_del(&c->cs->by_domid, &c->by_domid);
    list_del(&c->link);
    free(c->name);
    free(c->path);
    free(c);
}

/* Is the guest within its rate?  If not, it waits for the next period. */
static bool may_take(struct console *c)
{
    uint64_t now = console_now(c->cs);

    if (now - c->period >= PERIOD_US) {
        c->period = now;
        c->taken = 0;
    }
    if (c->taken < PERIOD_BYTES)
        return true;
    if (!c->throttled) {
        c->throttled = true;
        sd_event_source_set_time(c->deadline, c->period + PERIOD_US);
        sd_event_source_set_enabled(c->deadline, SD_EVENT_ONESHOT);
    }
    return false;
}

void console_event(struct console *c)
{
    if (may_take(c)) {
        ring_unmask(c);
        c->taken += EVENT_COST + ring_take(c);
        log_update(&c->log, &c->history, console_now(c->cs));
    }
    serve_clients(c);
}

static int on_deadline(sd_event_source *source, uint64_t usec, void *ctx)
{
    struct console *c = ctx;

    (void)source;
    (void)usec;
    if (c->closing) {
        console_free(c);
        return 0;
    }
    c->throttled = false;
    console_event(c);
    return 0;
}

struct consoles *consoles_create(const struct console_params *params)
{
    struct consoles *cs = xcalloc(1, sizeof(*cs));
    const char *dir = params->log_dir;

    cs->params = *params;
    cs->params.state_dir = xstrdup(params->state_dir);
    cs->params.log_dir = dir ? xstrdup(dir) : NULL;
    if (!params->history)
        cs->params.history = HISTORY_SIZE;
    if (cs->params.history < HISTORY_MIN)
        cs->params.history = HISTORY_MIN;
    if (!params->log_max)
        cs->params.log_max = LOG_MAX;
    list_init(&cs->all);
    hash_init(&cs->by_domid);
    if (dir && mkdir(dir, 0750) < 0 && errno != EEXIST)
        log_warn("console: %s: %s", dir, strerror(errno));
    return cs;
}

void consoles_destroy(struct consoles *cs)
{
    struct console *c, *next;

    if (!cs)
        return;
    list_for_each_safe(c, next, &cs->all, link)
        console_free(c);
    hash_fini(&cs->by_domid);
    free((char *)cs->params.state_dir);
    free((char *)cs->params.log_dir);
    free(cs);
}

static char *history_path(const struct consoles *cs, unsigned int domid)
{
    return xasprintf("%s/console-%u", cs->params.state_dir, domid);
}

static int serve(struct consoles *cs, unsigned int domid, const char *name,
                 uint64_t mfn, unsigned int port, bool fresh)
{
    struct console *c;
    int rc;

    if (find(cs, domid))
        return -EEXIST;
    c = xcalloc(1, sizeof(*c));
    c->cs = cs;
    c->domid = domid;
    c->mfn = mfn;
    c->port = port;
    c->name = xstrdup(name);
    c->path = history_path(cs, domid);
    list_init(&c->clients);
    list_add_tail(&cs->all, &c->link);
    hash_add(&cs->by_domid, &c->by_domid, hash_u64(domid));
    history_open(&c->history, c->path, cs->params.history, fresh);
    log_open(&c->log, cs->params.log_dir, name, cs->params.log_max,
             &c->history);
    rc = sd_event_add_time(cs->params.loop, &c->deadline, CLOCK_MONOTONIC, 0,
                           0, on_deadline, c);
    if (rc >= 0)
        rc = sd_event_source_set_enabled(c->deadline, SD_EVENT_OFF);
    if (rc >= 0)
        rc = con_ring_attach(c, fresh);
    if (rc < 0) {
        if (fresh)
            unlink(c->path);
        console_free(c);
        return rc;
    }
    console_event(c);
    return 0;
}

int console_add(struct consoles *cs, unsigned int domid, const char *name,
                uint64_t mfn, unsigned int port)
{
    return serve(cs, domid, name, mfn, port, true);
}

int console_reattach(struct consoles *cs, unsigned int domid,
                     const char *name, uint64_t mfn, unsigned int port)
{
    return serve(cs, domid, name, mfn, port, false);
}

void console_remove(struct consoles *cs, unsigned int domid)
{
    _cleanup_free_ char *path = history_path(cs, domid);
    struct console *c = find(cs, domid);

    unlink(path);
    if (!c)
        return;
    ring_take(c);
    log_update(&c->log, &c->history, console_now(cs));
    con_ring_detach(c);
    hash_del(&cs->by_domid, &c->by_domid);
    c->closing = true;
    serve_clients(c);
    if (list_empty(&c->clients)) {
        console_free(c);
        return;
    }
    sd_event_source_set_time(c->deadline, console_now(cs) + CLOSING_US);
    sd_event_source_set_enabled(c->deadline, SD_EVENT_ONESHOT);
}

int console_rename(struct consoles *cs, unsigned int domid, const char *name)
{
    struct console *c = find(cs, domid);

    if (!c)
        return -ENOENT;
    strset(&c->name, name);
    log_close(&c->log);
    log_open(&c->log, cs->params.log_dir, name, cs->params.log_max,
             &c->history);
    return 0;
}

int console_attach(struct consoles *cs, unsigned int domid, int fd, bool all,
                   const void *early, size_t len)
{
    struct console *c = find(cs, domid);
    struct client *cl;
    int rc;

    if (!c || console_clients(cs, domid) >= CLIENTS_MAX) {
        close(fd);
        return c ? -EUSERS : -ENOENT;
    }
    cl = xcalloc(1, sizeof(*cl));
    cl->c = c;
    cl->fd = fd;
    cl->pos = all ? history_oldest(&c->history) : c->history.head->seen;
    list_add_tail(&c->clients, &cl->link);
    rc = fcntl(fd, F_SETFL, O_NONBLOCK) < 0 ? -errno :
        sd_event_add_io(cs->params.loop, &cl->io, fd, EPOLLIN, on_client, cl);
    if (rc < 0) {
        client_free(cl);
        return rc;
    }
    buf_add(&cl->input, early, len < INPUT_MAX ? len : INPUT_MAX);
    client_serve(cl);
    return 0;
}

unsigned int console_clients(const struct consoles *cs, unsigned int domid)
{
    struct console *c = find(cs, domid);
    struct client *cl;
    unsigned int nr = 0;

    if (c)
        list_for_each(cl, &c->clients, link)
            nr++;
    return nr;
}
