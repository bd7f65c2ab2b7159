/*
 * ELF files of guest kernels (System V ABI, AMD64 supplement).
 */
#include "lib/elf.h"
#include "lib/abi.h"
#include "lib/string.h"

struct elf_header {
    uint8_t ident[16];
    uint16_t type, machine;
    uint32_t version;
    uint64_t entry, phoff, shoff;
    uint32_t flags;
    uint16_t ehsize, phentsize, phnum, shentsize, shnum, shstrndx;
};

struct program_header {
    uint32_t type, flags;
    uint64_t offset, vaddr, paddr, file_size, mem_size, align;
};

struct note_header {
    uint32_t name_size, desc_size, type;
};

#define ET_EXEC     2
#define ET_DYN      3
#define EM_X86_64   62
#define PT_LOAD     1
#define PT_NOTE     4

/* A number of 4 or 8 bytes. */
static uint64_t note_number(const uint8_t *desc, size_t size)
{
    uint64_t n = 0;

    memcpy(&n, desc, MIN(size, sizeof(n)));
    return n;
}

static void note_take(struct elf_kernel *k, uint32_t type, const uint8_t *desc,
                      size_t size)
{
    uint64_t n = note_number(desc, size);

    k->has_notes = true;
    switch (type) {
    case XEN_ELFNOTE_ENTRY:              k->entry = n; break;
    case XEN_ELFNOTE_VIRT_BASE:          k->virt_base = n; break;
    case XEN_ELFNOTE_PADDR_OFFSET:       k->paddr_offset = n; break;
    case XEN_ELFNOTE_INIT_P2M:           k->init_p2m = n; break;
    case XEN_ELFNOTE_MOD_START_PFN:      k->mod_start_pfn = n; break;
    case XEN_ELFNOTE_SUPPORTED_FEATURES:
        k->dom0 = n & (1U << XENFEAT_dom0);
        break;
    }
}

static void notes_read(struct elf_kernel *k, const uint8_t *p, size_t size)
{
    struct note_header n;

    while (size >= sizeof(n)) {
        size_t name, desc;

        memcpy(&n, p, sizeof(n));
        name = ((size_t)n.name_size + 3) & ~3UL;
        desc = ((size_t)n.desc_size + 3) & ~3UL;
        if (sizeof(n) + name + n.desc_size > size)
            return;
        if (n.name_size == 4 && !memcmp(p + sizeof(n), "Xen", 4))
            note_take(k, n.type, p + sizeof(n) + name, n.desc_size);
        if (sizeof(n) + name + desc > size)
            return;
        p += sizeof(n) + name + desc;
        size -= sizeof(n) + name + desc;
    }
}

/* NULL, or what is wrong with a program header or what it names. */
static const char *segment_take(struct elf_kernel *k, const uint8_t *data,
                                size_t size, const struct program_header *ph)
{
    if (ph->offset > size || ph->file_size > size - ph->offset)
        return "is truncated: a segment lies behind its end";
    if (ph->type == PT_NOTE)
        notes_read(k, data + ph->offset, ph->file_size);
    if (ph->type != PT_LOAD || !ph->mem_size)
        return NULL;
    if (ph->file_size > ph->mem_size || ph->paddr + ph->mem_size < ph->paddr)
        return "is damaged: a segment's size makes no sense";
    if (k->nr_segments == ELF_MAX_SEGMENTS)
        return "has too many segments";
    k->segment[k->nr_segments++] = (struct elf_segment){
        ph->paddr, ph->mem_size, data + ph->offset, ph->file_size };
    k->start = MIN(k->start, ph->paddr);
    k->end = MAX(k->end, ph->paddr + ph->mem_size);
    return NULL;
}

const char *elf_parse(const void *data, size_t size, struct elf_kernel *k)
{
    struct elf_header h;
    struct program_header ph;
    const char *why = NULL;

    *k = (struct elf_kernel){ .start = ~0ULL, .init_p2m = ~0ULL, .dom0 = true };
    if (size < sizeof(h))
        return "is no 64-bit x86 ELF file";
    memcpy(&h, data, sizeof(h));
    if (memcmp(h.ident, "\177ELF\2\1", 6) || h.machine != EM_X86_64 ||
        (h.type != ET_EXEC && h.type != ET_DYN))
        return "is no 64-bit x86 ELF file";
    if (h.phentsize != sizeof(ph) || h.phoff > size ||
        h.phnum * sizeof(ph) > size - h.phoff)
        return "is damaged: its program headers make no sense";
    k->entry = h.entry;
    for (unsigned int i = 0; i < h.phnum && !why; i++) {
        memcpy(&ph, (const char *)data + h.phoff + i * sizeof(ph), sizeof(ph));
        why = segment_take(k, data, size, &ph);
    }
    return why || k->nr_segments ? why : "has nothing to load";
}
