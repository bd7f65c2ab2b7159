/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Our own event channels, by /dev/xen/evtchn; and the page and port by which
 * dom0's kernel speaks xenstore.
 */
#include "private.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <xen/sys/evtchn.h>
#include <xen/sys/xenbus_dev.h>

struct xc_evtchn {
    struct xc *xc;
    int fd;
    uint32_t port;
};

static int dev_op(struct xc_evtchn *ev, unsigned long request, void *arg)
{
    return (int)ev->xc->ops->ioctl(ev->xc->ctx, ev->fd, request, arg);
}

/* The binding requests answer with the port. */
static int open_bound(struct xc *xc, unsigned long request, void *arg,
                      struct xc_evtchn **ret_ev)
{
    struct xc_evtchn *ev = calloc(1, sizeof(*ev));
    int rc = -ENOMEM, flags;

    if (!ev)
        return rc;
    ev->xc = xc;
    ev->fd = rc = xc->ops->open(xc->ctx, "xen/evtchn");
    if (rc < 0)
        goto fail;
    flags = fcntl(ev->fd, F_GETFL);
    if (flags >= 0)
        fcntl(ev->fd, F_SETFL, flags | O_NONBLOCK);
    rc = dev_op(ev, request, arg);
    if (rc < 0)
        goto fail_close;
    ev->port = (uint32_t)rc;
    *ret_ev = ev;
    return 0;

 fail_close:
    xc->ops->close(xc->ctx, ev->fd);
 fail:
    free(ev);
    return rc;
}

int xc_evtchn_bind_interdomain(struct xc *xc, uint32_t domid,
                               uint32_t remote_port, struct xc_evtchn **ret_ev)
{
    struct ioctl_evtchn_bind_interdomain arg = {
        .remote_domain = domid,
        .remote_port = remote_port,
    };

    return open_bound(xc, IOCTL_EVTCHN_BIND_INTERDOMAIN, &arg, ret_ev);
}

int xc_evtchn_bind_virq(struct xc *xc, unsigned int virq,
                        struct xc_evtchn **ret_ev)
{
    struct ioctl_evtchn_bind_virq arg = { .virq = virq };

    return open_bound(xc, IOCTL_EVTCHN_BIND_VIRQ, &arg, ret_ev);
}

void xc_evtchn_destroy(struct xc_evtchn *ev)
{
    if (!ev)
        return;
    ev->xc->ops->close(ev->xc->ctx, ev->fd);
    free(ev);
}

int xc_evtchn_fd(const struct xc_evtchn *ev)
{
    return ev->fd;
}

int xc_evtchn_notify(struct xc_evtchn *ev)
{
    struct ioctl_evtchn_notify arg = { .port = ev->port };

    return dev_op(ev, IOCTL_EVTCHN_NOTIFY, &arg);
}

bool xc_evtchn_pending(struct xc_evtchn *ev)
{
    uint32_t port;

    return read(ev->fd, &port, sizeof(port)) == sizeof(port);
}

int xc_evtchn_unmask(struct xc_evtchn *ev)
{
    ssize_t n = write(ev->fd, &ev->port, sizeof(ev->port));

    return n < 0 ? -errno : 0;
}

int xc_store_dom0_map(struct xc *xc,
                      struct xenstore_domain_interface **ret_page,
                      uint32_t *ret_port)
{
    int fd = xc->ops->open(xc->ctx, "xen/xenbus_backend");
    long port;
    void *p;

    if (fd < 0)
        return fd == -ENOENT || fd == -ENXIO ? -ENODEV : fd;
    port = xc->ops->ioctl(xc->ctx, fd, IOCTL_XENBUS_BACKEND_EVTCHN, NULL);
    if (port <= 0) {
        xc->ops->close(xc->ctx, fd);
        return port ? (int)port : -ENODEV;
    }
    p = xc->ops->mmap(xc->ctx, NULL, XC_PAGE_SIZE, PROT_READ | PROT_WRITE,
                      MAP_SHARED, fd, 0);
    if (p == MAP_FAILED)
        port = -errno;
    xc->ops->close(xc->ctx, fd);
    if (port < 0)
        return (int)port;
    *ret_page = p;
    *ret_port = (uint32_t)port;
    return 0;
}

void xc_store_dom0_unmap(struct xc *xc, struct xenstore_domain_interface *page)
{
    if (page)
        xc->ops->munmap(xc->ctx, page, XC_PAGE_SIZE);
}
