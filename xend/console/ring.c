/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Console rings (<xen/io/console.h>).  The guest may write anything into the
 * page: each of its indices is fetched once and bounded, ours are kept here.
 */
#include <errno.h>
#include <sys/mman.h>

#include "console/private.h"
#include "util/cleanup.h"
#include "util/log.h"
#include "xc.h"

#define OUT_SIZE sizeof(((struct xencons_interface *)0)->out)
#define IN_SIZE sizeof(((struct xencons_interface *)0)->in)
#define COMPLAIN_US (60u * 1000 * 1000)

static int on_event(sd_event_source *source, int fd, uint32_t revents,
                    void *ctx)
{
    struct console *c = ctx;

    (void)source;
    (void)fd;
    (void)revents;
    if (xc_evtchn_pending(c->ev))
        console_event(c);
    return 0;
}

void ring_unmask(struct console *c)
{
    if (c->ring)
        xc_evtchn_unmask(c->ev);
}

/* Where the ring is to go on: where the history says, if that can be. */
static void find_place(struct console *c, bool fresh)
{
    struct history_head *head = c->history.head;
    uint32_t cons = c->ring->out_cons;
    uint32_t expected = head->ring_base + (uint32_t)head->total;

    c->in_prod = c->ring->in_prod;
    if (!fresh && expected - cons <= OUT_SIZE) {
        c->out_cons = expected;
        return;
    }
    c->out_cons = cons;
    head->ring_base = cons - (uint32_t)head->total;
}

int con_ring_attach(struct console *c, bool fresh)
{
    struct console_params *p = &c->cs->params;
    void *page;
    int rc;

    if (!p->xc)
        return -ENODEV;
    rc = xc_foreign_map(p->xc, c->domid, PROT_READ | PROT_WRITE, &c->mfn, 1,
                        &page);
    if (rc)
        return rc;
    c->ring = page;
    rc = xc_evtchn_bind_interdomain(p->xc, c->domid, c->port, &c->ev);
    if (!rc)
        rc = sd_event_add_io(p->loop, &c->io, xc_evtchn_fd(c->ev), EPOLLIN,
                             on_event, c);
    if (rc < 0) {
        con_ring_detach(c);
        return rc;
    }
    find_place(c, fresh);
    __atomic_store_n(&c->ring->out_cons, c->out_cons, __ATOMIC_RELEASE);
    /* A notification may have been lost, theirs or ours. */
    xc_evtchn_notify(c->ev);
    return 0;
}

void con_ring_detach(struct console *c)
{
    if (!c->ring)
        return;
    c->io = sd_event_source_disable_unref(c->io);
    xc_evtchn_destroy(c->ev);
    c->ev = NULL;
    xc_foreign_unmap(c->cs->params.xc, c->ring, 1);
    c->ring = NULL;
}

static void complain(struct console *c, const char *what)
{
    uint64_t now = console_now(c->cs);

    if (c->complained && now - c->complained < COMPLAIN_US)
        return;
    c->complained = now;
    log_warn("console: domain %u (%s): impossible %s index in its ring",
             c->domid, c->name, what);
}

size_t ring_take(struct console *c)
{
    uint32_t prod, len, at, first;

    if (!c->ring)
        return 0;
    prod = __atomic_load_n(&c->ring->out_prod, __ATOMIC_ACQUIRE);
    len = prod - c->out_cons;
    if (!len)
        return 0;
    if (len > OUT_SIZE) {
        /* Nothing in it makes sense; go on from where the guest now is. */
        complain(c, "output");
        c->history.head->ring_base = prod - (uint32_t)c->history.head->total;
        len = 0;
    }
    at = MASK_XENCONS_IDX(c->out_cons, c->ring->out);
    first = OUT_SIZE - at < len ? OUT_SIZE - at : len;
    history_add(&c->history, c->ring->out + at, first, c->ring->out,
                len - first);
    c->out_cons = prod;
    __atomic_store_n(&c->ring->out_cons, prod, __ATOMIC_RELEASE);
    xc_evtchn_notify(c->ev);
    return len;
}

size_t ring_give(struct console *c, const char *data, size_t len)
{
    uint32_t cons, room;

    if (!c->ring)
        return 0;
    cons = __atomic_load_n(&c->ring->in_cons, __ATOMIC_ACQUIRE);
    room = IN_SIZE - (c->in_prod - cons);
    if (room > IN_SIZE) {
        complain(c, "input");
        return 0;
    }
    if (len > room)
        len = room;
    if (!len)
        return 0;
    for (size_t i = 0; i < len; i++)
        c->ring->in[MASK_XENCONS_IDX(c->in_prod + i, c->ring->in)] = data[i];
    c->in_prod += len;
    __atomic_store_n(&c->ring->in_prod, c->in_prod, __ATOMIC_RELEASE);
    xc_evtchn_notify(c->ev);
    return len;
}
