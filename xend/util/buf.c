/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <stdarg.h>
#include <sys/socket.h>
#include <unistd.h>

#include "util/buf.h"
#include "util/cleanup.h"

void buf_fini(struct buf *b)
{
    free(b->base);
    *b = BUF_INIT;
}

char *buf_reserve(struct buf *b, size_t n)
{
    size_t used = b->base ? (size_t)(b->data - b->base) : 0;

    if (used + b->len + n + 1 > b->size && used) {
        memmove(b->base, b->data, b->len + 1);
        b->data = b->base;
        used = 0;
    }
    if (b->len + n + 1 > b->size - used) {
        b->size = b->size ? b->size : 64;
        while (b->size < b->len + n + 1)
            b->size *= 2;
        b->base = xrealloc(b->base, b->size);
        b->data = b->base;
    }
    b->data[b->len] = 0;
    return b->data + b->len;
}

void buf_add(struct buf *b, const void *p, size_t n)
{
    char *to = buf_reserve(b, n);

    if (n)
        memcpy(to, p, n);
    b->len += n;
    b->data[b->len] = 0;
}

void buf_adds(struct buf *b, const char *s)
{
    buf_add(b, s, strlen(s));
}

void buf_addf(struct buf *b, const char *fmt, ...)
{
    va_list ap;
    int n;

    va_start(ap, fmt);
    n = vsnprintf(NULL, 0, fmt, ap);
    va_end(ap);
    if (n <= 0)
        return;
    va_start(ap, fmt);
    vsnprintf(buf_reserve(b, n), n + 1, fmt, ap);
    va_end(ap);
    b->len += n;
}

void buf_consume(struct buf *b, size_t n)
{
    if (n >= b->len) {
        b->data = b->base;
        b->len = 0;
        if (b->data)
            *b->data = 0;
        return;
    }
    b->data += n;
    b->len -= n;
}

char *buf_steal(struct buf *b)
{
    char *text;

    if (!b->base || b->data != b->base) {
        text = xstrndup(b->data ? b->data : "", b->len);
        buf_fini(b);
        return text;
    }
    text = b->base;
    *b = BUF_INIT;
    return text;
}

ssize_t buf_read(struct buf *b, int fd, size_t max)
{
    ssize_t n;

    n = read(fd, buf_reserve(b, max), max);
    if (n < 0)
        return -errno;
    b->len += n;
    b->data[b->len] = 0;
    return n;
}

ssize_t buf_send(struct buf *b, int fd)
{
    ssize_t n;

    if (!b->len)
        return 0;
    n = send(fd, b->data, b->len, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (n < 0)
        return -errno;
    buf_consume(b, n);
    return n;
}
