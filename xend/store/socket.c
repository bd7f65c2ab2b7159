/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Tools of domain 0 by UNIX socket, as libxenstore opens it.  Who may open the
 * socket (its owner, root) acts as domain 0; socket_ro only reads.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include "store/private.h"
#include "util/cleanup.h"
#include "util/log.h"

#define IN_MAX (64u << 10)          /* bytes of requests read ahead */
#define EVENTS_MAX (4u << 20)       /* unread events; then it is cut off */
#define CLIENTS_MAX 512

/* Which of reading and writing make sense now. */
static void update_io(struct conn *c)
{
    uint32_t events = 0;

    if (c->in.len < IN_MAX)
        events |= EPOLLIN;
    if (c->out_bytes)
        events |= EPOLLOUT;
    sd_event_source_set_io_events(c->io, events);
}

void socket_flush(struct conn *c)
{
    struct msg *m;
    ssize_t n;

    while (!c->broken && (m = list_first(&c->out, struct msg, link))) {
        n = send(c->fd, m->data + c->out_sent, m->len - c->out_sent,
                 MSG_NOSIGNAL | MSG_DONTWAIT);
        if (n < 0 && (errno == EAGAIN || errno == EINTR))
            break;
        if (n < 0)
            c->broken = true;
        else
            conn_sent(c, n);
    }
    if (c->event_bytes > EVENTS_MAX) {
        log_warn("xenstore: a client on the socket does not read its events; "
                 "closed");
        c->broken = true;
    }
    if (c->broken) {
        conn_free(c);
        return;
    }
    if (c->stalled && conn_ready(c) && list_empty(&c->run)) {
        list_add_tail(&c->s->runnable, &c->run);
        store_wake(c->s);
    }
    update_io(c);
}

static int on_client(sd_event_source *source, int fd, uint32_t revents,
                     void *ctx)
{
    struct conn *c = ctx;
    struct store *s = c->s;
    ssize_t n;

    (void)source;
    if (revents & (EPOLLIN | EPOLLHUP | EPOLLERR)) {
        n = buf_read(&c->in, fd, 4096);
        if (n == 0 || (n < 0 && n != -EAGAIN && n != -EINTR))
            c->broken = true;
        conn_run(c);
    }
    conn_mark_dirty(c);
    store_settle(s);
    return 0;
}

static unsigned int clients(const struct store *s)
{
    unsigned int nr = 0;
    struct conn *c;

    list_for_each(c, &s->conns, link)
        nr += c->kind == CONN_SOCKET;
    return nr;
}

static int on_listen(sd_event_source *source, int fd, uint32_t revents,
                     void *ctx)
{
    struct listener *l = ctx;
    _cleanup_close_ int client = -1;
    struct conn *c;

    (void)source;
    (void)revents;
    client = accept4(fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
    if (client < 0)
        return 0;
    if (clients(l->s) >= CLIENTS_MAX) {
        log_warn("xenstore: more than %u clients on the socket", CLIENTS_MAX);
        return 0;
    }
    c = conn_new(l->s, CONN_SOCKET, 0);
    c->read_only = l->read_only;
    if (sd_event_add_io(l->s->params.loop, &c->io, client, EPOLLIN, on_client,
                        c) < 0) {
        conn_free(c);
        return 0;
    }
    c->fd = TAKE_FD(client);
    return 0;
}

static int listener_open(struct listener *l, const char *name, mode_t mode)
{
    struct sockaddr_un addr = { .sun_family = AF_UNIX };
    _cleanup_close_ int fd = -1;
    int n, rc;

    n = snprintf(addr.sun_path, sizeof(addr.sun_path), "%s/%s",
                 l->s->params.socket_dir, name);
    if (n >= (int)sizeof(addr.sun_path))
        return -ENAMETOOLONG;
    fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return -errno;
    unlink(addr.sun_path);
    /* Nobody can connect before listen(), so the mode is set in time. */
    if (bind(fd, (struct sockaddr *)&addr, sizeof(addr)) < 0 ||
        chmod(addr.sun_path, mode) < 0 || listen(fd, SOMAXCONN) < 0)
        return -errno;
    rc = sd_event_add_io(l->s->params.loop, &l->io, fd, EPOLLIN, on_listen, l);
    if (rc < 0)
        return rc;
    sd_event_source_set_io_fd_own(l->io, true);
    fd = -1;
    return 0;
}

int listeners_create(struct store *s)
{
    const char *dir = s->params.socket_dir;
    int rc;

    if (!dir)
        return 0;
    if (mkdir(dir, 0755) < 0 && errno != EEXIST)
        return -errno;
    s->listener[0] = (struct listener){ s, NULL, false };
    s->listener[1] = (struct listener){ s, NULL, true };
    rc = listener_open(&s->listener[0], "socket", 0600);
    if (!rc)
        rc = listener_open(&s->listener[1], "socket_ro", 0660);
    if (rc)
        log_err("xenstore: cannot listen in %s: %s", dir, strerror(-rc));
    return rc;
}

void listeners_destroy(struct store *s)
{
    for (int i = 0; i < 2; i++) {
        sd_event_source_disable_unref(s->listener[i].io);
        s->listener[i].io = NULL;
    }
}
