/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "console/private.h"
#include "util/cleanup.h"
#include "util/log.h"

static const char magic[8] = "zzcons1";

/* Map the file at path; *ret_old: it holds a history of this size. */
static void *map_file(const char *path, size_t size, bool fresh,
                      bool *ret_old)
{
    _cleanup_close_ int fd = -1;
    struct stat st;
    void *map;

    fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | (fresh ? O_TRUNC : 0),
              0600);
    if (fd < 0 || fstat(fd, &st) < 0)
        return NULL;
    *ret_old = st.st_size == (off_t)(HISTORY_DATA + size);
    /* Room is taken now: a full file system must not become a SIGBUS. */
    if (!*ret_old && ftruncate(fd, 0) < 0)
        return NULL;
    errno = posix_fallocate(fd, 0, HISTORY_DATA + size);
    if (errno)
        return NULL;
    map = mmap(NULL, HISTORY_DATA + size, PROT_READ | PROT_WRITE, MAP_SHARED,
               fd, 0);
    return map == MAP_FAILED ? NULL : map;
}

static bool head_ok(const struct history_head *head, size_t size)
{
    return !memcmp(head->magic, magic, sizeof(magic)) && head->size == size &&
           head->seen <= head->total;
}

void history_open(struct history *h, const char *path, size_t size,
                  bool fresh)
{
    bool old = false;
    void *map;

    map = map_file(path, size, fresh, &old);
    if (!map) {
        log_warn("console: %s: %s; kept in memory only", path,
                 strerror(errno));
        map = mmap(NULL, HISTORY_DATA + size, PROT_READ | PROT_WRITE,
                   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        if (map == MAP_FAILED)
            abort();
    }
    h->head = map;
    h->data = (char *)map + HISTORY_DATA;
    h->size = size;
    if (old && head_ok(h->head, size))
        return;
    *h->head = (struct history_head){ .size = size };
    memcpy(h->head->magic, magic, sizeof(magic));
}

void history_close(struct history *h)
{
    if (h->head)
        munmap(h->head, HISTORY_DATA + h->size);
    h->head = NULL;
}

uint64_t history_oldest(const struct history *h)
{
    uint64_t total = h->head->total;

    return total > h->size ? total - h->size : 0;
}

const char *history_at(const struct history *h, uint64_t pos, size_t *ret_len)
{
    size_t at = pos % h->size, len = h->size - at;

    *ret_len = len < h->head->total - pos ? len : h->head->total - pos;
    return h->data + at;
}

static void put(struct history *h, uint64_t pos, const char *data, size_t len)
{
    while (len) {
        size_t at = pos % h->size, n = h->size - at;

        n = n < len ? n : len;
        memcpy(h->data + at, data, n);
        pos += n;
        data += n;
        len -= n;
    }
}

void history_add(struct history *h, const char *a, size_t a_len,
                 const char *b, size_t b_len)
{
    uint64_t total = h->head->total;

    put(h, total, a, a_len);
    put(h, total + a_len, b, b_len);
    __atomic_store_n(&h->head->total, total + a_len + b_len,
                     __ATOMIC_RELEASE);
}
