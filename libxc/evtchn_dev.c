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
};

int xc_evtchn_open(struct xc *xc, struct xc_evtchn **ret_ev)
{
    struct xc_evtchn *ev = calloc(1, sizeof(*ev));
    int fd, flags;

    if (!ev)
        return -ENOMEM;
    fd = xc->ops->open(xc->ctx, "xen/evtchn");
    if (fd < 0) {
        free(ev);
        return fd;
    }
    flags = fcntl(fd, F_GETFL);
    if (flags >= 0)
        fcntl(fd, F_SETFL, flags | O_NONBLOCK);
    ev->xc = xc;
    ev->fd = fd;
    *ret_ev = ev;
    return 0;
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

static int dev_op(struct xc_evtchn *ev, unsigned long request, void *arg)
{
    return (int)ev->xc->ops->ioctl(ev->xc->ctx, ev->fd, request, arg);
}

/* The binding requests answer with the port. */
static int dev_bind(struct xc_evtchn *ev, unsigned long request, void *arg,
                    uint32_t *ret_port)
{
    int rc = dev_op(ev, request, arg);

    if (rc < 0)
        return rc;
    *ret_port = (uint32_t)rc;
    return 0;
}

int xc_evtchn_bind_interdomain(struct xc_evtchn *ev, uint32_t domid,
                               uint32_t remote_port, uint32_t *ret_port)
{
    struct ioctl_evtchn_bind_interdomain arg = {
        .remote_domain = domid,
        .remote_port = remote_port,
    };

    return dev_bind(ev, IOCTL_EVTCHN_BIND_INTERDOMAIN, &arg, ret_port);
}

int xc_evtchn_bind_virq(struct xc_evtchn *ev, unsigned int virq,
                        uint32_t *ret_port)
{
    struct ioctl_evtchn_bind_virq arg = { .virq = virq };

    return dev_bind(ev, IOCTL_EVTCHN_BIND_VIRQ, &arg, ret_port);
}

int xc_evtchn_bind_unbound(struct xc_evtchn *ev, uint32_t domid,
                           uint32_t *ret_port)
{
    struct ioctl_evtchn_bind_unbound_port arg = { .remote_domain = domid };

    return dev_bind(ev, IOCTL_EVTCHN_BIND_UNBOUND_PORT, &arg, ret_port);
}

int xc_evtchn_unbind(struct xc_evtchn *ev, uint32_t port)
{
    struct ioctl_evtchn_unbind arg = { .port = port };

    return dev_op(ev, IOCTL_EVTCHN_UNBIND, &arg);
}

int xc_evtchn_notify(struct xc_evtchn *ev, uint32_t port)
{
    struct ioctl_evtchn_notify arg = { .port = port };

    return dev_op(ev, IOCTL_EVTCHN_NOTIFY, &arg);
}

int xc_evtchn_pending(struct xc_evtchn *ev, uint32_t *ret_ports,
                      unsigned int max)
{
    ssize_t n = read(ev->fd, ret_ports, max * sizeof(*ret_ports));

    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return 0;
    return n < 0 ? -errno : (int)(n / (ssize_t)sizeof(*ret_ports));
}

int xc_evtchn_unmask(struct xc_evtchn *ev, const uint32_t *ports,
                     unsigned int nr)
{
    ssize_t n = write(ev->fd, ports, nr * sizeof(*ports));

    if (n < 0)
        return -errno;
    return n == (ssize_t)(nr * sizeof(*ports)) ? 0 : -EIO;
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
