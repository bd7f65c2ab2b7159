/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A model of the hypervisor and of dom0's devices beneath libxc: enough for
 * one domain to be built, and strict about it.
 *
 * The machine's frames are pages of a memory file, full of garbage until
 * somebody writes them.  A foreign mapping is a mapping of that file, so the
 * builder's own mmap and munmap calls are the real ones.  Pinning walks the
 * tables and refuses what a hypervisor would.
 */
#ifndef FAKE_XC_H
#define FAKE_XC_H

#include "private.h"

#define FAKE_FRAMES     65536u          /* 256 MiB, sparse */
#define FAKE_MAX_MAPS   64u
#define FAKE_GARBAGE    0xa5
/* The machine-to-physical table: DOMID_XEN's frames, behind all others. */
#define FAKE_M2P_MFN    0x100000u
#define FAKE_M2P_FRAMES 512u
#define FAKE_BYTES      ((size_t)(FAKE_FRAMES + FAKE_M2P_FRAMES) * XC_PAGE_SIZE)

struct fake_map {
    char *addr;
    size_t pages;
};

struct fake_xc {
    int memfd;
    char *mem;                          /* all frames, in order */
    uint64_t *m2p;                      /* when it was last asked for */
    bool owned[FAKE_FRAMES];            /* by the domain */
    int32_t pfn_of[FAKE_FRAMES];        /* the domain's, or -1 */
    unsigned int next_frame;
    unsigned int free_frames;
    bool refuse_large;                  /* order 9 cannot be had */
    bool refuse_resource;               /* no XENMEM_acquire_resource */
    bool exists;
    uint32_t max_vcpus, next_port, address_bits;
    uint64_t max_pages, map_kb;
    unsigned int shared_info, grants;   /* frames of the hypervisor's */
    uint64_t hypercall_mfn, pinned_mfn;
    uint8_t level[FAKE_FRAMES];         /* of page tables, when pinned */
    bool has_context;
    struct vcpu_guest_context context;
    struct xen_domctl_ext_vcpucontext entries;
    struct fake_map maps[FAKE_MAX_MAPS];
    unsigned int nr_maps;
    unsigned int hypercalls;
    atomic_bool *cancel;                /* set at hypercall cancel_at */
    unsigned int cancel_at;
    char why[128];                      /* of the last refused pin */
};

/* The model's mfns are not small, nor in the order of frames. */
#define FAKE_MFN_BASE   0x7000u

static inline uint64_t fake_mfn(unsigned int frame)
{
    return FAKE_MFN_BASE + (frame ^ 1u);
}

struct fake_xc *fake_open(struct xc **ret_xc);
void fake_close(struct fake_xc *f, struct xc *xc);

/* The bytes of a frame; NULL if there is no such mfn. */
void *fake_frame(struct fake_xc *f, uint64_t mfn);

/* The leaf entry for va below the pinned root, 0 if there is none. */
uint64_t fake_walk(struct fake_xc *f, uint64_t va);

#endif
