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

struct elf_kernel {
    const uint8_t *data;
    size_t size;
    unsigned int nr_headers;         /* program headers */
    uint64_t header_offset;
    paddr_t start, end;              /* of all segments in memory */
    uint64_t entry;                  /* note, else the ELF header's */
    uint64_t virt_base;
    uint64_t paddr_offset;
    uint64_t init_p2m;               /* ~0: none asked for */
    bool mod_start_pfn;
    bool has_notes;                  /* a Xen guest at all */
    bool dom0;                       /* SUPPORTED_FEATURES has the dom0 bit,
                                        or there is no such note */
};

/* -ENOEXEC: no such file, or damaged, with a line in *ret_why. */
int elf_parse(const void *data, size_t size, struct elf_kernel *ret_k,
              const char **ret_why);

/* Walk the segments to load: *pos starts at 0; false at the end. */
bool elf_next_segment(const struct elf_kernel *k, unsigned int *pos,
                      struct elf_segment *ret_seg);

#endif
