/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A kernel's ELF file: headers and segments.
 */
#define _GNU_SOURCE
#include "xc_dom.h"

#include <sys/mman.h>

#define MAX_PFN         (1ULL << 28)    /* 1 TiB: more is not meant */
#define HEAD_SIZE       4096u           /* unpacked to see the headers */

static int damaged(struct xc_dom_image *img, const char *why)
{
    return xc_fail(img->err, -ENODATA, "kernel %s: truncated or damaged, %s; "
                   "copy it again", img->kernel.path, why);
}

int xc_dom_image_read(struct xc_dom_image *img, uint64_t offset, void *buf,
                      size_t size)
{
    const struct xc_dom_elf *e = &img->elf;

    if (offset > e->size || size > e->size - offset)
        return damaged(img, "a header points behind its end");
    if (e->mem)
        memcpy(buf, e->mem + offset, size);
    else
        return xc_dom_file_read(img, &img->kernel, offset, buf, size);
    return 0;
}

/* ---- headers ---- */

static int check_header(struct xc_dom_image *img)
{
    const Elf64_Ehdr *eh = &img->elf.eh;

    if (memcmp(eh->e_ident, ELFMAG, SELFMAG))
        return xc_fail(img->err, -ENOEXEC, "kernel %s: not a kernel, what it "
                       "unpacks to is not ELF", img->kernel.path);
    if (eh->e_ident[EI_CLASS] != ELFCLASS64 || eh->e_machine != EM_X86_64)
        return xc_fail(img->err, -ENOEXEC, "kernel %s: not for x86-64; 32-bit "
                       "kernels cannot run, use a 64-bit one",
                       img->kernel.path);
    if (eh->e_ident[EI_DATA] != ELFDATA2LSB ||
        (eh->e_type != ET_EXEC && eh->e_type != ET_DYN) || !eh->e_phnum ||
        eh->e_phnum > XC_DOM_MAX_PHDRS ||
        eh->e_phentsize != sizeof(Elf64_Phdr))
        return xc_fail(img->err, -ENOEXEC, "kernel %s: not a kernel, the ELF "
                       "file is not an executable", img->kernel.path);
    return 0;
}

static bool is_load(const Elf64_Phdr *ph)
{
    return ph->p_type == PT_LOAD && ph->p_memsz;
}

/* Which frames the segments take; all their numbers are sane afterwards. */
static int find_extent(struct xc_dom_image *img)
{
    struct xc_dom_elf *e = &img->elf;
    uint64_t offset = e->notes.paddr_offset;

    e->start_pfn = XC_DOM_PFN_NONE;
    e->end_pfn = 0;
    for (unsigned int i = 0; i < e->nr_ph; i++) {
        const Elf64_Phdr *ph = &e->ph[i];
        uint64_t start = ph->p_paddr - offset;

        if (!is_load(ph))
            continue;
        if (ph->p_filesz > ph->p_memsz || ph->p_paddr < offset ||
            start >> 12 >= MAX_PFN || ph->p_memsz >> 12 >= MAX_PFN)
            return xc_fail(img->err, -ENOEXEC, "kernel %s: not a kernel, its "
                           "segments lie at impossible addresses",
                           img->kernel.path);
        if (ph->p_offset > e->size || ph->p_filesz > e->size - ph->p_offset)
            return damaged(img, "it ends within a segment");
        if (start >> 12 < e->start_pfn)
            e->start_pfn = start >> 12;
        if (xc_pages(start + ph->p_memsz) > e->end_pfn)
            e->end_pfn = xc_pages(start + ph->p_memsz);
    }
    if (!e->end_pfn)
        return xc_fail(img->err, -ENOEXEC, "kernel %s: not a kernel, nothing "
                       "is to be loaded", img->kernel.path);
    return 0;
}

/* Do two stretches of bytes touch the same page? */
static bool share_page(uint64_t a, uint64_t a_size, uint64_t b, uint64_t b_size)
{
    return a >> 12 < xc_pages(b + b_size) && b >> 12 < xc_pages(a + a_size);
}

/* Can frames stand for pages of the file? */
static bool window_possible(const struct xc_dom_elf *e)
{
    for (unsigned int i = 0; i < e->nr_ph; i++) {
        const Elf64_Phdr *p = &e->ph[i];

        if (!is_load(p))
            continue;
        if ((p->p_paddr ^ p->p_offset) & (XC_PAGE_SIZE - 1))
            return false;
        for (unsigned int j = 0; j < i; j++) {
            const Elf64_Phdr *q = &e->ph[j];

            if (is_load(q) &&
                (share_page(p->p_offset, p->p_filesz, q->p_offset,
                            q->p_filesz) ||
                 share_page(p->p_paddr, p->p_memsz, q->p_paddr, q->p_memsz)))
                return false;
        }
    }
    return true;
}

/* Unpack all of it into memory of ours. */
static int unpack_to_memory(struct xc_dom_image *img)
{
    uint64_t size = img->packed.out_size;
    uint8_t *p = mmap(NULL, size, PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    if (p == MAP_FAILED)
        return xc_fail(img->err, -ENOMEM, "out of memory");
    img->elf.mem = p;
    return xc_dom_unpack(img, p, size);
}

/* -EAGAIN: they do not lie in the image's first limit bytes. */
static int read_headers(struct xc_dom_image *img, uint64_t limit)
{
    struct xc_dom_elf *e = &img->elf;
    uint64_t size;
    int rc;

    if (e->size < sizeof(e->eh))
        return damaged(img, "it ends within the header");
    rc = xc_dom_image_read(img, 0, &e->eh, sizeof(e->eh));
    if (!rc)
        rc = check_header(img);
    if (rc)
        return rc;
    e->nr_ph = e->eh.e_phnum;
    size = e->nr_ph * sizeof(e->ph[0]);
    if (e->eh.e_phoff > limit || size > limit - e->eh.e_phoff)
        return -EAGAIN;
    return xc_dom_image_read(img, e->eh.e_phoff, e->ph, size);
}

/* A bzImage: its headers only, if they allow a window. */
static int open_windowed(struct xc_dom_image *img)
{
    struct xc_dom_elf *e = &img->elf;
    uint8_t head[HEAD_SIZE];
    uint64_t n = e->size < sizeof(head) ? e->size : sizeof(head);
    int rc = xc_dom_unpack(img, head, n);

    if (rc)
        return rc;
    e->mem = head;
    rc = read_headers(img, n);
    e->mem = NULL;
    if (!rc && !window_possible(e))
        rc = -EAGAIN;
    return rc;
}

int xc_dom_elf_open(struct xc_dom_image *img)
{
    struct xc_dom_elf *e = &img->elf;
    int rc;

    e->size = img->packed.format ? img->packed.out_size : img->kernel.size;
    if (img->windowed) {
        rc = open_windowed(img);
        /* What Linux is linked with, until its notes are there to read. */
        e->notes.virt_base = 0xffffffff80000000;
        e->notes.init_p2m = 0x8000000000;
        e->notes.paddr_offset = 0;
        e->notes.mod_start_pfn = true;
        if (rc != -EAGAIN)
            return rc ? rc : find_extent(img);
        img->windowed = false;
    }
    rc = img->packed.format ? unpack_to_memory(img) : 0;
    if (!rc)
        rc = read_headers(img, e->size);
    if (rc == -EAGAIN)
        rc = damaged(img, "a header points behind its end");
    if (!rc)
        rc = xc_dom_notes_read(img);
    return rc ? rc : find_extent(img);
}

/* ---- loading ---- */

/* Zero what a segment has in memory, not in the file, from byte done on. */
static int clear_rest(struct xc_dom_image *img, const Elf64_Phdr *ph,
                      uint64_t done)
{
    uint64_t pfn = (ph->p_paddr - img->elf.notes.paddr_offset + done) >> 12;
    uint64_t in_page = (ph->p_paddr + done) & (XC_PAGE_SIZE - 1);
    uint64_t size = ph->p_memsz - done;
    uint64_t nr = xc_pages(in_page + size);
    void *map;
    int rc;

    if (!size)
        return 0;
    rc = xc_dom_map(img, pfn, nr, NULL, &map);
    if (rc)
        return rc;
    memset((char *)map + in_page, 0, size);
    xc_foreign_unmap(img->xc, map, nr);
    return 0;
}

/* From a file or from memory: straight into the frames. */
static int load_segment(struct xc_dom_image *img, const Elf64_Phdr *ph)
{
    uint64_t start = ph->p_paddr - img->elf.notes.paddr_offset;
    uint64_t in_page = start & (XC_PAGE_SIZE - 1);
    uint64_t nr = xc_pages(in_page + ph->p_filesz);
    void *map;
    int rc = 0;

    if (ph->p_filesz) {
        rc = xc_dom_map(img, start >> 12, nr, NULL, &map);
        if (rc)
            return rc;
        rc = xc_dom_image_read(img, ph->p_offset, (char *)map + in_page,
                        ph->p_filesz);
        xc_foreign_unmap(img->xc, map, nr);
    }
    return rc ? rc : clear_rest(img, ph, ph->p_filesz);
}

/* Lay the segments' frames over the window at base. */
static int map_window(struct xc_dom_image *img, uint8_t *base)
{
    struct xc_dom_elf *e = &img->elf;
    int rc = 0;

    for (unsigned int i = 0; i < e->nr_ph && !rc; i++) {
        const Elf64_Phdr *ph = &e->ph[i];
        uint64_t in_page = ph->p_offset & (XC_PAGE_SIZE - 1);
        void *map;

        if (is_load(ph) && ph->p_filesz)
            rc = xc_dom_map(img, ph->p_paddr >> 12,
                            xc_pages(in_page + ph->p_filesz),
                            base + ph->p_offset - in_page, &map);
    }
    return rc;
}

/* Keep the unpacked file; before anything in it is cleared. */
static void keep_window(struct xc_dom_image *img, const uint8_t *base)
{
    struct xc_dom_cache c;

    if (xc_dom_cache_create(img, &img->kernel, img->elf.size, &c))
        return;
    xc_dom_cache_write(&c, base, img->elf.size);
    xc_dom_cache_commit(&c);
}

static int load_windowed(struct xc_dom_image *img)
{
    struct xc_dom_elf *e = &img->elf;
    uint64_t size = xc_pages(e->size) * XC_PAGE_SIZE;
    uint8_t *base = mmap(NULL, size, PROT_READ | PROT_WRITE,
                         MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    int rc;

    if (base == MAP_FAILED)
        return xc_fail(img->err, -ENOMEM, "out of memory");
    rc = map_window(img, base);
    if (!rc)
        rc = xc_dom_unpack(img, base, e->size);
    if (!rc) {
        e->mem = base;
        rc = xc_dom_notes_read(img);
        e->mem = NULL;
    }
    if (!rc)
        keep_window(img, base);
    img->xc->ops->munmap(img->xc->ctx, base, size);
    if (!rc && e->notes.paddr_offset)
        rc = xc_fail(img->err, -ENOEXEC, "kernel %s: a bzImage with a physical "
                     "offset; use the ELF file that it was made from",
                     img->kernel.path);
    for (unsigned int i = 0; i < e->nr_ph && !rc; i++)
        if (is_load(&e->ph[i]))
            rc = clear_rest(img, &e->ph[i], e->ph[i].p_filesz);
    return rc;
}

int xc_dom_elf_load(struct xc_dom_image *img)
{
    struct xc_dom_elf *e = &img->elf;
    int rc = 0;

    if (img->windowed)
        return load_windowed(img);
    for (unsigned int i = 0; i < e->nr_ph && !rc; i++) {
        rc = xc_dom_cancelled(img);
        if (!rc && is_load(&e->ph[i]))
            rc = load_segment(img, &e->ph[i]);
    }
    return rc;
}
