/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A guest's end of a xenstore ring, as Linux drives it: it notifies only if the
 * other side has seen all that was sent before, or if the replies filled the
 * ring.
 */
#ifndef TESTS_UNIT_FAKE_GUEST_H
#define TESTS_UNIT_FAKE_GUEST_H

#include <string.h>

#include "fake_rings.h"

struct guest {
    unsigned int domid;
    uint32_t req_id;
    char in[32768];                 /* what was read, not yet a message */
    size_t in_len;
};

/* Put as much of the bytes into the ring as there is room for. */
static inline size_t guest_put(struct guest *g, const char *data, size_t len)
{
    struct xenstore_domain_interface *ring = fake_store(g->domid);
    uint32_t cons = __atomic_load_n(&ring->req_cons, __ATOMIC_ACQUIRE);
    uint32_t prod = ring->req_prod;
    size_t room = XENSTORE_RING_SIZE - (prod - cons);

    len = len < room ? len : room;
    for (size_t i = 0; i < len; i++)
        ring->req[MASK_XENSTORE_IDX(prod + i)] = data[i];
    __atomic_store_n(&ring->req_prod, prod + len, __ATOMIC_SEQ_CST);
    cons = __atomic_load_n(&ring->req_cons, __ATOMIC_SEQ_CST);
    if (len && prod - cons - 1 >= XENSTORE_RING_SIZE)
        fake_send(g->domid, FAKE_PORT_STORE);
    return len;
}

/* Take what is in the ring. */
static inline size_t guest_get(struct guest *g)
{
    struct xenstore_domain_interface *ring = fake_store(g->domid);
    uint32_t prod = __atomic_load_n(&ring->rsp_prod, __ATOMIC_ACQUIRE);
    uint32_t cons = ring->rsp_cons;
    size_t len = prod - cons;

    if (len > sizeof(g->in) - g->in_len)
        len = sizeof(g->in) - g->in_len;
    for (size_t i = 0; i < len; i++)
        g->in[g->in_len++] = ring->rsp[MASK_XENSTORE_IDX(cons + i)];
    __atomic_store_n(&ring->rsp_cons, cons + len, __ATOMIC_SEQ_CST);
    prod = __atomic_load_n(&ring->rsp_prod, __ATOMIC_SEQ_CST);
    if (len && prod - cons >= XENSTORE_RING_SIZE)
        fake_send(g->domid, FAKE_PORT_STORE);
    return len;
}

/* Take the first whole message read so far; its total size, or 0. */
static inline size_t guest_message(struct guest *g, char *to)
{
    struct xsd_sockmsg hdr;
    size_t size;

    if (g->in_len < sizeof(hdr))
        return 0;
    memcpy(&hdr, g->in, sizeof(hdr));
    size = sizeof(hdr) + hdr.len;
    if (g->in_len < size)
        return 0;
    memcpy(to, g->in, size);
    memmove(g->in, g->in + size, g->in_len -= size);
    return size;
}

/* Format a request; its total size. */
static inline size_t guest_request(struct guest *g, char *to, uint32_t type,
                                   uint32_t tx, const char *payload,
                                   size_t len)
{
    struct xsd_sockmsg hdr = { type, ++g->req_id, tx, len };

    memcpy(to, &hdr, sizeof(hdr));
    memcpy(to + sizeof(hdr), payload, len);
    return sizeof(hdr) + len;
}

#endif
