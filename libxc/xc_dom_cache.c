/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What was unpacked once, kept for the next start of the same file.
 *
 * Unpacking is most of a build.  A kernel or ramdisk that was unpacked is
 * written to a directory of ours under a name made of everything that tells
 * one version of a file from another: device, inode, size, times.  The name
 * also has the boot's id, so that what a crash left half written on a disk is
 * never read.  All of it is optional: whatever fails, the build goes on.
 */
#define _GNU_SOURCE
#include "xc_dom.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define MAX_BYTES   (256ULL << 20)      /* all files together */
#define BOOT_ID     "/proc/sys/kernel/random/boot_id"

/* The directory, if it is there and nobody else can write to it. */
static int open_dir(const struct xc_dom_image *img)
{
    const char *path = img->params->cache_dir;
    struct stat st;
    int fd;

    if (!path)
        return -1;
    mkdir(path, 0700);
    fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd >= 0 && (fstat(fd, &st) || st.st_uid != geteuid() ||
                    st.st_mode & (S_IWGRP | S_IWOTH))) {
        close(fd);
        fd = -1;
    }
    return fd;
}

static bool make_name(const struct xc_dom_file *f, char *name, size_t size)
{
    char boot[9] = "";
    struct stat st;
    int fd = open(BOOT_ID, O_RDONLY | O_CLOEXEC);
    bool ok = fd >= 0 && read(fd, boot, 8) == 8 && !fstat(f->fd, &st);

    if (fd >= 0)
        close(fd);
    if (!ok)
        return false;
    snprintf(name, size, "%s-%lx-%lx-%lx-%lx.%lx-%lx.%lx", boot,
             (unsigned long)st.st_dev, (unsigned long)st.st_ino,
             (unsigned long)st.st_size, (unsigned long)st.st_mtim.tv_sec,
             (unsigned long)st.st_mtim.tv_nsec,
             (unsigned long)st.st_ctim.tv_sec,
             (unsigned long)st.st_ctim.tv_nsec);
    return true;
}

bool xc_dom_cache_open(struct xc_dom_image *img, struct xc_dom_file *f,
                       uint64_t size)
{
    char name[160];
    struct stat st;
    int dir = open_dir(img), fd = -1;

    if (dir >= 0 && make_name(f, name, sizeof(name)))
        fd = openat(dir, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (dir >= 0)
        close(dir);
    if (fd < 0)
        return false;
    if (fstat(fd, &st) || !S_ISREG(st.st_mode) ||
        (uint64_t)st.st_size != size) {
        close(fd);
        return false;
    }
    futimens(fd, NULL);                 /* used last */
    close(f->fd);
    f->fd = fd;
    f->size = size;
    return true;
}

struct entry {
    struct entry *next;
    struct timespec used;
    uint64_t size;
    char name[];
};

/* Is a longer unused than b? */
static bool older(const struct entry *a, const struct entry *b)
{
    if (a->used.tv_sec != b->used.tv_sec)
        return a->used.tv_sec < b->used.tv_sec;
    return a->used.tv_nsec < b->used.tv_nsec;
}

/* All files of this boot, longest unused first; others are removed. */
static struct entry *list_entries(int dir, const char *boot, uint64_t *ret_sum)
{
    struct entry *list = NULL, *e, **at;
    struct dirent *d;
    struct stat st;
    DIR *stream = fdopendir(dup(dir));

    *ret_sum = 0;
    while (stream && (d = readdir(stream))) {
        if (fstatat(dir, d->d_name, &st, AT_SYMLINK_NOFOLLOW) ||
            !S_ISREG(st.st_mode))
            continue;
        if (strncmp(d->d_name, boot, 9)) {
            unlinkat(dir, d->d_name, 0);
            continue;
        }
        e = malloc(sizeof(*e) + strlen(d->d_name) + 1);
        if (!e)
            break;
        e->used = st.st_mtim;
        e->size = (uint64_t)st.st_size;
        strcpy(e->name, d->d_name);
        *ret_sum += e->size;
        for (at = &list; *at && older(*at, e); at = &(*at)->next)
            continue;
        e->next = *at;
        *at = e;
    }
    if (stream)
        closedir(stream);
    return list;
}

/* Make room for size more bytes. */
static void prune(int dir, const char *boot, uint64_t size)
{
    uint64_t sum;
    struct entry *e, *list = list_entries(dir, boot, &sum);

    while ((e = list)) {
        if (sum + size > MAX_BYTES) {
            unlinkat(dir, e->name, 0);
            sum -= e->size;
        }
        list = e->next;
        free(e);
    }
}

int xc_dom_cache_create(struct xc_dom_image *img, const struct xc_dom_file *f,
                        uint64_t size, struct xc_dom_cache *c)
{
    c->fd = -1;
    c->dir = size <= MAX_BYTES / 2 ? open_dir(img) : -1;
    if (c->dir < 0)
        return -ENOENT;
    if (make_name(f, c->name, sizeof(c->name))) {
        prune(c->dir, c->name, size);
        c->fd = openat(c->dir, ".", O_WRONLY | O_TMPFILE | O_CLOEXEC, 0600);
    }
    if (c->fd < 0)
        xc_dom_cache_drop(c);
    return c->fd < 0 ? -EIO : 0;
}

void xc_dom_cache_write(struct xc_dom_cache *c, const void *p, uint64_t size)
{
    const char *at = p;

    while (size && c->fd >= 0) {
        ssize_t n = write(c->fd, at, size);

        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0) {
            xc_dom_cache_drop(c);       /* a full disk, say */
            break;
        }
        at += n;
        size -= (uint64_t)n;
    }
}

void xc_dom_cache_commit(struct xc_dom_cache *c)
{
    char self[40];

    if (c->fd < 0)
        return;
    snprintf(self, sizeof(self), "/proc/self/fd/%d", c->fd);
    /* The name appears with all of the content, or not at all. */
    linkat(AT_FDCWD, self, c->dir, c->name, AT_SYMLINK_FOLLOW);
    xc_dom_cache_drop(c);
}

void xc_dom_cache_drop(struct xc_dom_cache *c)
{
    if (c->fd >= 0)
        close(c->fd);
    if (c->dir >= 0)
        close(c->dir);
    c->fd = c->dir = -1;
}
