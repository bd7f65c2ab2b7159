/*
 * A kernel as a 64-bit x86 ELF file in memory: its program segments and what
 * its Xen notes ask for.  The file is untrusted: every offset is checked.
 */
#ifndef LIB_ELF_H
#define LIB_ELF_H

#include "lib/types.h"

struct elf_segment {
    paddr_t paddr;                   /* where it is loaded */
    size_t mem_size;                 /* file_size <= mem_size */
    const void *data;
    size_t file_size;                /* the rest is zero */
};

#define ELF_MAX_SEGMENTS 16

struct elf_kernel {
    unsigned int nr_segments;        /* to load */
    struct elf_segment segment[ELF_MAX_SEGMENTS];
    paddr_t start, end;              /* of all of them in memory */
    uint64_t entry;                  /* note, else the ELF header's */
    uint64_t virt_base;
    uint64_t paddr_offset;
    uint64_t init_p2m;               /* ~0: none asked for */
    bool mod_start_pfn;
    bool has_notes;                  /* a Xen guest at all */
    bool dom0;                       /* SUPPORTED_FEATURES has the dom0 bit,
                                        or there is no such note */
};

/* NULL and *k, whose segments point into data; or what is wrong with it. */
const char *elf_parse(const void *data, size_t size, struct elf_kernel *k);

#endif
