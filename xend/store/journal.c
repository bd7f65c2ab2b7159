/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * How the store survives being killed at any instruction.
 *
 * What must survive: the nodes, and for each ring (guests' and that of dom0's
 * kernel; socket clients are dropped) its watches, its transactions, the part
 * of a request that has been taken from it, and all output that is not yet in
 * it.  A ring itself lies in the guest's memory and outlives us.
 *
 * One turn of the loop is one group of records:
 *
 *  1. Requests are copied from rings and executed in memory.  Each change of
 *     state adds a record: node set or removed, watch, transaction, the bytes
 *     of each reply and event (REC_OUT), and how far the ring has been read
 *     (REC_REQUEST after a whole request, REC_IN with the bytes of a part).
 *  2. journal_commit() appends the group, framed by its length and checksum,
 *     with one write(2).
 *  3. Only then is anything visible outside: each ring's req_cons moves on,
 *     replies and events are copied into rings and rsp_prod moves on, peers
 *     are notified, sockets and the daemon's own watches hear of it.
 *
 * Killed before or during 2: the group is torn and dropped; the rings still
 * hold the requests (req_cons has not moved), nobody saw anything, and the
 * restarted daemon executes them again as if for the first time.
 *
 * Killed after 2: replay executes nothing, it restores the outcome.  req_cons
 * is set from the journal, so no request runs twice.  How much output was
 * delivered is not in the journal; it need not be: the journal knows at which
 * ring position (a 32-bit count that only grows) the first byte of its output
 * belongs, and the ring's rsp_prod says how many of those bytes are in it.
 * The rest follows from there, be it from the middle of a message: bytes
 * copied but not yet covered by rsp_prod are copied once more.  So no reply is
 * lost and none is doubled.  A notification may have been lost; after attaching
 * a ring, its peer is always notified and its requests are looked for.
 *
 * A ring is a guest's to write.  Positions that do not fit what the journal
 * knows are taken as they are, and what was under way is forgotten: only the
 * guest that wrote them can lose by it.
 *
 * Transactions are replayed on the tree as it was at their start, since the
 * records are in order.  What they read is not recorded: they are "strict" and
 * end with EAGAIN if anything has changed since, which the protocol allows.
 *
 * The file grows, so it is written anew from time to time: first the state of
 * the connections and a snapshot of the tree at one instant (journal offset
 * "tail"), slice by slice while the store goes on working, then whatever the
 * old file got after tail, then rename(2).  Either file alone is complete.
 * Transactions that are open at that instant are written as doomed ones
 * (state.c), since the tree that they started from is not kept.
 *
 * Nothing is synced: a process may be killed, but a machine that stops takes
 * the guests with it, and the file lives on tmpfs anyway.  When the file cannot
 * be appended to (/run full), the store goes on and says so; the file is left
 * as it was, without holes, until it could be written anew as a whole.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "store/journal.h"
#include "util/cleanup.h"

#define MAGIC "zzstore1"
#define MAGIC_LEN 8
#define FILE_NAME "store.journal"
#define FRESH_NAME "store.journal.new"
#define LOCK_NAME "store.lock"

struct frame {
    uint32_t len, sum;
};

struct packed {
    uint16_t type, domid;
    uint32_t arg[2];
    uint32_t len[RECORD_PARTS];
};

static uint32_t checksum(const void *data, size_t len)
{
    const unsigned char *p = data;
    uint32_t h = 2166136261u;           /* FNV-1a */

    while (len--)
        h = (h ^ *p++) * 16777619u;
    return h;
}

const char *record_string(const struct record *r, unsigned int part)
{
    const char *s = r->part[part].p;
    size_t len = r->part[part].len;

    return len && memchr(s, 0, len) == s + len - 1 ? s : NULL;
}

void record_put(struct buf *b, const struct record *r)
{
    struct packed p = { .type = r->type, .domid = r->domid,
                        .arg = { r->arg[0], r->arg[1] } };

    for (int i = 0; i < RECORD_PARTS; i++)
        p.len[i] = r->part[i].len;
    buf_add(b, &p, sizeof(p));
    for (int i = 0; i < RECORD_PARTS; i++)
        buf_add(b, r->part[i].p, r->part[i].len);
}

/* Take one record from the len bytes at p: its size, or -EIO. */
static ssize_t record_get(const char *p, size_t len, struct record *ret_r)
{
    struct packed h;
    size_t at = sizeof(h);

    if (len < sizeof(h))
        return -EIO;
    memcpy(&h, p, sizeof(h));
    *ret_r = (struct record){ .type = h.type, .domid = h.domid,
                              .arg = { h.arg[0], h.arg[1] } };
    for (int i = 0; i < RECORD_PARTS; i++) {
        if (h.len[i] > len - at)
            return -EIO;
        ret_r->part[i].p = p + at;
        ret_r->part[i].len = h.len[i];
        at += h.len[i];
    }
    return at;
}

static int write_all(int fd, const void *data, size_t len, uint64_t at)
{
    const char *p = data;

    while (len) {
        ssize_t n = pwrite(fd, p, len, at);

        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return n < 0 ? -errno : -EIO;
        p += n;
        at += n;
        len -= n;
    }
    return 0;
}

static int open_new(int dirfd, const char *name)
{
    _cleanup_close_ int fd = -1;
    int rc;

    fd = openat(dirfd, name, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (fd < 0)
        return -errno;
    rc = write_all(fd, MAGIC, MAGIC_LEN, 0);
    return rc ? rc : TAKE_FD(fd);
}

int journal_open(struct journal *j, const char *dir)
{
    struct stat st;
    int rc;

    *j = (struct journal){ .dirfd = -1, .fd = -1, .lock = -1, .fresh = -1 };
    if (mkdir(dir, 0700) < 0 && errno != EEXIST)
        return -errno;
    j->dirfd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (j->dirfd < 0)
        return -errno;
    j->lock = openat(j->dirfd, LOCK_NAME, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (j->lock < 0 || flock(j->lock, LOCK_EX | LOCK_NB) < 0) {
        rc = errno == EWOULDBLOCK ? -EBUSY : -errno;
        journal_close(j);
        return rc;
    }
    j->fd = openat(j->dirfd, FILE_NAME, O_RDWR | O_CLOEXEC);
    if (j->fd < 0 && errno == ENOENT)
        j->fd = open_new(j->dirfd, FILE_NAME);
    else if (j->fd < 0)
        j->fd = -errno;
    rc = j->fd < 0 ? j->fd : fstat(j->fd, &st) < 0 ? -errno : 0;
    if (rc) {
        journal_close(j);
        return rc;
    }
    j->size = st.st_size;
    return 0;
}

void journal_close(struct journal *j)
{
    journal_rewrite_abort(j);
    closep(&j->fd);
    closep(&j->lock);
    closep(&j->dirfd);
    j->fd = j->lock = j->dirfd = -1;
    buf_fini(&j->group);
}

static int replay_group(const char *p, size_t len, journal_fn *fn, void *ctx)
{
    struct record r;

    while (len) {
        ssize_t n = record_get(p, len, &r);
        int rc = n < 0 ? n : fn(ctx, &r);

        if (rc)
            return rc;
        p += n;
        len -= n;
    }
    return 0;
}

static int read_file(int fd, char *data, size_t size)
{
    for (size_t at = 0; at < size; ) {
        ssize_t n = pread(fd, data + at, size - at, at);

        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return n < 0 ? -errno : -EIO;
        at += n;
    }
    return 0;
}

int journal_replay(struct journal *j, journal_fn *fn, void *ctx,
                   size_t *ret_torn)
{
    _cleanup_free_ char *data = xmalloc(j->size + 1);
    size_t size = j->size, at = MAGIC_LEN;
    struct frame f;
    int rc;

    rc = read_file(j->fd, data, size);
    if (rc)
        return rc;
    *ret_torn = 0;
    if (size < MAGIC_LEN) {             /* killed while it was being made */
        j->size = MAGIC_LEN;
        return write_all(j->fd, MAGIC, MAGIC_LEN, 0);
    }
    if (memcmp(data, MAGIC, MAGIC_LEN))
        return -EIO;
    while (size - at >= sizeof(f)) {
        memcpy(&f, data + at, sizeof(f));
        if (f.len > size - at - sizeof(f) ||
            checksum(data + at + sizeof(f), f.len) != f.sum)
            break;
        rc = replay_group(data + at + sizeof(f), f.len, fn, ctx);
        if (rc)
            return rc;
        at += sizeof(f) + f.len;
    }
    *ret_torn = size - at;
    j->size = at;
    return ftruncate(j->fd, at) < 0 ? -errno : 0;
}

/* Frame what is in b after its first sizeof(struct frame) bytes. */
static void frame_close(struct buf *b)
{
    struct frame f = { .len = b->len - sizeof(f) };

    f.sum = checksum(b->data + sizeof(f), f.len);
    memcpy(b->data, &f, sizeof(f));
}

static void frame_open(struct buf *b)
{
    static const struct frame none;

    if (!b->len)
        buf_add(b, &none, sizeof(none));
}

void journal_add(struct journal *j, const struct record *r)
{
    frame_open(&j->group);
    record_put(&j->group, r);
}

int journal_commit(struct journal *j)
{
    int rc;

    if (!j->group.len)
        return 0;
    frame_close(&j->group);
    rc = j->failed ? -EIO :
        write_all(j->fd, j->group.data, j->group.len, j->size);
    if (!rc)
        j->size += j->group.len;
    else if (!j->failed && ftruncate(j->fd, j->size) < 0)
        rc = -errno;                    /* replay will find it torn */
    if (rc)
        j->failed = true;
    buf_consume(&j->group, j->group.len);
    return rc;
}

int journal_rewrite_begin(struct journal *j)
{
    int fd = open_new(j->dirfd, FRESH_NAME);

    if (fd < 0)
        return fd;
    j->fresh = fd;
    j->fresh_size = MAGIC_LEN;
    j->tail = j->size;
    return 0;
}

int journal_rewrite_add(struct journal *j, struct buf *b)
{
    struct frame f = { b->len, checksum(b->data, b->len) };
    int rc;

    if (!b->len)
        return 0;
    rc = write_all(j->fresh, &f, sizeof(f), j->fresh_size);
    if (!rc)
        rc = write_all(j->fresh, b->data, b->len, j->fresh_size + sizeof(f));
    if (!rc)
        j->fresh_size += sizeof(f) + b->len;
    buf_consume(b, b->len);
    return rc;
}

int journal_rewrite_end(struct journal *j)
{
    char chunk[16384];

    while (j->tail < j->size) {
        size_t want = j->size - j->tail;
        ssize_t n;
        int rc;

        n = pread(j->fd, chunk, want < sizeof(chunk) ? want : sizeof(chunk),
                  j->tail);
        if (n <= 0)
            return n < 0 ? -errno : -EIO;
        rc = write_all(j->fresh, chunk, n, j->fresh_size);
        if (rc)
            return rc;
        j->tail += n;
        j->fresh_size += n;
    }
    if (renameat(j->dirfd, FRESH_NAME, j->dirfd, FILE_NAME) < 0)
        return -errno;
    close(j->fd);
    j->fd = j->fresh;
    j->fresh = -1;
    j->size = j->fresh_size;
    j->failed = false;
    return 0;
}

void journal_rewrite_abort(struct journal *j)
{
    if (j->fresh < 0)
        return;
    close(j->fresh);
    j->fresh = -1;
    unlinkat(j->dirfd, FRESH_NAME, 0);
}
