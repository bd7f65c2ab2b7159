/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <json-c/json.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <systemd/sd-daemon.h>
#include <systemd/sd-event.h>

#include "api/rpc.h"
#include "api/server.h"
#include "util/cleanup.h"
#include "util/log.h"
#include "xend.h"

#define MAX_LINE (1u << 20)     /* of a request */
#define MAX_OUT  (8u << 20)     /* answers and events that a peer leaves */
#define MAX_CONNS 512

struct api {
    struct xend *x;
    struct sd_event_source *source;
    int fd;
    struct list conns;
    unsigned int nr_conns;
};

static void conn_free(struct conn *c)
{
    rpc_drop_calls(c);
    c->x->api->nr_conns--;
    list_del(&c->link);
    sd_event_source_disable_unref(c->source);
    closep(&c->fd);
    buf_fini(&c->in);
    buf_fini(&c->out);
    free(c);
}

/* Send what can be sent; ask to be told when more can. */
static void conn_flush(struct conn *c)
{
    ssize_t n = 0;

    while (c->out.len && n >= 0)
        n = buf_send(&c->out, c->fd);
    if (c->out.len > MAX_OUT)
        log_warn("pid %d reads no answers, closed", (int)c->pid);
    if (c->out.len > MAX_OUT || (n < 0 && n != -EAGAIN && n != -EINTR)) {
        buf_fini(&c->out);
        c->closing = true;
    }
    sd_event_source_set_io_events(c->source, (c->closing ? 0 : EPOLLIN) |
                                  (c->out.len || c->closing ? EPOLLOUT : 0));
}

void conn_send(struct conn *c, struct json_object *obj)
{
    size_t len;
    const char *text = json_object_to_json_string_length(
        obj, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE, &len);

    if (c->fd < 0 || c->closing)
        return;
    buf_add(&c->out, text, len);
    buf_add(&c->out, "\n", 1);
    conn_flush(c);
}

int conn_detach(struct conn *c, int *ret_fd)
{
    if (c->out.len || c->closing)
        return -EAGAIN;
    sd_event_source_set_enabled(c->source, SD_EVENT_OFF);
    *ret_fd = TAKE_FD(c->fd);
    return 0;
}

/* Handle complete lines; what is left stays for the next read. */
static void conn_lines(struct conn *c)
{
    char *end;

    while (c->fd >= 0 && !c->closing && c->in.len &&
           (end = memchr(c->in.data, '\n', c->in.len))) {
        size_t len = end - c->in.data;
        _cleanup_free_ char *line = xstrndup(c->in.data, len);

        buf_consume(&c->in, len + 1);
        rpc_handle(c, line, len);
    }
    if (c->in.len > MAX_LINE) {
        rpc_refuse(c, "the request is longer than 1 MiB");
        c->closing = true;
    }
}

static int on_conn(sd_event_source *source, int fd, uint32_t events, void *arg)
{
    struct conn *c = arg;
    ssize_t n;

    (void)source;
    if (events & EPOLLIN) {
        n = buf_read(&c->in, fd, 8192);
        if (n == 0 || (n < 0 && n != -EAGAIN && n != -EINTR)) {
            conn_free(c);
            return 0;
        }
        conn_lines(c);
    } else if (events & (EPOLLHUP | EPOLLERR)) {
        conn_free(c);
        return 0;
    }
    if (c->fd < 0) {
        conn_free(c);
        return 0;
    }
    conn_flush(c);
    if (c->closing && !c->out.len)
        conn_free(c);
    return 0;
}

static void conn_new(struct api *api, int fd)
{
    struct conn *c = xcalloc(1, sizeof(*c));
    struct ucred peer = { 0, -1, -1 };
    socklen_t len = sizeof(peer);
    int rc;

    c->x = api->x;
    c->fd = fd;
    list_init(&c->calls);
    list_add_tail(&api->conns, &c->link);
    api->nr_conns++;
    if (!getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len)) {
        c->pid = peer.pid;
        c->uid = peer.uid;
    } else {
        c->uid = -1;
    }
    rc = sd_event_add_io(api->x->loop, &c->source, fd, EPOLLIN, on_conn, c);
    if (rc < 0) {
        log_err("cannot serve a connection: %s", strerror(-rc));
        conn_free(c);
    }
}

static int on_listen(sd_event_source *source, int fd, uint32_t events,
                     void *arg)
{
    struct api *api = arg;
    int client;

    (void)source, (void)events;
    client = accept4(fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
    if (client < 0)
        return 0;
    if (api->nr_conns >= MAX_CONNS) {
        log_warn("more than %d connections, one refused", MAX_CONNS);
        close(client);
        return 0;
    }
    conn_new(api, client);
    return 0;
}

static int listen_at(const char *path, struct err *err)
{
    struct sockaddr_un addr = { .sun_family = AF_UNIX };
    _cleanup_close_ int fd = -1;
    mode_t mask;
    int rc;

    if (strlen(path) >= sizeof(addr.sun_path))
        return err_set(err, -ENAMETOOLONG, "%s: too long for a socket", path);
    strcpy(addr.sun_path, path);
    fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return err_sys(err, -errno, "socket");
    unlink(path);
    mask = umask(0117);         /* root, and the group that an admin gives it */
    rc = bind(fd, (struct sockaddr *)&addr, sizeof(addr)) ? -errno : 0;
    umask(mask);
    if (!rc && listen(fd, SOMAXCONN))
        rc = -errno;
    return rc ? err_sys(err, rc, "cannot listen on %s", path) : TAKE_FD(fd);
}

int api_create(struct xend *x, const char *path, struct api **ret_api,
               struct err *err)
{
    struct api *api = xcalloc(1, sizeof(*api));
    int rc;

    api->x = x;
    list_init(&api->conns);
    if (sd_listen_fds(0) == 1 &&
        sd_is_socket_unix(SD_LISTEN_FDS_START, SOCK_STREAM, 1, NULL, 0) > 0)
        api->fd = SD_LISTEN_FDS_START;
    else
        api->fd = listen_at(path, err);
    if (api->fd < 0) {
        rc = api->fd;
        free(api);
        return rc;
    }
    rc = sd_event_add_io(x->loop, &api->source, api->fd, EPOLLIN, on_listen,
                         api);
    if (rc < 0) {
        close(api->fd);
        free(api);
        return err_sys(err, rc, "cannot serve %s", path);
    }
    *ret_api = api;
    return 0;
}

void api_destroy(struct api *api)
{
    struct conn *c, *tmp;

    if (!api)
        return;
    list_for_each_safe(c, tmp, &api->conns, link)
        conn_free(c);
    sd_event_source_disable_unref(api->source);
    close(api->fd);
    free(api);
}

void api_each_conn(struct api *api, void (*fn)(struct conn *c, void *ctx),
                   void *ctx)
{
    struct conn *c, *tmp;

    list_for_each_safe(c, tmp, &api->conns, link)
        fn(c, ctx);
}
