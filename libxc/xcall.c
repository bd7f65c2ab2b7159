/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The handle: devices, hypercall buffers, the hypercall itself.
 */
#define _GNU_SOURCE
#include "private.h"

#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <xen/sys/privcmd.h>

static int real_open(void *ctx, const char *dev)
{
    char path[64];
    int fd;

    (void)ctx;
    snprintf(path, sizeof(path), "/dev/%s", dev);
    fd = open(path, O_RDWR | O_CLOEXEC);
    return fd < 0 ? -errno : fd;
}

static int real_close(void *ctx, int fd)
{
    (void)ctx;
    return close(fd) ? -errno : 0;
}

/* libc's ioctl cuts results to an int; hypercalls have longer ones. */
static long real_ioctl(void *ctx, int fd, unsigned long request, void *arg)
{
    long rc;

    (void)ctx;
    rc = syscall(SYS_ioctl, fd, request, arg);
    return rc < 0 ? -errno : rc;
}

static void *real_mmap(void *ctx, void *addr, size_t size, int prot, int flags,
                       int fd, off_t offset)
{
    (void)ctx;
    return mmap(addr, size, prot, flags, fd, offset);
}

static int real_munmap(void *ctx, void *addr, size_t size)
{
    (void)ctx;
    return munmap(addr, size) ? -errno : 0;
}

static const struct xcall_ops real_ops = {
    .open = real_open,
    .close = real_close,
    .ioctl = real_ioctl,
    .mmap = real_mmap,
    .munmap = real_munmap,
};

int xc_fail(struct xc_error *err, int rc, const char *fmt, ...)
{
    va_list ap;

    if (err) {
        va_start(ap, fmt);
        vsnprintf(err->text, sizeof(err->text), fmt, ap);
        va_end(ap);
    }
    return rc;
}

static int map_buffer(struct xc *xc, size_t pages, void **ret_p)
{
    void *p = xc->ops->mmap(xc->ctx, NULL, pages * XC_PAGE_SIZE,
                            PROT_READ | PROT_WRITE, MAP_SHARED, xc->hcall, 0);

    if (p == MAP_FAILED)
        return -errno;
    *ret_p = p;
    return 0;
}

/* The first run of n free pages of the pool, or -1. */
static int pool_find(uint64_t used, size_t n)
{
    uint64_t run = n < 64 ? (1ULL << n) - 1 : ~0ULL;

    for (unsigned int i = 0; i + n <= XC_POOL_PAGES; i++)
        if (!(used & (run << i)))
            return (int)i;
    return -1;
}

int xc_buf_get(struct xc *xc, size_t size, struct xc_buf *ret_buf)
{
    size_t n = xc_pages(size ? size : 1);
    int at = -1;

    if (n <= XC_POOL_PAGES / 4) {
        pthread_mutex_lock(&xc->lock);
        at = pool_find(xc->pool_used, n);
        if (at >= 0)
            xc->pool_used |= ((1ULL << n) - 1) << at;
        pthread_mutex_unlock(&xc->lock);
    }
    if (at < 0) {
        int rc = map_buffer(xc, n, &ret_buf->p);

        if (rc)
            return rc;
    } else {
        ret_buf->p = (char *)xc->pool + (size_t)at * XC_PAGE_SIZE;
        memset(ret_buf->p, 0, n * XC_PAGE_SIZE);
    }
    ret_buf->pages = n;
    return 0;
}

void xc_buf_put(struct xc *xc, struct xc_buf *buf)
{
    size_t at = ((uintptr_t)buf->p - (uintptr_t)xc->pool) / XC_PAGE_SIZE;

    if (!buf->p)
        return;
    if (at < XC_POOL_PAGES) {
        pthread_mutex_lock(&xc->lock);
        xc->pool_used &= ~(((1ULL << buf->pages) - 1) << at);
        pthread_mutex_unlock(&xc->lock);
    } else {
        xc->ops->munmap(xc->ctx, buf->p, buf->pages * XC_PAGE_SIZE);
    }
    buf->p = NULL;
}

long xc_hypercall(struct xc *xc, unsigned long op, unsigned long a0,
                  unsigned long a1, unsigned long a2, unsigned long a3)
{
    privcmd_hypercall_t call = { .op = op, .arg = { a0, a1, a2, a3 } };

    return xc->ops->ioctl(xc->ctx, xc->privcmd, IOCTL_PRIVCMD_HYPERCALL,
                          &call);
}

long xc_hypercall_arg(struct xc *xc, unsigned long op, unsigned long cmd,
                      void *arg, size_t size)
{
    struct xc_buf buf;
    long rc;

    rc = xc_buf_get(xc, size, &buf);
    if (rc)
        return rc;
    memcpy(buf.p, arg, size);
    rc = xc_hypercall(xc, op, cmd, (unsigned long)buf.p, 0, 0);
    memcpy(arg, buf.p, size);
    xc_buf_put(xc, &buf);
    return rc;
}

/* Both have a single argument, the struct. */
static int control_call(struct xc *xc, unsigned long op, void *arg, size_t size)
{
    struct xc_buf buf;
    long rc;

    rc = xc_buf_get(xc, size, &buf);
    if (rc)
        return (int)rc;
    memcpy(buf.p, arg, size);
    rc = xc_hypercall(xc, op, (unsigned long)buf.p, 0, 0, 0);
    memcpy(arg, buf.p, size);
    xc_buf_put(xc, &buf);
    return (int)rc;
}

int xc_domctl(struct xc *xc, struct xen_domctl *op)
{
    op->interface_version = XEN_DOMCTL_INTERFACE_VERSION;
    return control_call(xc, __HYPERVISOR_domctl, op, sizeof(*op));
}

int xc_sysctl(struct xc *xc, struct xen_sysctl *op)
{
    op->interface_version = XEN_SYSCTL_INTERFACE_VERSION;
    return control_call(xc, __HYPERVISOR_sysctl, op, sizeof(*op));
}

/* The control ABI has a version of its own; a mismatch is -EACCES. */
static int check_version(struct xc *xc, struct xc_error *err)
{
    struct xc_physinfo info;
    int rc = xc_physinfo(xc, &info);

    if (rc == -EACCES)
        return xc_fail(err, -EPROTO, "the hypervisor does not speak control "
                       "interface %#x; use tools that match it",
                       XEN_SYSCTL_INTERFACE_VERSION);
    if (rc)
        return xc_fail(err, rc, "the hypervisor refuses control: %s; are we "
                       "in dom0?", strerror(-rc));
    return 0;
}

int xc_open_ops(const struct xcall_ops *ops, void *ctx, struct xc **ret_xc,
                struct xc_error *err)
{
    struct xc *xc = calloc(1, sizeof(*xc));
    int rc;

    if (!xc)
        return xc_fail(err, -ENOMEM, "out of memory");
    xc->ops = ops;
    xc->ctx = ctx;
    pthread_mutex_init(&xc->lock, NULL);
    rc = xc->privcmd = ops->open(ctx, "xen/privcmd");
    if (rc < 0) {
        xc_fail(err, rc, "/dev/xen/privcmd: %s; run as root in dom0 with the "
                "module xen-privcmd", strerror(-rc));
        goto err_free;
    }
    rc = xc->hcall = ops->open(ctx, "xen/hypercall");
    if (rc < 0) {
        xc_fail(err, rc, "/dev/xen/hypercall: %s; the kernel is too old or "
                "/dev is not complete", strerror(-rc));
        goto err_privcmd;
    }
    rc = map_buffer(xc, XC_POOL_PAGES, &xc->pool);
    if (rc) {
        xc_fail(err, rc, "/dev/xen/hypercall: no buffers: %s", strerror(-rc));
        goto err_hcall;
    }
    rc = check_version(xc, err);
    if (rc)
        goto err_pool;
    *ret_xc = xc;
    return 0;

 err_pool:
    ops->munmap(ctx, xc->pool, XC_POOL_PAGES * XC_PAGE_SIZE);
 err_hcall:
    ops->close(ctx, xc->hcall);
 err_privcmd:
    ops->close(ctx, xc->privcmd);
 err_free:
    pthread_mutex_destroy(&xc->lock);
    free(xc);
    return rc;
}

int xc_open(struct xc **ret_xc, struct xc_error *err)
{
    return xc_open_ops(&real_ops, NULL, ret_xc, err);
}

void xc_close(struct xc *xc)
{
    if (!xc)
        return;
    xc->ops->munmap(xc->ctx, xc->pool, XC_POOL_PAGES * XC_PAGE_SIZE);
    xc->ops->close(xc->ctx, xc->hcall);
    xc->ops->close(xc->ctx, xc->privcmd);
    pthread_mutex_destroy(&xc->lock);
    free(xc);
}
