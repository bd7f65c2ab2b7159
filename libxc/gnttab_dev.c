/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Mapping what other domains granted to us, by /dev/xen/gntdev.
 */
#include "private.h"

#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/mman.h>

#include <xen/sys/gntdev.h>

struct xc_gnttab {
    struct xc *xc;
    int fd;
};

int xc_gnttab_open(struct xc *xc, struct xc_gnttab **ret_gt)
{
    struct xc_gnttab *gt = calloc(1, sizeof(*gt));
    int fd;

    if (!gt)
        return -ENOMEM;
    fd = xc->ops->open(xc->ctx, "xen/gntdev");
    if (fd < 0) {
        free(gt);
        return fd;
    }
    gt->xc = xc;
    gt->fd = fd;
    *ret_gt = gt;
    return 0;
}

void xc_gnttab_destroy(struct xc_gnttab *gt)
{
    if (!gt)
        return;
    gt->xc->ops->close(gt->xc->ctx, gt->fd);
    free(gt);
}

/* The device forgets the grants at once if unmapped, else when the last
 * mapping of them goes. */
static void forget(struct xc_gnttab *gt, uint64_t index, size_t nr)
{
    struct ioctl_gntdev_unmap_grant_ref arg = {
        .index = index,
        .count = (uint32_t)nr,
    };

    gt->xc->ops->ioctl(gt->xc->ctx, gt->fd, IOCTL_GNTDEV_UNMAP_GRANT_REF,
                       &arg);
}

int xc_gnttab_map(struct xc_gnttab *gt, uint32_t domid, const uint32_t *grefs,
                  size_t nr, int prot, void **ret_map)
{
    struct ioctl_gntdev_map_grant_ref *arg;
    uint64_t index;
    void *p;
    int rc;

    if (!nr)
        return -EINVAL;
    arg = calloc(1, sizeof(*arg) + (nr - 1) * sizeof(arg->refs[0]));
    if (!arg)
        return -ENOMEM;
    arg->count = (uint32_t)nr;
    for (size_t i = 0; i < nr; i++) {
        arg->refs[i].domid = domid;
        arg->refs[i].ref = grefs[i];
    }
    rc = (int)gt->xc->ops->ioctl(gt->xc->ctx, gt->fd,
                                 IOCTL_GNTDEV_MAP_GRANT_REF, arg);
    index = arg->index;
    free(arg);
    if (rc)
        return rc;
    /* Only this step asks the hypervisor. */
    p = gt->xc->ops->mmap(gt->xc->ctx, NULL, nr * XC_PAGE_SIZE, prot,
                          MAP_SHARED, gt->fd, (off_t)index);
    if (p == MAP_FAILED)
        rc = -errno;
    else
        *ret_map = p;
    forget(gt, index, nr);
    return rc;
}

void xc_gnttab_unmap(struct xc_gnttab *gt, void *map, size_t nr)
{
    if (map)
        gt->xc->ops->munmap(gt->xc->ctx, map, nr * XC_PAGE_SIZE);
}
