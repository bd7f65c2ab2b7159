/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Saved guests: the stream's format (docs/stream.md says it in words), its
 * writer and its checking reader, and what a guest's page tables become in it.
 *
 * A stream is a head and records, in the order of enum sr_type.  It names
 * frames by the guest's own numbers (pfn) only, so a new domain can have any
 * frames of the machine.  All numbers are little-endian.
 *
 * Whoever reads a stream goes through sr_walk(), which checks every length,
 * number and reference, and hands on only what has passed.
 */
#ifndef ZAZEN_XC_SR_H
#define ZAZEN_XC_SR_H

#include "private.h"

#define SR_MAGIC        "zazen guest\0\r\n\x1a\n"      /* 16 bytes */
#define SR_VERSION      1u
#define SR_ABI_PV64     1u              /* 64-bit PV guest */
#define SR_MAX_PFNS     (1ULL << 28)
#define SR_MAX_BLOB     (16u << 20)     /* definition, store nodes */
#define SR_BATCH        512u            /* pages in a record, at most */
#define SR_MAX_XSTATE   16384u
#define SR_NO_PFN       (~0ULL)

struct sr_head {
    char magic[16];
    uint32_t version, abi;
    uint64_t zero;
};

enum sr_type {
    SR_END, SR_CONFIG, SR_STORE, SR_DOMAIN, SR_P2M, SR_PAGES, SR_VCPU,
    SR_SHARED_INFO, SR_NR_TYPES
};

/* Before each body, which is filled up with zeros to a multiple of 8. */
struct sr_record {
    uint32_t type, zero;
    uint64_t size;                      /* of the body, without the filling */
};

struct sr_domain {
    uint64_t nr_pfns;                   /* entries of the p2m list */
    uint64_t nr_pages;                  /* that have a frame */
    uint64_t start_info_pfn;
    uint64_t p2m_va, p2m_root_pfn;      /* the list, by which tables */
    uint32_t nr_vcpus, nr_contexts;
    uint64_t xfeatures;                 /* of the saving machine, or 0 */
    uint32_t xstate_size, zero;         /* of each vcpu */
};

/* What a page's entry in SR_PAGES has beside its pfn. */
#define SR_PFN_MASK     ((1ULL << 52) - 1)
#define SR_LEVEL_SHIFT  56              /* 3 bits: page table of level 1 to 4 */
#define SR_PINNED       (1ULL << 59)
#define SR_ZERO         (1ULL << 60)    /* has no contents in the stream */
#define SR_KNOWN        (SR_PFN_MASK | 7ULL << SR_LEVEL_SHIFT | SR_PINNED | \
                         SR_ZERO)

static inline unsigned int sr_level(uint64_t entry)
{
    return entry >> SR_LEVEL_SHIFT & 7;
}

/*
 * A vcpu with its context, in which frames are pfns: gdt_frames, ctrlreg[3],
 * ctrlreg[1] (SR_NO_PFN: no table for user mode), and rdx of vcpu 0, which is
 * start_info.  The extended state follows, xstate_size bytes.
 */
struct sr_vcpu {
    uint32_t id, zero;
    uint64_t syscall32_entry, sysenter_entry;
    uint32_t syscall32_mask, sysenter_mask;
    struct vcpu_guest_context context;
};

/* ---- xc_sr_record.c ---- */

/* A stream being written to fd. */
struct sr_out {
    int fd;
    const char *path;                   /* for errors */
    struct xc_error *err;
    uint64_t crc, size;
    uint8_t *buf;
    size_t used;
};

int sr_out_begin(struct sr_out *o);     /* writes the head */
/* A record's head, then its body in any number of pieces, then the filling. */
int sr_out_record(struct sr_out *o, enum sr_type type, uint64_t size);
int sr_out_put(struct sr_out *o, const void *p, size_t size);
int sr_out_pad(struct sr_out *o, uint64_t size);
int sr_out_whole(struct sr_out *o, enum sr_type type, const void *p,
                 size_t size);
int sr_out_end(struct sr_out *o);       /* writes the checksum */
void sr_out_fini(struct sr_out *o);

/*
 * What sr_walk calls with each record's checked body; NULL: nobody.  Memory is
 * the walker's and valid until the function returns.
 */
struct sr_visitor {
    int (*config)(void *ctx, const void *p, size_t size);
    int (*store)(void *ctx, const void *p, size_t size);
    int (*domain)(void *ctx, const struct sr_domain *d);
    int (*p2m)(void *ctx, const uint64_t *pfns, size_t nr);
    /* pages[i] belongs to entries[i]; NULL for a zero page. */
    int (*pages)(void *ctx, const uint64_t *entries, uint8_t *const *pages,
                 size_t nr);
    int (*vcpu)(void *ctx, const struct sr_vcpu *v, const void *xstate);
    int (*shared_info)(void *ctx, const void *page);
};

struct sr_in {
    int fd;                             /* read from where it stands */
    const char *path;
    struct xc_error *err;
    const atomic_bool *cancel;          /* or NULL */
};

/*
 * Read a stream to its end.  -ENOEXEC: no saved guest, or another version;
 * -ENODATA: truncated; -EBADMSG: damaged, or it contradicts itself.  The
 * checksum is looked at last: what a visitor was given may still be damaged,
 * but never makes it reach beyond what sr_domain announces.
 */
int sr_walk(const struct sr_in *in, const struct sr_visitor *v, void *ctx);

/* ---- xc_sr_pt.c (pure) ---- */

/* What a frame's number is on the other side; SR_NO_PFN: there is none. */
struct sr_map {
    uint64_t (*get)(const struct sr_map *m, uint64_t frame);
};

/*
 * Copy a page table, each present entry with its frame's number in m.  Entries
 * of the top table that are the hypervisor's become 0.  -EINVAL: *ret_index
 * has a frame without a number, or maps a large page.
 */
int sr_table_convert(unsigned int level, const uint64_t *from, uint64_t *to,
                     const struct sr_map *m, unsigned int *ret_index);

#endif
