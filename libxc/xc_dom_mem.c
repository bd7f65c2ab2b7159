/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The builder's files and frames: reading, populating, mapping, the ramdisk.
 */
#define _GNU_SOURCE
#include "xc_dom.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define ORDER_LARGE     9u
#define BATCH           2048u           /* extents in one hypercall */
#define CHUNK_PAGES     4096u           /* of the ramdisk, mapped at once */

int xc_dom_cancelled(struct xc_dom_image *img)
{
    const atomic_bool *cancel = img->params->cancel;

    if (!cancel || !atomic_load(cancel))
        return 0;
    return xc_fail(img->err, -ECANCELED, "building the domain was cancelled");
}

int xc_dom_file_open(struct xc_dom_image *img, struct xc_dom_file *f,
                     const char *what, const char *path)
{
    struct stat st;
    int rc;

    f->what = what;
    f->path = path;
    /* A FIFO must not make us wait. */
    f->fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (f->fd < 0) {
        rc = -errno;
        return xc_fail(img->err, rc, "%s %s: %s; check the path and its "
                       "permissions", what, path, strerror(-rc));
    }
    if (fstat(f->fd, &st)) {
        rc = -errno;
        return xc_fail(img->err, rc, "%s %s: %s", what, path, strerror(-rc));
    }
    if (!S_ISREG(st.st_mode))
        return xc_fail(img->err, -ENOEXEC, "%s %s: not a regular file; name "
                       "the %s itself", what, path, what);
    if (!st.st_size)
        return xc_fail(img->err, -ENODATA, "%s %s: the file is empty; copy it "
                       "again", what, path);
    f->size = (uint64_t)st.st_size;
    return 0;
}

void xc_dom_file_close(struct xc_dom_file *f)
{
    if (f->fd >= 0)
        close(f->fd);
    f->fd = -1;
}

int xc_dom_file_read(struct xc_dom_image *img, const struct xc_dom_file *f,
                     uint64_t offset, void *buf, size_t size)
{
    char *p = buf;

    while (size) {
        ssize_t n = pread(f->fd, p, size, (off_t)offset);

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0) {
            int rc = -errno;

            return xc_fail(img->err, rc, "%s %s: cannot be read: %s", f->what,
                           f->path, strerror(-rc));
        }
        if (!n)
            return xc_fail(img->err, -ENODATA, "%s %s: truncated, it ends at "
                           "byte %llu; copy it again", f->what, f->path,
                           (unsigned long long)offset);
        p += n;
        offset += (uint64_t)n;
        size -= (size_t)n;
    }
    return 0;
}

/* Why the hypervisor gave fewer frames than were asked for. */
static int no_memory(struct xc_dom_image *img, uint64_t got)
{
    unsigned long long need = img->nr_pages >> 8, free_mb = 0;
    struct xc_domain_info info;
    struct xc_physinfo phys;

    if (!xc_domain_getinfo(img->xc, img->params->domid, &info) &&
        info.max_pages < img->nr_pages)
        return xc_fail(img->err, -EINVAL, "the domain's limit is %llu MiB, "
                       "less than its memory of %llu MiB; raise the limit",
                       (unsigned long long)info.max_pages >> 8, need);
    if (!xc_physinfo(img->xc, &phys))
        free_mb = (phys.free_pages + got) >> 8;
    return xc_fail(img->err, -ENOMEM, "not enough free memory: the domain "
                   "needs %llu MiB, %llu MiB are free; give it less, or stop "
                   "or shrink another domain", need, free_mb);
}

/* Ask for what is free before taking any of it. */
static int check_free(struct xc_dom_image *img)
{
    struct xc_physinfo phys;

    if (xc_physinfo(img->xc, &phys) || phys.free_pages >= img->nr_pages)
        return 0;
    return no_memory(img, 0);
}

/* Populate from *pfn on in extents of this order, as far as it goes. */
static int populate_order(struct xc_dom_image *img, unsigned int order,
                          uint64_t *pfn)
{
    /* Large extents take long: be ready to stop. */
    uint64_t frames[BATCH], batch = order ? BATCH / 8 : BATCH;

    while ((img->nr_pages - *pfn) >> order) {
        uint64_t n = (img->nr_pages - *pfn) >> order;
        int rc = xc_dom_cancelled(img);
        long done;

        if (rc)
            return rc;
        n = n < batch ? n : batch;
        for (uint64_t i = 0; i < n; i++)
            frames[i] = *pfn + (i << order);
        done = xc_memory_populate(img->xc, img->params->domid, order, n,
                                  frames);
        for (long i = 0; i < done; i++)
            for (uint64_t j = 0; j < 1ULL << order; j++)
                img->p2m[(*pfn)++] = frames[i] + j;
        /* Smaller extents may still be there. */
        if (done < (long)n)
            break;
    }
    return 0;
}

int xc_dom_populate(struct xc_dom_image *img)
{
    uint64_t pfn = 0;
    int rc;

    img->p2m = malloc(img->nr_pages * sizeof(*img->p2m));
    if (!img->p2m)
        return xc_fail(img->err, -ENOMEM, "out of memory in this domain");
    rc = check_free(img);
    if (!rc)
        rc = populate_order(img, ORDER_LARGE, &pfn);
    if (!rc)
        rc = populate_order(img, 0, &pfn);
    if (!rc && pfn < img->nr_pages)
        rc = no_memory(img, pfn);
    return rc;
}

int xc_dom_map(struct xc_dom_image *img, uint64_t pfn, uint64_t nr, void *addr,
               void **ret_map)
{
    int rc = xc_foreign_map_at(img->xc, img->params->domid,
                               PROT_READ | PROT_WRITE, addr, img->p2m + pfn,
                               nr, ret_map);

    if (rc)
        xc_fail(img->err, rc, "frames of the new domain cannot be mapped: %s",
                strerror(-rc));
    return rc;
}

int xc_dom_ramdisk_open(struct xc_dom_image *img)
{
    struct xc_dom_file *f = &img->ramdisk;
    uint8_t magic[8] = { 0 }, tail[4];
    uint64_t unpacked;
    int rc;

    if (!img->params->ramdisk)
        return 0;
    rc = xc_dom_file_open(img, f, "ramdisk", img->params->ramdisk);
    if (rc)
        return rc;
    img->ramdisk_size = f->size;
    if (f->size < 32)
        return 0;
    rc = xc_dom_file_read(img, f, 0, magic, sizeof(magic));
    if (!rc)
        rc = xc_dom_file_read(img, f, f->size - sizeof(tail), tail,
                              sizeof(tail));
    if (rc || xc_dom_format(magic, sizeof(magic)) != XC_PACK_GZIP)
        return rc;
    /* gzip ends with the size; less than the file's is several members. */
    unpacked = tail[0] | tail[1] << 8 | tail[2] << 16 | (uint64_t)tail[3] << 24;
    if (unpacked > f->size && unpacked <= img->nr_pages * XC_PAGE_SIZE) {
        img->ramdisk_gzip = !xc_dom_cache_open(img, f, unpacked);
        img->ramdisk_size = unpacked;
    }
    return 0;
}

/* The ramdisk's frames, mapped a chunk at a time in order. */
struct chunks {
    struct xc_dom_sink sink;
    struct xc_dom_image *img;
    uint64_t page;                      /* next one to map */
    void *map;
    uint64_t mapped;
    struct xc_dom_cache cache;          /* gets what is unpacked, too */
    uint64_t to_keep;                   /* bytes */
};

static void chunk_unmap(struct chunks *c)
{
    uint64_t n = c->mapped * XC_PAGE_SIZE;

    if (!c->map)
        return;
    n = n < c->to_keep ? n : c->to_keep;
    xc_dom_cache_write(&c->cache, c->map, n);
    c->to_keep -= n;
    xc_foreign_unmap(c->img->xc, c->map, c->mapped);
    c->map = NULL;
}

static int chunk_next(struct xc_dom_sink *sink, uint8_t **ret_p,
                      uint64_t *ret_size)
{
    struct chunks *c = (struct chunks *)sink;
    uint64_t left = c->img->at.ramdisk_pages - c->page;
    int rc = xc_dom_cancelled(c->img);

    chunk_unmap(c);
    if (rc)
        return rc;
    c->mapped = left < CHUNK_PAGES ? left : CHUNK_PAGES;
    rc = xc_dom_map(c->img, c->img->at.ramdisk_pfn + c->page, c->mapped, NULL,
                    &c->map);
    if (rc)
        return rc;
    c->page += c->mapped;
    *ret_p = c->map;
    *ret_size = c->mapped * XC_PAGE_SIZE;
    return 0;
}

static int load_raw(struct xc_dom_image *img, struct chunks *c)
{
    uint64_t done = 0;

    c->page = 0;
    while (done < img->ramdisk.size) {
        uint64_t size, left = img->ramdisk.size - done;
        uint8_t *p;
        int rc = chunk_next(&c->sink, &p, &size);

        if (!rc)
            rc = xc_dom_file_read(img, &img->ramdisk, done, p,
                                  left < size ? left : size);
        if (rc)
            return rc;
        done += size;
    }
    return 0;
}

int xc_dom_ramdisk_load(struct xc_dom_image *img)
{
    struct chunks c = { .sink.next = chunk_next, .img = img };
    int rc = -EBADMSG;

    if (img->ramdisk.fd < 0)
        return 0;
    c.cache.fd = c.cache.dir = -1;
    if (img->ramdisk_gzip) {
        c.to_keep = img->ramdisk_size;
        xc_dom_cache_create(img, &img->ramdisk, img->ramdisk_size, &c.cache);
        rc = xc_dom_gunzip(img, &img->ramdisk, img->ramdisk_size, &c.sink);
        chunk_unmap(&c);
        if (!rc)
            xc_dom_cache_commit(&c.cache);
        xc_dom_cache_drop(&c.cache);
    }
    if (rc == -EBADMSG) {
        /* Not what it looked like: the kernel shall make sense of it.  It has
         * fewer bytes than were reserved. */
        img->ramdisk_size = img->ramdisk.size;
        rc = load_raw(img, &c);
        chunk_unmap(&c);
    }
    return rc;
}
