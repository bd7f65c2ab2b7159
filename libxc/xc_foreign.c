/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Frames of other domains in our address space.
 */
#include "private.h"

#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/mman.h>

#include <xen/sys/privcmd.h>

/* A region of privcmd's, without frames so far; MAP_FAILED and errno. */
static void *reserve(struct xc *xc, void *addr, int prot, size_t nr)
{
    return xc->ops->mmap(xc->ctx, addr, nr * XC_PAGE_SIZE, prot,
                         MAP_SHARED | (addr ? MAP_FIXED : 0), xc->privcmd, 0);
}

/* The kernel takes a region's frames in one go, or not at all. */
static int fill(struct xc *xc, uint32_t domid, void *map, const uint64_t *gfns,
                size_t nr)
{
    int *errs = calloc(nr, sizeof(*errs));
    privcmd_mmapbatch_v2_t batch = {
        .num = (unsigned int)nr,
        .dom = (domid_t)domid,
        .addr = (uintptr_t)map,
        .arr = gfns,
        .err = errs,
    };
    int rc;

    if (!errs)
        return -ENOMEM;
    rc = (int)xc->ops->ioctl(xc->ctx, xc->privcmd, IOCTL_PRIVCMD_MMAPBATCH_V2,
                             &batch);
    for (size_t i = 0; i < nr && rc >= 0; i++)
        rc = errs[i];
    free(errs);
    return rc;
}

int xc_foreign_map_at(struct xc *xc, uint32_t domid, int prot, void *addr,
                      const uint64_t *gfns, size_t nr, void **ret_map)
{
    void *map;
    int rc;

    if (!nr || nr > UINT32_MAX)
        return -EINVAL;
    map = reserve(xc, addr, prot, nr);
    if (map == MAP_FAILED)
        return -errno;
    rc = fill(xc, domid, map, gfns, nr);
    if (rc)
        xc_foreign_unmap(xc, map, nr);
    else
        *ret_map = map;
    return rc;
}

int xc_foreign_map(struct xc *xc, uint32_t domid, int prot,
                   const uint64_t *gfns, size_t nr, void **ret_map)
{
    return xc_foreign_map_at(xc, domid, prot, NULL, gfns, nr, ret_map);
}

int xc_foreign_map_resource(struct xc *xc, uint32_t domid, int prot,
                            const struct xc_resource *res, void **ret_map)
{
    struct privcmd_mmap_resource arg = {
        .dom = (domid_t)domid,
        .type = res->type,
        .id = res->id,
        .idx = (uint32_t)res->first,
        .num = res->nr,
    };
    void *map;
    int rc;

    if (!res->nr || res->first > UINT32_MAX)
        return -EINVAL;
    map = reserve(xc, NULL, prot, res->nr);
    if (map == MAP_FAILED)
        return -errno;
    arg.addr = (uintptr_t)map;
    rc = (int)xc->ops->ioctl(xc->ctx, xc->privcmd,
                             IOCTL_PRIVCMD_MMAP_RESOURCE, &arg);
    if (rc) {
        xc_foreign_unmap(xc, map, res->nr);
        return rc == -EOPNOTSUPP || rc == -ENOTTY ? -EOPNOTSUPP : rc;
    }
    *ret_map = map;
    return 0;
}

void xc_foreign_unmap(struct xc *xc, void *map, size_t nr)
{
    if (map)
        xc->ops->munmap(xc->ctx, map, nr * XC_PAGE_SIZE);
}
