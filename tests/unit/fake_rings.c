/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <unistd.h>

#include "fake_rings.h"

#define PORTS (FAKE_DOMAINS * 4)    /* a local port is domid * 4 + port */
#define HANDLES 24                  /* that a process has open at a time */

static struct shared {
    char page[PORTS][XC_PAGE_SIZE] __attribute__((aligned(XC_PAGE_SIZE)));
    unsigned int bound[PORTS];      /* to which handle, from 1; 0: none */
    bool pending[PORTS], notified[PORTS];
    bool refused[FAKE_DOMAINS];
} *sh;

/*
 * Each channel has an eventfd of its own, as each open device has its queue.
 * Whoever sends may be another process, so they are made before the fork.
 */
struct xc_evtchn {
    unsigned int handle, port;
};

static int event_fd[HANDLES];
static bool in_use[HANDLES];        /* in this process */
void (*fake_hook)(void);

void fake_reset(void)
{
    if (!sh)
        sh = mmap(NULL, sizeof(*sh), PROT_READ | PROT_WRITE,
                  MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    memset(sh, 0, sizeof(*sh));
    for (int i = 0; i < HANDLES; i++) {
        if (event_fd[i])
            close(event_fd[i]);
        event_fd[i] = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    }
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
    unsigned int handle = __atomic_load_n(&sh->bound[i], __ATOMIC_ACQUIRE);

    if (!handle)
        return;
    __atomic_store_n(&sh->pending[i], true, __ATOMIC_RELEASE);
    eventfd_write(event_fd[handle - 1], 1);
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
        sh->bound[i] = sh->pending[i] = 0;
}

int xc_evtchn_bind_interdomain(struct xc *xc, uint32_t domid,
                               uint32_t remote_port, struct xc_evtchn **ret_ev)
{
    unsigned int port = domid * 4 + remote_port, i = 0;
    struct xc_evtchn *ev;

    (void)xc;
    if (domid >= FAKE_DOMAINS || remote_port >= 4 || sh->bound[port])
        return -EINVAL;
    while (i < HANDLES && in_use[i])
        i++;
    if (i == HANDLES)
        return -EMFILE;
    in_use[i] = true;
    ev = calloc(1, sizeof(*ev));
    ev->handle = i + 1;
    ev->port = port;
    __atomic_store_n(&sh->bound[port], ev->handle, __ATOMIC_RELEASE);
    *ret_ev = ev;
    return 0;
}

void xc_evtchn_destroy(struct xc_evtchn *ev)
{
    if (!ev)
        return;
    sh->bound[ev->port] = sh->pending[ev->port] = 0;
    in_use[ev->handle - 1] = false;
    free(ev);
}

int xc_evtchn_fd(const struct xc_evtchn *ev)
{
    return event_fd[ev->handle - 1];
}

int xc_evtchn_notify(struct xc_evtchn *ev)
{
    if (fake_hook)
        fake_hook();
    __atomic_store_n(&sh->notified[ev->port], true, __ATOMIC_RELEASE);
    return 0;
}

bool xc_evtchn_pending(struct xc_evtchn *ev)
{
    eventfd_t n;
    bool was;

    if (fake_hook)
        fake_hook();
    eventfd_read(xc_evtchn_fd(ev), &n);
    was = __atomic_exchange_n(&sh->pending[ev->port], false, __ATOMIC_ACQ_REL);
    if (fake_hook)
        fake_hook();
    return was;
}

int xc_evtchn_unmask(struct xc_evtchn *ev)
{
    (void)ev;
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
