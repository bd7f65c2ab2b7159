/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What the files of libxc share: the handle, hypercalls and their buffers.
 *
 * A hypercall's arguments lie in pages from /dev/xen/hypercall, which the
 * kernel neither moves nor shares copy-on-write.  A handle maps a pool of them
 * once; xc_buf_get takes from the pool, or maps more for a large request.
 */
#ifndef ZAZEN_XC_PRIVATE_H
#define ZAZEN_XC_PRIVATE_H

#include <errno.h>
#include <pthread.h>
#include <string.h>

#include "xc.h"

#include <xen/xen.h>
#include <xen/domctl.h>
#include <xen/memory.h>
#include <xen/sysctl.h>

#define XC_POOL_PAGES 64u

/* (c) constant after open  (l) under lock */
struct xc {
    const struct xcall_ops *ops;        /* (c) */
    void *ctx;                          /* (c) */
    int privcmd;                        /* (c) */
    int hcall;                          /* (c) */
    void *pool;                         /* (c) the mapping; its use: (l) */
    pthread_mutex_t lock;
    uint64_t pool_used;                 /* (l) one bit for each page */
};

struct xc_buf {
    void *p;                            /* zeroed */
    size_t pages;
};

/* Pages that hold size bytes. */
static inline size_t xc_pages(size_t size)
{
    return (size + XC_PAGE_SIZE - 1) / XC_PAGE_SIZE;
}

/* Fill err, if there is one, as printf does; return rc. */
int xc_fail(struct xc_error *err, int rc, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/* A zeroed hypercall buffer of at least size bytes; give it back after use. */
int xc_buf_get(struct xc *xc, size_t size, struct xc_buf *ret_buf);
void xc_buf_put(struct xc *xc, struct xc_buf *buf);

/* Issue a hypercall.  Its result, or a negative errno. */
long xc_hypercall(struct xc *xc, unsigned long op, unsigned long a0,
                  unsigned long a1, unsigned long a2, unsigned long a3);

/* The same for one operation struct, copied in and back. */
long xc_hypercall_arg(struct xc *xc, unsigned long op, unsigned long cmd,
                      void *arg, size_t size);

/* Issue a domctl or sysctl; op needs only its cmd, domain and arguments.
 * Handles in it point to buffers of xc_buf_get. */
int xc_domctl(struct xc *xc, struct xen_domctl *op);
int xc_sysctl(struct xc *xc, struct xen_sysctl *op);

/* Map frames over the nr pages at addr, which the caller has reserved; with
 * addr NULL anywhere. */
int xc_foreign_map_at(struct xc *xc, uint32_t domid, int prot, void *addr,
                      const uint64_t *gfns, size_t nr, void **ret_map);

/* ---- xc_memory.c ---- */

#define XC_MAX_FRAME_INFOS 1024u        /* in one question */

/* What a domain's frames are: each mfn becomes XEN_DOMCTL_PFINFO_*; XTAB if it
 * is not the domain's. */
int xc_frame_infos(struct xc *xc, uint32_t domid, uint64_t *infos, size_t nr);

/* First mfns of the machine-to-physical table's nr first pieces of 2 MiB; they
 * are DOMID_XEN's.  -EPROTO: there are fewer. */
int xc_m2p_chunks(struct xc *xc, unsigned int nr, uint64_t *ret_mfns);

/* ---- xc_context.c ---- */

#define XC_MAX_XSTATE 16384u

/* What XSAVE keeps, as getvcpuextstate gives it; size 0: no XSAVE. */
struct xc_xstate {
    uint64_t features;
    uint32_t size;
};

/* A vcpu's registers and all that belongs to them.  -ENODATA: it has none. */
int xc_context_get(struct xc *xc, uint32_t domid, unsigned int vcpu,
                   struct vcpu_guest_context *ret_c);
int xc_context_set(struct xc *xc, uint32_t domid, unsigned int vcpu,
                   const struct vcpu_guest_context *c);

/* The entry points that contexts lack. */
int xc_entries_get(struct xc *xc, uint32_t domid, unsigned int vcpu,
                   struct xen_domctl_ext_vcpucontext *ret_e);
int xc_entries_set(struct xc *xc, uint32_t domid,
                   const struct xen_domctl_ext_vcpucontext *e);

int xc_xstate_format(struct xc *xc, uint32_t domid, unsigned int vcpu,
                     struct xc_xstate *ret_x);
int xc_xstate_get(struct xc *xc, uint32_t domid, unsigned int vcpu,
                  const struct xc_xstate *x, void *ret_p);
/* After the context, which resets it.  p is not changed. */
int xc_xstate_set(struct xc *xc, uint32_t domid, unsigned int vcpu,
                  const struct xc_xstate *x, void *p);

/* Page tables of a domain to be pinned, each as its level. */
struct xc_pin {
    uint64_t mfn;
    unsigned int level;
};
int xc_pin_tables(struct xc *xc, uint32_t domid, const struct xc_pin *pins,
                  size_t nr);

/* A fresh shared_info: nothing pending, every vcpu's events masked.  It stays
 * mapped: unmap it. */
int xc_shared_info_reset(struct xc *xc, uint32_t domid,
                         struct shared_info **ret_shared, uint64_t *ret_mfn);

#endif
