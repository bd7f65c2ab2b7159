/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Kernels for the builder to load: small ELF files with what it looks at, and
 * everything that they can be packed in.
 */
#ifndef FAKE_KERNEL_H
#define FAKE_KERNEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define VIRT_BASE   0xffffffff80000000ULL
#define P2M_BASE    0x0000008000000000ULL
#define LOAD        0x1000000ULL        /* 16 MiB, as Linux */
#define TEXT_SIZE   0x5000u
#define DATA_OFF    0x7000u
#define DATA_FILE   0x1234u             /* bytes in the file */
#define DATA_MEM    0x4000u             /* and in memory */
#define ELF_SIZE    0x9000u

/* The caller frees p. */
struct blob {
    uint8_t *p;
    size_t size;
};

enum { LINUX_LIKE = 1, NO_NOTES = 2, LEGACY = 4, UNALIGNED = 8 };

/* Byte i of every file, where no header or note is. */
uint8_t pattern(size_t i);

/*
 * A kernel of two segments; the second one has a bss that is not in the file.
 * Its notes are at the end of the first.
 */
struct blob make_elf(int kind);

struct blob pack_gzip(const struct blob *in);
struct blob pack_xz(const struct blob *in);
struct blob pack_lz4(const struct blob *in);
struct blob pack_zstd(const struct blob *in);

/* A bzImage around a payload; the size follows unless the payload has it. */
struct blob make_bzimage(const struct blob *payload, uint32_t unpacked,
                         bool add_size);

#endif
