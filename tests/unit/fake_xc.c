/* SPDX-License-Identifier: GPL-2.0-or-later */
#define _GNU_SOURCE
#include "fake_xc.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <xen/event_channel.h>
#include <xen/grant_table.h>
#include <xen/version.h>
#include <xen/sys/privcmd.h>

enum { FD_PRIVCMD = 1000, FD_HYPERCALL };

#define DOMID   1u
#define P       0x01u
#define RW      0x02u
#define US      0x04u
#define PSE     0x80u

static bool frame_of(uint64_t mfn, unsigned int *ret_frame)
{
    if (mfn < FAKE_MFN_BASE || mfn >= FAKE_MFN_BASE + FAKE_FRAMES)
        return false;
    *ret_frame = (unsigned int)(mfn - FAKE_MFN_BASE) ^ 1u;
    return true;
}

void *fake_frame(struct fake_xc *f, uint64_t mfn)
{
    unsigned int frame;

    if (!frame_of(mfn, &frame))
        return NULL;
    return f->mem + (size_t)frame * XC_PAGE_SIZE;
}

/* ---- page tables ---- */

static bool refuse(struct fake_xc *f, const char *why, uint64_t entry)
{
    snprintf(f->why, sizeof(f->why), "%s: entry %#lx", why, entry);
    return false;
}

/* One table and all below; levels[] remembers which frames are tables. */
static bool check_table(struct fake_xc *f, uint64_t mfn, int level,
                        uint8_t *levels)
{
    unsigned int frame;
    uint64_t *table;

    if (!frame_of(mfn, &frame) || !f->owned[frame])
        return refuse(f, "a table that is not the domain's", mfn);
    if (levels[frame])
        return levels[frame] == level || refuse(f, "two types", mfn);
    levels[frame] = (uint8_t)level;
    table = fake_frame(f, mfn);
    for (int i = 0; i < 512; i++) {
        uint64_t e = table[i], to = (e & 0xffffffffff000) >> 12;
        unsigned int sub;

        if (!(e & P)) {
            if (e)
                return refuse(f, "garbage", e);
            continue;
        }
        if (!(e & US) || e & PSE)
            return refuse(f, "flags", e);
        if (level == 4 && i >= 256 && i < 272)
            return refuse(f, "a slot of the hypervisor", e);
        if (level > 1 && !check_table(f, to, level - 1, levels))
            return false;
        if (level == 1 && (!frame_of(to, &sub) || !f->owned[sub]))
            return refuse(f, "a frame that is not the domain's", e);
    }
    return true;
}

/* No leaf may map a table for writing. */
static bool check_writable(struct fake_xc *f, const uint8_t *levels)
{
    for (unsigned int i = 0; i < FAKE_FRAMES; i++) {
        uint64_t *table = (uint64_t *)(f->mem + (size_t)i * XC_PAGE_SIZE);

        if (levels[i] != 1)
            continue;
        for (int j = 0; j < 512; j++) {
            unsigned int to;

            if ((table[j] & (P | RW)) == (P | RW) &&
                frame_of((table[j] & 0xffffffffff000) >> 12, &to) && levels[to])
                return refuse(f, "a writable table", table[j]);
        }
    }
    return true;
}

static long pin(struct fake_xc *f, uint64_t mfn)
{
    uint8_t *levels = f->level;

    memset(levels, 0, sizeof(f->level));
    if (f->nr_maps) {
        refuse(f, "frames are still mapped", f->nr_maps);
        return -EBUSY;
    }
    if (!check_table(f, mfn, 4, levels) || !check_writable(f, levels))
        return -EINVAL;
    f->pinned_mfn = mfn;
    return 0;
}

uint64_t fake_walk(struct fake_xc *f, uint64_t va)
{
    uint64_t e = f->pinned_mfn << 12 | P;

    for (int shift = 39; shift >= 12 && e & P; shift -= 9) {
        uint64_t *table = fake_frame(f, (e & 0xffffffffff000) >> 12);

        e = table ? table[va >> shift & 511] : 0;
    }
    return e & P ? e : 0;
}

/* ---- hypercalls ---- */

static void frame_infos(struct fake_xc *f,
                        const struct xen_domctl_getpageframeinfo3 *p)
{
    for (uint64_t i = 0; i < p->num; i++) {
        uint64_t mfn = p->array.p[i];
        unsigned int frame;

        if (!frame_of(mfn, &frame) || !f->owned[frame])
            p->array.p[i] = XEN_DOMCTL_PFINFO_XTAB;
        else
            p->array.p[i] = (uint64_t)f->level[frame] <<
                            XEN_DOMCTL_PFINFO_LTAB_SHIFT |
                            (mfn == f->pinned_mfn ? XEN_DOMCTL_PFINFO_LPINTAB
                                                  : 0);
    }
}

/* Only vcpu 0 has one. */
static long get_context(struct fake_xc *f, struct xen_domctl *op)
{
    if (op->u.vcpucontext.vcpu || !f->has_context)
        return -ENODATA;
    memcpy(op->u.vcpucontext.ctxt.p, &f->context, sizeof(f->context));
    return 0;
}

static long domctl(struct fake_xc *f, struct xen_domctl *op)
{
    if (op->interface_version != XEN_DOMCTL_INTERFACE_VERSION)
        return -EACCES;
    if (op->cmd == XEN_DOMCTL_createdomain) {
        if (f->exists)
            return -ENOMEM;
        f->exists = true;
        op->domain = DOMID;
        return 0;
    }
    if (!f->exists || op->domain != DOMID)
        return -ESRCH;
    switch (op->cmd) {
    case XEN_DOMCTL_destroydomain:
        f->exists = false;
        return 0;
    case XEN_DOMCTL_max_vcpus:
        f->max_vcpus = op->u.max_vcpus.max;
        return f->max_vcpus ? 0 : -EINVAL;
    case XEN_DOMCTL_max_mem:
        f->max_pages = op->u.max_mem.max_memkb >> 2;
        return 0;
    case XEN_DOMCTL_set_address_size:
        f->address_bits = op->u.address_size.size;
        return 0;
    case XEN_DOMCTL_settscinfo:
        return 0;
    case XEN_DOMCTL_hypercall_init:
        f->hypercall_mfn = op->u.hypercall_init.gmfn;
        return 0;
    case XEN_DOMCTL_setvcpucontext:
        memcpy(&f->context, op->u.vcpucontext.ctxt.p, sizeof(f->context));
        f->has_context = true;
        return 0;
    case XEN_DOMCTL_getvcpucontext:
        return get_context(f, op);
    case XEN_DOMCTL_set_ext_vcpucontext:
        f->entries = op->u.ext_vcpucontext;
        return 0;
    case XEN_DOMCTL_get_ext_vcpucontext:
        op->u.ext_vcpucontext = f->entries;
        return 0;
    case XEN_DOMCTL_getvcpuextstate:
        op->u.vcpuextstate.xfeature_mask = 0;    /* as Xen without XSAVE */
        op->u.vcpuextstate.size = 16;
        return 0;
    case XEN_DOMCTL_getpageframeinfo3:
        frame_infos(f, &op->u.getpageframeinfo3);
        return 0;
    case XEN_DOMCTL_getdomaininfo:
        memset(&op->u.getdomaininfo, 0, sizeof(op->u.getdomaininfo));
        op->u.getdomaininfo.domain = DOMID;
        op->u.getdomaininfo.max_pages = f->max_pages;
        for (unsigned int i = 0; i < FAKE_FRAMES; i++)
            op->u.getdomaininfo.tot_pages += f->owned[i];
        op->u.getdomaininfo.max_vcpu_id = f->max_vcpus - 1;
        op->u.getdomaininfo.shared_info_frame = fake_mfn(f->shared_info);
        return 0;
    }
    return -ENOSYS;
}

static long sysctl_op(struct fake_xc *f, struct xen_sysctl *op)
{
    if (op->interface_version != XEN_SYSCTL_INTERFACE_VERSION)
        return -EACCES;
    if (op->cmd != XEN_SYSCTL_physinfo)
        return -ENOSYS;
    memset(&op->u.physinfo, 0, sizeof(op->u.physinfo));
    op->u.physinfo.free_pages = f->free_frames;
    op->u.physinfo.max_mfn = FAKE_MFN_BASE + FAKE_FRAMES - 1;
    return 0;
}

/* Extents at even frames, so that an extent's mfns follow one another. */
static long populate(struct fake_xc *f, struct xen_memory_reservation *op)
{
    uint64_t *list = op->extent_start.p;
    unsigned int n = 1u << op->extent_order;

    if (op->extent_order && f->refuse_large)
        return 0;
    for (unsigned long i = 0; i < op->nr_extents; i++) {
        uint64_t pfn = list[i];

        if (f->free_frames < n)
            return (long)i;
        if (n > 1)
            f->next_frame += f->next_frame & 1;
        list[i] = n > 1 ? FAKE_MFN_BASE + f->next_frame :
                  fake_mfn(f->next_frame);
        for (unsigned int j = 0; j < n; j++) {
            unsigned int frame;

            frame_of(list[i] + j, &frame);
            f->owned[frame] = true;
            f->pfn_of[frame] = (int32_t)(pfn + j);
        }
        f->next_frame += n;
        f->free_frames -= n;
    }
    return (long)op->nr_extents;
}

/* The table as it is now, in frames behind all others. */
static long list_m2p(struct fake_xc *f, struct xen_machphys_mfn_list *op)
{
    if (op->max_extents != 1)
        return -EINVAL;
    memset(f->m2p, 0xff, FAKE_M2P_FRAMES * XC_PAGE_SIZE);
    for (unsigned int i = 0; i < FAKE_FRAMES; i++)
        if (f->owned[i] && f->pfn_of[i] >= 0)
            f->m2p[fake_mfn(i)] = (uint64_t)f->pfn_of[i];
    op->extent_start.p[0] = FAKE_M2P_MFN;
    op->nr_extents = 1;
    return 0;
}

static long memory_op(struct fake_xc *f, unsigned long cmd, void *arg)
{
    struct xen_foreign_memory_map *map = arg;

    if (cmd == XENMEM_populate_physmap)
        return populate(f, arg);
    if (cmd == XENMEM_machphys_mfn_list)
        return list_m2p(f, arg);
    if (cmd != XENMEM_set_memory_map)
        return -ENOSYS;
    f->map_kb = *(uint64_t *)((char *)map->map.buffer.p + 8) >> 10;
    return map->map.nr_entries == 1 ? 0 : -EINVAL;
}

static long grant_op(struct fake_xc *f, unsigned long cmd, void *arg)
{
    gnttab_setup_table_t *op = arg;

    if (cmd != GNTTABOP_setup_table || op->dom != DOMID)
        return -ENOSYS;
    op->frame_list.p[0] = fake_mfn(f->grants);
    op->status = GNTST_okay;
    return 0;
}

static long hypercall(struct fake_xc *f, const privcmd_hypercall_t *c)
{
    void *first = (void *)c->arg[0], *second = (void *)c->arg[1];
    struct mmuext_op *ext = first;

    if (++f->hypercalls == f->cancel_at && f->cancel)
        atomic_store(f->cancel, true);
    switch (c->op) {
    case __HYPERVISOR_domctl:
        return domctl(f, first);
    case __HYPERVISOR_sysctl:
        return sysctl_op(f, first);
    case __HYPERVISOR_memory_op:
        return memory_op(f, c->arg[0], second);
    case __HYPERVISOR_xen_version:
        return c->arg[0] == XENVER_version ? 4 << 16 | 17 : -ENOSYS;
    case __HYPERVISOR_grant_table_op:
        return grant_op(f, c->arg[0], second);
    case __HYPERVISOR_event_channel_op:
        ((struct evtchn_alloc_unbound *)second)->port = ++f->next_port;
        return 0;
    case __HYPERVISOR_mmuext_op:
        return ext->cmd == MMUEXT_PIN_L4_TABLE && c->arg[3] == DOMID ?
               pin(f, ext->arg1.mfn) : -EINVAL;
    }
    return -ENOSYS;
}

/* ---- devices ---- */

static int fake_dev_open(void *ctx, const char *dev)
{
    (void)ctx;
    return !strcmp(dev, "xen/privcmd") ? FD_PRIVCMD :
           !strcmp(dev, "xen/hypercall") ? FD_HYPERCALL : -ENOENT;
}

static int fake_dev_close(void *ctx, int fd)
{
    (void)ctx;
    (void)fd;
    return 0;
}

static int map_frame(struct fake_xc *f, char *addr, unsigned int frame)
{
    void *p = mmap(addr, XC_PAGE_SIZE, PROT_READ | PROT_WRITE,
                   MAP_SHARED | MAP_FIXED, f->memfd,
                   (off_t)frame * XC_PAGE_SIZE);

    return p == MAP_FAILED ? -errno : 0;
}

static long map_batch(struct fake_xc *f, privcmd_mmapbatch_v2_t *b)
{
    for (unsigned int i = 0; i < b->num; i++) {
        unsigned int frame;

        b->err[i] = -EINVAL;
        if (b->dom == DOMID_XEN && b->arr[i] >= FAKE_M2P_MFN &&
            b->arr[i] < FAKE_M2P_MFN + FAKE_M2P_FRAMES) {
            frame = FAKE_FRAMES + (unsigned int)(b->arr[i] - FAKE_M2P_MFN);
            b->err[i] = map_frame(f, (char *)b->addr + i * XC_PAGE_SIZE, frame);
            continue;
        }
        if (frame_of(b->arr[i], &frame) &&
            (f->owned[frame] || frame == f->shared_info || frame == f->grants))
            b->err[i] = map_frame(f, (char *)b->addr + i * XC_PAGE_SIZE, frame);
    }
    return 0;
}

static long fake_ioctl(void *ctx, int fd, unsigned long request, void *arg)
{
    struct fake_xc *f = ctx;
    struct privcmd_mmap_resource *res = arg;

    if (fd != FD_PRIVCMD)
        return -EBADF;
    if (request == IOCTL_PRIVCMD_HYPERCALL)
        return hypercall(f, arg);
    if (request == IOCTL_PRIVCMD_MMAPBATCH_V2)
        return map_batch(f, arg);
    if (request == IOCTL_PRIVCMD_MMAP_RESOURCE && !f->refuse_resource &&
        res->type == XENMEM_resource_grant_table && res->num == 1)
        return map_frame(f, (char *)res->addr, f->grants);
    return -EOPNOTSUPP;
}

static void *fake_mmap(void *ctx, void *addr, size_t size, int prot, int flags,
                       int fd, off_t offset)
{
    struct fake_xc *f = ctx;
    char *p;

    flags = (flags & ~MAP_SHARED) | MAP_PRIVATE | MAP_ANONYMOUS;
    p = mmap(addr, size, prot, flags, -1, offset);
    if (p == MAP_FAILED || fd != FD_PRIVCMD)
        return p;
    if (f->nr_maps == FAKE_MAX_MAPS)
        abort();
    f->maps[f->nr_maps++] = (struct fake_map){ p, size / XC_PAGE_SIZE };
    return p;
}

static int fake_munmap(void *ctx, void *addr, size_t size)
{
    struct fake_xc *f = ctx;
    char *start = addr;

    for (unsigned int i = 0; i < f->nr_maps;) {
        if (f->maps[i].addr >= start && f->maps[i].addr < start + size)
            f->maps[i] = f->maps[--f->nr_maps];
        else
            i++;
    }
    return munmap(addr, size) ? -errno : 0;
}

static const struct xcall_ops fake_ops = {
    .open = fake_dev_open,
    .close = fake_dev_close,
    .ioctl = fake_ioctl,
    .mmap = fake_mmap,
    .munmap = fake_munmap,
};

struct fake_xc *fake_open(struct xc **ret_xc)
{
    struct fake_xc *f = calloc(1, sizeof(*f));
    size_t size = FAKE_BYTES;

    f->memfd = memfd_create("frames", MFD_CLOEXEC);
    if (f->memfd < 0 || ftruncate(f->memfd, (off_t)size))
        abort();
    f->mem = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, f->memfd, 0);
    f->m2p = (uint64_t *)(f->mem + (size_t)FAKE_FRAMES * XC_PAGE_SIZE);
    /* Garbage where small tests look; the rest would only cost memory. */
    memset(f->mem, FAKE_GARBAGE, size / 8);
    f->shared_info = 0;
    f->grants = 1;
    f->next_frame = 2;
    f->free_frames = FAKE_FRAMES - 16;
    if (xc_open_ops(&fake_ops, f, ret_xc, NULL))
        abort();
    return f;
}

void fake_close(struct fake_xc *f, struct xc *xc)
{
    xc_close(xc);
    munmap(f->mem, FAKE_BYTES);
    close(f->memfd);
    free(f);
}
