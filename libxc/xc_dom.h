/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The domain builder: a kernel file becomes a PV domain's memory.
 *
 * Everything the builder knows is in one struct xc_dom_image, made of parts
 * that its files own.  The order is fixed by what depends on what:
 *
 *   open      look at the files, read what can be read cheaply, check
 *   populate  frames for the domain: now p2m[pfn] is known
 *   load      kernel into its frames; its notes are known at the latest now
 *   layout    places of all else (pure)
 *   fill      ramdisk, p2m list, page tables, start_info
 *   boot      pin, shared_info, vcpu 0, grants
 *
 * A kernel comes from a file as it is (plain ELF: read straight into the
 * guest's frames), from memory (a compressed ELF file, unpacked first), or
 * through a window (bzImage): a region as large as the unpacked ELF file, with
 * the guest's frames mapped where the segments lie in it.  Unpacking into the
 * window loads the kernel, without a copy and without memory of our own.
 */
#ifndef ZAZEN_XC_DOM_H
#define ZAZEN_XC_DOM_H

#include <elf.h>

#include "private.h"

#define XC_DOM_MAX_PHDRS   32u
#define XC_DOM_MAX_IMAGE   (1ULL << 30)     /* an unpacked kernel */
#define XC_DOM_UNSET       (~0ULL)
#define XC_DOM_PFN_NONE    (~0ULL)

/* One of the files given by name; fd -1: none. */
struct xc_dom_file {
    int fd;
    const char *what;                   /* "kernel", "ramdisk": for errors */
    const char *path;
    uint64_t size;
};

enum xc_dom_format { XC_PACK_NONE, XC_PACK_GZIP, XC_PACK_XZ, XC_PACK_LZ4,
                     XC_PACK_ZSTD, XC_PACK_OTHER };

/* A compressed stretch of a file. */
struct xc_dom_payload {
    enum xc_dom_format format;
    uint64_t offset, length;            /* in the file */
    uint64_t out_size;                  /* unpacked, as the file says */
};

/* What the kernel says of itself: ELF notes, or the older __xen_guest. */
struct xc_dom_notes {
    bool pv;                            /* any of those a PV kernel has */
    uint64_t entry;                     /* virtual */
    uint64_t virt_base;
    uint64_t paddr_offset;
    uint64_t hypercall;                 /* page's virtual address, or UNSET */
    uint64_t init_p2m;                  /* virtual address, or UNSET */
    bool mod_start_pfn;
    char xen_version[16];
    char guest_os[16];
};

/* The ELF image: in a file, or at mem. */
struct xc_dom_elf {
    const uint8_t *mem;
    uint64_t size;
    unsigned int nr_ph;
    Elf64_Ehdr eh;
    Elf64_Phdr ph[XC_DOM_MAX_PHDRS];
    struct xc_dom_notes notes;
    uint64_t start_pfn, end_pfn;        /* frames it is loaded into */
};

/* Where things lie: pfns, and counts of frames. */
struct xc_dom_layout {
    uint64_t ramdisk_pfn, ramdisk_pages;
    uint64_t p2m_pfn, p2m_pages;        /* the list */
    uint64_t p2m_tables;                /* right behind it, if INIT_P2M */
    uint64_t start_info_pfn, store_pfn, console_pfn;
    uint64_t pt_pfn, pt_pages;
    uint64_t stack_pfn;
    uint64_t region_pages;              /* mapped from virt_base on */
    uint64_t end_pfn;                   /* behind the last one used */
};

struct xc_dom_image {
    struct xc *xc;
    const struct xc_dom_params *params;
    struct xc_error *err;
    uint64_t nr_pages;
    struct xc_dom_file kernel, ramdisk;
    struct xc_dom_payload packed;       /* of the kernel */
    bool windowed;
    struct xc_dom_elf elf;
    uint64_t ramdisk_size;              /* as handed over: unpacked */
    bool ramdisk_gzip;
    uint64_t *p2m;                      /* pfn to mfn */
    struct xc_dom_layout at;
    uint64_t shared_info_mfn;
};

/* ---- xc_dom_mem.c ---- */

/* -ECANCELED, with its text, once the caller's flag is set. */
int xc_dom_cancelled(struct xc_dom_image *img);

/* Open one of the files; it must be a regular one with something in it. */
int xc_dom_file_open(struct xc_dom_image *img, struct xc_dom_file *f,
                     const char *what, const char *path);
void xc_dom_file_close(struct xc_dom_file *f);

/* Read exactly size bytes.  -ENODATA: the file ends before. */
int xc_dom_file_read(struct xc_dom_image *img, const struct xc_dom_file *f,
                     uint64_t offset, void *buf, size_t size);

/* Give the domain its memory. */
int xc_dom_populate(struct xc_dom_image *img);

/* Map nr frames from pfn on for writing; at addr if that is not NULL. */
int xc_dom_map(struct xc_dom_image *img, uint64_t pfn, uint64_t nr, void *addr,
               void **ret_map);

/* Size of the ramdisk and whether it is to be unpacked. */
int xc_dom_ramdisk_open(struct xc_dom_image *img);
int xc_dom_ramdisk_load(struct xc_dom_image *img);

/* ---- xc_dom_cache.c ---- */

/* Being written; fd -1: given up, or not wanted. */
struct xc_dom_cache {
    int dir, fd;
    char name[160];
};

/* Let f be its unpacked version of this size, if that is there. */
bool xc_dom_cache_open(struct xc_dom_image *img, struct xc_dom_file *f,
                       uint64_t size);

/* Start to write f's unpacked version.  After a failure the others do
 * nothing. */
int xc_dom_cache_create(struct xc_dom_image *img, const struct xc_dom_file *f,
                        uint64_t size, struct xc_dom_cache *c);
void xc_dom_cache_write(struct xc_dom_cache *c, const void *p, uint64_t size);
void xc_dom_cache_commit(struct xc_dom_cache *c);
void xc_dom_cache_drop(struct xc_dom_cache *c);

/* ---- xc_dom_bzimage.c ---- */

/* How the first bytes of something say that it is compressed. */
enum xc_dom_format xc_dom_format(const uint8_t *p, size_t size);

/* If the kernel is a bzImage, or a compressed ELF file, fill img->packed. */
int xc_dom_packed_open(struct xc_dom_image *img);

/* Unpack the first size bytes of the payload to out. */
int xc_dom_unpack(struct xc_dom_image *img, uint8_t *out, uint64_t size);

/*
 * Unpack a gzip file piecewise: next hands over where to write, how much, and
 * is called until the output ends.  -EBADMSG, without a text: the file is not
 * one gzip member that unpacks to out_size bytes.
 */
struct xc_dom_sink {
    int (*next)(struct xc_dom_sink *sink, uint8_t **ret_p, uint64_t *ret_size);
};
int xc_dom_gunzip(struct xc_dom_image *img, const struct xc_dom_file *f,
                  uint64_t out_size, struct xc_dom_sink *sink);

/* ---- xc_dom_elf.c ---- */

/* Read the headers, and the notes unless the image is windowed. */
int xc_dom_elf_open(struct xc_dom_image *img);

/* Put the segments into the guest's frames; afterwards notes are known. */
int xc_dom_elf_load(struct xc_dom_image *img);

/* Bytes of the ELF image, wherever it is. */
int xc_dom_image_read(struct xc_dom_image *img, uint64_t offset, void *buf,
                      size_t size);

/* ---- xc_dom_notes.c ---- */

/* Find and read the notes; -ENOEXEC: not those of a PV kernel. */
int xc_dom_notes_read(struct xc_dom_image *img);

/* The parsers alone: of a note segment, and of a __xen_guest string.  What
 * does not fit is skipped. */
void xc_dom_notes_init(struct xc_dom_notes *notes);
void xc_dom_notes_parse(struct xc_dom_notes *notes, const uint8_t *p,
                        size_t size);
void xc_dom_guest_parse(struct xc_dom_notes *notes, const char *p, size_t size);

/* ---- xc_dom_pt.c (pure) ---- */

/*
 * Find a place for everything.  -E2BIG: it needs more frames than nr_pages;
 * at->end_pfn is then how many.  -EINVAL: virtual addresses that cannot be.
 */
int xc_dom_layout(const struct xc_dom_elf *elf, uint64_t ramdisk_size,
                  uint64_t nr_pages, struct xc_dom_layout *at);

/* Fill the page tables of the first mapping; pt points to its pt_pages. */
void xc_dom_pt_build(const struct xc_dom_layout *at, uint64_t virt_base,
                     const uint64_t *p2m, uint64_t *pt);

/* Fill those that map the list at INIT_P2M; pt points to its p2m_tables.
 * ret_l4e is the entry for the top table. */
void xc_dom_pt_p2m(const struct xc_dom_layout *at, const uint64_t *p2m,
                   uint64_t *pt, uint64_t *ret_l4e);

#endif
