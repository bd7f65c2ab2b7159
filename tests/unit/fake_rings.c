/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <unistd.h>

#include "fake_rings.h"

#define PORTS (FAKE_DOMAINS * 4)    /* a local port is domid * 4 + port */

static struct shared {
    char page[PORTS][XC_PAGE_SIZE] __attribute__((aligned(XC_PAGE_SIZE)));
    bool bound[PORTS], pending[PORTS], notified[PORTS];
    bool refused[FAKE_DOMAINS];
} *sh;

/* One handle per kind of port; they are told apart by what they bind. */
struct xc_evtchn {
    int fd;
    bool bound[PORTS];
};

static int event_fd = -1;
void (*fake_hook)(void);

void fake_reset(void)
{
    if (!sh)
        sh = mmap(NULL, sizeof(*sh), PROT_READ | PROT_WRITE,
                  MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    memset(sh, 0, sizeof(*sh));
    if (event_fd >= 0)
        close(event_fd);
    event_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
}

struct xc *fake_xc(void)
{
    return (struct xc *)sh;
}

struct xenstore_domain_interface *fake_store(unsigned int domid)
{
    return (void *)sh->page[domid * 4 + FAKE_PORT_STORE];
}

struct xencons_interface *fake_console(unsigned int domid)
{
    return (void *)sh->page[domid * 4 + FAKE_PORT_CONSOLE];
}

void fake_send(unsigned int domid, unsigned int port)
{
    unsigned int i = domid * 4 + port;

    if (!__atomic_load_n(&sh->bound[i], __ATOMIC_ACQUIRE))
        return;
    __atomic_store_n(&sh->pending[i], true, __ATOMIC_RELEASE);
    eventfd_write(event_fd, 1);
}

bool fake_notified(unsigned int domid, unsigned int port)
{
    return __atomic_exchange_n(&sh->notified[domid * 4 + port], false,
                               __ATOMIC_ACQ_REL);
}

void fake_refuse(unsigned int domid, bool refuse)
{
    sh->refused[domid] = refuse;
}

void fake_killed(void)
{
    for (int i = 0; i < PORTS; i++)
        sh->bound[i] = sh->pending[i] = false;
}

int xc_evtchn_open(struct xc *xc, struct xc_evtchn **ret_ev)
{
    struct xc_evtchn *ev = calloc(1, sizeof(*ev));

    (void)xc;
    ev->fd = dup(event_fd);
    *ret_ev = ev;
    return 0;
}

void xc_evtchn_destroy(struct xc_evtchn *ev)
{
    if (!ev)
        return;
    for (int i = 0; i < PORTS; i++)
        if (ev->bound[i])
            sh->bound[i] = false;
    close(ev->fd);
    free(ev);
}

int xc_evtchn_fd(const struct xc_evtchn *ev)
{
    return ev->fd;
}

int xc_evtchn_bind_interdomain(struct xc_evtchn *ev, uint32_t domid,
                               uint32_t remote_port, uint32_t *ret_port)
{
    unsigned int i = domid * 4 + remote_port;

    if (domid >= FAKE_DOMAINS || remote_port >= 4 || sh->bound[i])
        return -EINVAL;
    ev->bound[i] = true;
    __atomic_store_n(&sh->bound[i], true, __ATOMIC_RELEASE);
    *ret_port = i;
    return 0;
}

int xc_evtchn_unbind(struct xc_evtchn *ev, uint32_t port)
{
    ev->bound[port] = sh->bound[port] = sh->pending[port] = false;
    return 0;
}

int xc_evtchn_notify(struct xc_evtchn *ev, uint32_t port)
{
    (void)ev;
    if (fake_hook)
        fake_hook();
    __atomic_store_n(&sh->notified[port], true, __ATOMIC_RELEASE);
    return 0;
}

int xc_evtchn_pending(struct xc_evtchn *ev, uint32_t *ret_ports,
                      unsigned int max)
{
    unsigned int nr = 0;
    eventfd_t n;

    if (fake_hook)
        fake_hook();
    eventfd_read(ev->fd, &n);
    for (unsigned int i = 0; i < PORTS && nr < max; i++)
        if (ev->bound[i] && __atomic_exchange_n(&sh->pending[i], false,
                                                __ATOMIC_ACQ_REL))
            ret_ports[nr++] = i;
    if (fake_hook)
        fake_hook();
    return nr;
}

int xc_evtchn_unmask(struct xc_evtchn *ev, const uint32_t *ports,
                     unsigned int nr)
{
    (void)ev;
    (void)ports;
    (void)nr;
    return 0;
}

/* Tests give the page of a console ring the frame number 0. */
int xc_foreign_map(struct xc *xc, uint32_t domid, int prot,
                   const uint64_t *gfns, size_t nr, void **ret_map)
{
    (void)xc;
    (void)nr;
    (void)prot;
    if (domid >= FAKE_DOMAINS || sh->refused[domid])
        return -ENOENT;
    *ret_map = sh->page[domid * 4 + (gfns[0] ? FAKE_PORT_STORE :
                                     FAKE_PORT_CONSOLE)];
    return 0;
}

void xc_foreign_unmap(struct xc *xc, void *map, size_t nr)
{
    (void)xc;
    (void)map;
    (void)nr;
}

int xc_store_dom0_map(struct xc *xc,
                      struct xenstore_domain_interface **ret_page,
                      uint32_t *ret_port)
{
    (void)xc;
    *ret_page = fake_store(0);
    *ret_port = FAKE_PORT_STORE;
    return 0;
}

void xc_store_dom0_unmap(struct xc *xc, struct xenstore_domain_interface *page)
{
    (void)xc;
    (void)page;
}
