/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The log file of a console: all its output, as it was.  At its limit it
 * becomes NAME.log.1 and a new one begins.  How much of the history is in it
 * is not stored: it is what the file has grown by since log_base.
 */
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

#include "console/private.h"
#include "util/cleanup.h"
#include "util/log.h"

#define COMPLAIN_US (60u * 1000 * 1000)

/* A name may hold what a path may not. */
static char *log_path(const char *dir, const char *name)
{
    char *path = xasprintf("%s/%s.log", dir, name), *p;

    for (p = path + strlen(dir) + 1; *p; p++)
        if (*p == '/')
            *p = '_';
    if (path[strlen(dir) + 1] == '.')
        path[strlen(dir) + 1] = '_';
    return path;
}

/* Open the file at l->path; it goes on if the history knows it. */
static int open_file(struct console_log *l, struct history *h)
{
    struct history_head *head = h->head;
    struct stat st;

    l->fd = open(l->path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC |
                          O_NOFOLLOW, 0640);
    if (l->fd < 0 || fstat(l->fd, &st) < 0)
        return -errno;
    l->size = st.st_size;
    if (head->log_ino == st.st_ino && head->log_base + l->size <= head->total)
        return 0;
    /* Another file: a new name, or somebody moved the old one away. */
    head->log_ino = 0;
    head->log_base = head->total - l->size;
    head->log_ino = st.st_ino;
    return 0;
}

void log_open(struct console_log *l, const char *dir, const char *name,
              size_t max, struct history *h)
{
    *l = (struct console_log){ .fd = -1, .max = max };
    if (!dir)
        return;
    l->path = log_path(dir, name);
    if (open_file(l, h) < 0)
        log_warn("console: no log for %s: %s: %s", name, l->path,
                 strerror(errno));
}

void log_close(struct console_log *l)
{
    closep(&l->fd);
    free(l->path);
    *l = (struct console_log){ .fd = -1 };
}

static int rotate(struct console_log *l, struct history *h)
{
    _cleanup_free_ char *old = xasprintf("%s.1", l->path);

    if (rename(l->path, old) < 0)
        return -errno;
    closep(&l->fd);
    l->fd = -1;
    return open_file(l, h);
}

static void complain(struct console_log *l, int rc, uint64_t now)
{
    if (l->complained && now - l->complained < COMPLAIN_US)
        return;
    l->complained = now;
    log_warn("console: %s: %s; output is missing in it", l->path,
             strerror(-rc));
}

static int write_out(struct console_log *l, struct history *h)
{
    uint64_t pos = h->head->log_base + l->size;
    const char *data;
    size_t len;
    ssize_t n;

    if (pos < history_oldest(h)) {      /* only after a long failure */
        pos = history_oldest(h);
        h->head->log_base = pos - l->size;
    }
    while (pos < history_total(h)) {
        data = history_at(h, pos, &len);
        n = write(l->fd, data, len);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return -errno;
        pos += n;
        l->size += n;
    }
    return 0;
}

void log_update(struct console_log *l, struct history *h, uint64_t now)
{
    int rc = 0;

    if (!l->path)
        return;
    if (l->fd < 0)
        rc = open_file(l, h);
    if (!rc)
        rc = write_out(l, h);
    if (!rc && l->size >= l->max)
        rc = rotate(l, h);
    if (!rc)
        return;
    complain(l, rc, now);
    /* What did not get in is skipped, so that later output is in order. */
    h->head->log_base = history_total(h) - l->size;
}
