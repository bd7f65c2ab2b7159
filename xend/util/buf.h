/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A byte queue that grows: appended at the end, consumed from the front.
 * data is kept terminated by a zero byte, so that text can be used in place.
 */
#ifndef XEND_UTIL_BUF_H
#define XEND_UTIL_BUF_H

#include <stddef.h>
#include <sys/types.h>

struct buf {
    char *data;                 /* first unread byte; NULL when never used */
    size_t len;                 /* unread bytes at data */
    size_t size;                /* private: bytes allocated at base */
    char *base;                 /* private: the allocation */
};

#define BUF_INIT ((struct buf){ NULL, 0, 0, NULL })

void buf_fini(struct buf *b);

/* Make room for n more bytes after data + len and return where they go. */
char *buf_reserve(struct buf *b, size_t n);

void buf_add(struct buf *b, const void *p, size_t n);
void buf_adds(struct buf *b, const char *s);
void buf_addf(struct buf *b, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

/* Drop n bytes, at most len, from the front. */
void buf_consume(struct buf *b, size_t n);

/* Give the text away; the buffer is empty afterwards. */
char *buf_steal(struct buf *b);

/*
 * One read(2) of up to max bytes to the end.  Bytes read, 0 at the end of the
 * file, or -errno.
 */
ssize_t buf_read(struct buf *b, int fd, size_t max);

/* One send of what is there (never SIGPIPE), consumed; bytes or -errno. */
ssize_t buf_send(struct buf *b, int fd);

#endif
