/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "xl.h"

#define DEFAULT_SOCKET "/run/xend/xend.sock"
/* A socket that nobody listens on is xend's own for a moment of its restart. */
#define RETRIES 10
#define RETRY_USEC 100000
#define PROGRESS_MS 300

static int sock = -1;
static char *in;                /* received, not yet used */
static size_t in_len, in_size;
static int last_id;

static void connect_xend(void)
{
    const char *path = getenv("XEND_SOCKET");
    struct sockaddr_un addr = { .sun_family = AF_UNIX };

    if (!path)
        path = DEFAULT_SOCKET;
    snprintf(addr.sun_path, sizeof(addr.sun_path), "%s", path);
    sock = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    for (int i = 0; i <= RETRIES && sock >= 0; i++) {
        if (!connect(sock, (struct sockaddr *)&addr, sizeof(addr)))
            return;
        if (errno != ECONNREFUSED)
            break;
        usleep(RETRY_USEC);
    }
    if (errno == ENOENT || errno == ECONNREFUSED)
        fail("xend is not running (nothing listens on %s); start it, for "
             "example with: systemctl start xend", path);
    else if (errno == EACCES || errno == EPERM)
        fail("no permission to use %s; run xl as root", path);
    else
        fail("cannot connect to %s: %s", path, strerror(errno));
    exit(EXIT_FAILED);
}

void client_send(const char *method, struct json_object *params)
{
    struct json_object *o = json_object_new_object();
    char *line, *at;
    ssize_t n;
    int len;

    if (sock < 0)
        connect_xend();
    add_str(o, "jsonrpc", "2.0");
    add_int(o, "id", ++last_id);
    add_str(o, "method", method);
    if (params)
        json_object_object_add(o, "params", params);
    len = asprintf(&line, "%s\n",
                   json_object_to_json_string_ext(o, JSON_C_TO_STRING_PLAIN));
    json_object_put(o);
    if (len < 0)
        exit(fail("out of memory"));
    for (at = line; at < line + len; at += n) {
        n = send(sock, at, line + len - at, MSG_NOSIGNAL);
        if (n < 0 && errno == EINTR)
            n = 0;
        if (n < 0)
            exit(fail("xend has closed the connection"));
    }
    free(line);
}

/* What there is of the answer, waiting with flags 0: recv's result. */
static ssize_t read_more(int flags)
{
    ssize_t n;

    if (in_len + 8192 > in_size) {
        in_size = in_size ? in_size * 2 : 16384;    /* no mapping of its own */
        in = realloc(in, in_size);
        if (!in)
            exit(fail("out of memory"));
    }
    do
        n = recv(sock, in + in_len, in_size - in_len, flags);
    while (n < 0 && errno == EINTR);
    if (n > 0)
        in_len += n;
    return n;
}

static char *find_line_end(void)
{
    return in_len ? memchr(in, '\n', in_len) : NULL;
}

int client_fd(void)
{
    return sock;
}

bool client_ready(void)
{
    ssize_t n = 1;

    while (!find_line_end() && n > 0)
        n = read_more(MSG_DONTWAIT);
    return find_line_end() || !n || (n < 0 && errno != EAGAIN);
}

/* A line of the answer, without its newline; NULL at the end. */
static char *read_line(void)
{
    char *end, *line;
    size_t len;

    while (!(end = find_line_end()))
        if (read_more(0) <= 0)
            return NULL;
    len = end - in;
    line = strndup(in, len);
    in_len -= len + 1;
    memmove(in, end + 1, in_len);
    return line;
}

static void print_warnings(struct json_object *from)
{
    size_t nr;
    struct json_object *list = get_list(from, "warnings", &nr);

    for (size_t i = 0; i < nr; i++)
        fprintf(stderr, "xl: warning: %s\n", json_object_get_string(
            json_object_array_get_idx(list, i)));
}

/* As client_receive, also with errors that need not be said. */
static struct json_object *receive(bool quiet, int *ret_id)
{
    struct json_object *o, *e = NULL, *data = NULL, *result = NULL;
    char *line = read_line();

    o = line ? json_tokener_parse(line) : NULL;
    free(line);
    if (!o) {
        fail("xend has closed the connection without an answer");
        exit(EXIT_FAILED);
    }
    *ret_id = (int)get_int(o, "id");
    if (json_object_object_get_ex(o, "error", &e)) {
        if (quiet && *ret_id == last_id)
            goto out;
        if (json_object_object_get_ex(e, "data", &data))
            print_warnings(data);
        fail("%s", get_str(e, "message"));
    } else if (json_object_object_get_ex(o, "result", &result)) {
        print_warnings(result);
        json_object_get(result);
    }

 out:
    json_object_put(o);
    return result;
}

struct json_object *client_receive(void)
{
    int id;

    return receive(false, &id);
}

static void clear_progress(void)
{
    fputs("\r\033[K", stderr);
}

/* percent: of the only domain of a list; absent or none: nothing to show. */
static void show_progress(struct json_object *list, const char *what)
{
    size_t nr;
    struct json_object *domains = get_list(list, "domains", &nr), *percent;

    if (nr && json_object_object_get_ex(json_object_array_get_idx(domains, 0),
                                        "percent", &percent))
        fprintf(stderr, "\r%s: %d %%\033[K", what,
                json_object_get_int(percent));
}

struct json_object *client_call_shown(const char *method,
                                      struct json_object *params,
                                      const char *domain, const char *what)
{
    struct json_object *o, *result;
    struct pollfd p = { .events = POLLIN };
    bool asked = false;
    int id, call;

    client_send(method, params);
    if (!global.progress && !isatty(STDERR_FILENO))
        return client_receive();
    p.fd = sock;
    call = last_id;
    leave_screen = clear_progress;
    for (;;) {
        if (!asked && !client_ready() && !poll(&p, 1, PROGRESS_MS)) {
            o = json_object_new_object();
            add_words(o, "domains", (char **)&domain, 1);
            client_send("domain.list", o);
            asked = true;
        }
        if (!asked && !client_ready())
            continue;
        result = receive(asked, &id);
        if (id == call)
            break;
        asked = false;
        show_progress(result, what);
        json_object_put(result);
    }
    /* Not to be taken for the answer to what is asked next. */
    if (asked)
        json_object_put(receive(true, &id));
    if (leave_screen)
        leave_screen();
    leave_screen = NULL;
    return result;
}

struct json_object *client_call(const char *method,
                                struct json_object *params)
{
    client_send(method, params);
    return client_receive();
}

int client_done(struct json_object *result)
{
    bool ok = result;

    if (ok && global.json)
        print_json(result);
    json_object_put(result);
    return ok ? EXIT_OK : EXIT_FAILED;
}

int client_do(const char *method, struct json_object *params)
{
    return client_done(client_call(method, params));
}

int client_take_socket(char *early, size_t *len)
{
    int fd = sock;

    if (in_len < *len)
        *len = in_len;
    memcpy(early, in, *len);
    sock = -1;
    in_len = 0;
    return fd;
}
