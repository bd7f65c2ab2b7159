/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What a kernel says of itself.
 *
 * Notes are those of <xen/elfnote.h>, owner "Xen".  Kernels older than notes
 * have a section __xen_guest instead, text of NAME=VALUE pairs; the header says
 * which name stands for which note.
 */
#define _GNU_SOURCE
#include "xc_dom.h"

#include <stdio.h>
#include <stdlib.h>

#include <xen/elfnote.h>

#define MAX_SECTIONS    4096u
#define MAX_NOTES       (1u << 20)      /* bytes of one note segment */

void xc_dom_notes_init(struct xc_dom_notes *n)
{
    *n = (struct xc_dom_notes){
        .entry = XC_DOM_UNSET,
        .virt_base = XC_DOM_UNSET,
        .paddr_offset = XC_DOM_UNSET,
        .hypercall = XC_DOM_UNSET,
        .init_p2m = XC_DOM_UNSET,
    };
}

/* Numbers come in as many bytes as the kernel's author liked. */
static uint64_t note_number(const uint8_t *p, uint32_t size)
{
    uint64_t v = 0;

    for (uint32_t i = 0; i < size && i < sizeof(v); i++)
        v |= (uint64_t)p[i] << 8 * i;
    return v;
}

static void copy_text(char *to, size_t to_size, const char *from, size_t size)
{
    snprintf(to, to_size, "%.*s", (int)size, from);
}

static void note_one(struct xc_dom_notes *n, uint32_t type, const uint8_t *p,
                     uint32_t size)
{
    uint64_t v = note_number(p, size);

    switch (type) {
    case XEN_ELFNOTE_ENTRY:          n->entry = v; break;
    case XEN_ELFNOTE_VIRT_BASE:      n->virt_base = v; break;
    case XEN_ELFNOTE_PADDR_OFFSET:   n->paddr_offset = v; break;
    case XEN_ELFNOTE_HYPERCALL_PAGE: n->hypercall = v; break;
    case XEN_ELFNOTE_INIT_P2M:       n->init_p2m = v; break;
    case XEN_ELFNOTE_MOD_START_PFN:  n->mod_start_pfn = v; return;
    case XEN_ELFNOTE_XEN_VERSION:
        copy_text(n->xen_version, sizeof(n->xen_version), (char *)p, size);
        break;
    case XEN_ELFNOTE_GUEST_OS:
        copy_text(n->guest_os, sizeof(n->guest_os), (char *)p, size);
        return;
    default:
        return;                         /* PVH kernels have some of these */
    }
    n->pv = true;
}

void xc_dom_notes_parse(struct xc_dom_notes *notes, const uint8_t *p,
                        size_t size)
{
    Elf64_Nhdr h;

    while (size >= sizeof(h)) {
        uint64_t name, desc;

        memcpy(&h, p, sizeof(h));
        name = (h.n_namesz + 3ull) & ~3ull;
        desc = (h.n_descsz + 3ull) & ~3ull;
        p += sizeof(h);
        size -= sizeof(h);
        /* The last description need not be padded. */
        if (name > size || h.n_descsz > size - name)
            return;
        if (h.n_namesz == 4 && !memcmp(p, "Xen", 4))
            note_one(notes, h.n_type, p + name, h.n_descsz);
        if (name + desc > size)
            return;
        p += name + desc;
        size -= name + desc;
    }
}

static void guest_pair(struct xc_dom_notes *n, const char *name,
                       const char *value)
{
    uint64_t v = strtoull(value, NULL, 0);

    if (!strcmp(name, "VIRT_ENTRY"))
        n->entry = v;
    else if (!strcmp(name, "VIRT_BASE"))
        n->virt_base = v;
    else if (!strcmp(name, "ELF_PADDR_OFFSET"))
        n->paddr_offset = v;
    else if (!strcmp(name, "HYPERCALL_PAGE"))
        n->hypercall = v;
    else if (!strcmp(name, "XEN_VER"))
        copy_text(n->xen_version, sizeof(n->xen_version), value, 15);
    else if (!strcmp(name, "GUEST_OS"))
        copy_text(n->guest_os, sizeof(n->guest_os), value, 15);
}

void xc_dom_guest_parse(struct xc_dom_notes *notes, const char *p, size_t size)
{
    char text[1024], *next = text, *pair;

    copy_text(text, sizeof(text), p, size);
    while ((pair = strsep(&next, ","))) {
        char *value = strchr(pair, '=');

        if (!value)
            continue;
        *value++ = '\0';
        guest_pair(notes, pair, value);
    }
    notes->pv = true;
    /* Defaults and units of the legacy form, as elfnote.h has them. */
    if (notes->virt_base == XC_DOM_UNSET)
        notes->virt_base = 0;
    if (notes->paddr_offset == XC_DOM_UNSET)
        notes->paddr_offset = notes->virt_base;
    if (notes->hypercall != XC_DOM_UNSET)
        notes->hypercall = notes->virt_base + (notes->hypercall << 12);
}

/* A stretch of the image as notes or as a __xen_guest string. */
static int parse_at(struct xc_dom_image *img, uint64_t offset, uint64_t size,
                    bool legacy)
{
    uint8_t *buf;
    int rc;

    if (size > MAX_NOTES)
        return 0;
    buf = malloc(size + 1);
    if (!buf)
        return xc_fail(img->err, -ENOMEM, "out of memory");
    rc = xc_dom_image_read(img, offset, buf, size);
    if (!rc && legacy)
        xc_dom_guest_parse(&img->elf.notes, (char *)buf, size);
    else if (!rc)
        xc_dom_notes_parse(&img->elf.notes, buf, size);
    free(buf);
    return rc;
}

static bool is_guest_section(struct xc_dom_image *img, const Elf64_Shdr *names,
                             const Elf64_Shdr *sh)
{
    char name[sizeof("__xen_guest")];

    return sh->sh_name + sizeof(name) <= names->sh_size &&
           !xc_dom_image_read(img, names->sh_offset + sh->sh_name, name,
                              sizeof(name)) &&
           !memcmp(name, "__xen_guest", sizeof(name));
}

/* Without note segments: note sections first, then the older form. */
static int parse_sections(struct xc_dom_image *img, bool legacy)
{
    const Elf64_Ehdr *eh = &img->elf.eh;
    Elf64_Shdr names, sh;
    int rc;

    if (!eh->e_shoff || eh->e_shentsize != sizeof(sh) ||
        eh->e_shnum > MAX_SECTIONS || eh->e_shstrndx >= eh->e_shnum)
        return 0;
    rc = xc_dom_image_read(img, eh->e_shoff + eh->e_shstrndx * sizeof(sh),
                           &names, sizeof(names));
    for (unsigned int i = 0; i < eh->e_shnum && !rc; i++) {
        bool wanted;

        rc = xc_dom_image_read(img, eh->e_shoff + i * sizeof(sh), &sh,
                               sizeof(sh));
        if (rc)
            break;
        wanted = legacy ? is_guest_section(img, &names, &sh)
                        : sh.sh_type == SHT_NOTE;
        if (wanted)
            rc = parse_at(img, sh.sh_offset, sh.sh_size, legacy);
    }
    return rc;
}

static int check_notes(struct xc_dom_image *img)
{
    struct xc_dom_notes *n = &img->elf.notes;

    if (!n->pv)
        return xc_fail(img->err, -ENOEXEC, "kernel %s: no PV notes, it cannot "
                       "run as a paravirtual guest; use one with "
                       "CONFIG_XEN_PV", img->kernel.path);
    if (n->xen_version[0] && strcmp(n->xen_version, "xen-3.0"))
        return xc_fail(img->err, -ENOEXEC, "kernel %s: made for the interface "
                       "\"%s\", only \"xen-3.0\" exists", img->kernel.path,
                       n->xen_version);
    if (n->virt_base == XC_DOM_UNSET)
        n->virt_base = 0;
    if (n->paddr_offset == XC_DOM_UNSET)
        n->paddr_offset = 0;
    if (n->entry == XC_DOM_UNSET)
        n->entry = img->elf.eh.e_entry;
    return 0;
}

int xc_dom_notes_read(struct xc_dom_image *img)
{
    struct xc_dom_elf *e = &img->elf;
    int rc = 0;

    xc_dom_notes_init(&e->notes);
    for (unsigned int i = 0; i < e->nr_ph && !rc; i++)
        if (e->ph[i].p_type == PT_NOTE)
            rc = parse_at(img, e->ph[i].p_offset, e->ph[i].p_filesz, false);
    if (!rc && !e->notes.pv)
        rc = parse_sections(img, false);
    if (!rc && !e->notes.pv)
        rc = parse_sections(img, true);
    return rc ? rc : check_notes(img);
}
