/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "fake_kernel.h"

#include <elf.h>
#include <lz4.h>
#include <lzma.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>
#include <zstd.h>

#include <xen/elfnote.h>

uint8_t pattern(size_t i)
{
    return (uint8_t)(i * 7 + (i >> 8) * 13 + 1);
}

static size_t put_note(uint8_t *p, uint32_t type, const void *desc,
                       uint32_t size)
{
    Elf64_Nhdr h = { 4, size, type };

    memcpy(p, &h, sizeof(h));
    memcpy(p + sizeof(h), "Xen", 4);
    memcpy(p + sizeof(h) + 4, desc, size);
    return sizeof(h) + 4 + ((size + 3) & ~3u);
}

static size_t put_number(uint8_t *p, uint32_t type, uint64_t v)
{
    return put_note(p, type, &v, sizeof(v));
}

struct blob make_elf(int kind)
{
    struct blob b = { calloc(1, ELF_SIZE), ELF_SIZE };
    uint64_t base = kind & LEGACY ? 0x40000000 : LOAD;
    uint64_t skew = kind & UNALIGNED ? 0x10 : 0;
    Elf64_Ehdr eh = {
        .e_ident = { 0x7f, 'E', 'L', 'F', ELFCLASS64, ELFDATA2LSB, 1 },
        .e_type = ET_EXEC, .e_machine = EM_X86_64, .e_version = 1,
        .e_entry = base + 0x100, .e_phoff = 64, .e_ehsize = 64,
        .e_phentsize = 56, .e_phnum = 3, .e_shentsize = 64,
    };
    Elf64_Phdr ph[3] = {
        { PT_LOAD, 5, 0x1000, 0, base + skew, TEXT_SIZE, TEXT_SIZE, 0x1000 },
        { PT_LOAD, 6, DATA_OFF, 0, base + 0x10000 + skew, DATA_FILE, DATA_MEM,
          0x1000 },
        { PT_NOTE, 4, 0x5e00, 0, base + 0x4e00, 0, 0, 4 },
    };
    uint8_t *n = b.p + 0x5e00;

    for (size_t i = 0x1000; i < ELF_SIZE; i++)
        b.p[i] = pattern(i);
    if (kind & (NO_NOTES | LEGACY)) {
        eh.e_phnum = 2;
    } else {
        n += put_number(n, XEN_ELFNOTE_ENTRY, VIRT_BASE + LOAD + 0x100);
        n += put_number(n, XEN_ELFNOTE_VIRT_BASE, VIRT_BASE);
        n += put_note(n, XEN_ELFNOTE_XEN_VERSION, "xen-3.0", 8);
        n += put_note(n, XEN_ELFNOTE_GUEST_OS, "test", 5);
        if (kind & LINUX_LIKE) {
            n += put_number(n, XEN_ELFNOTE_INIT_P2M, P2M_BASE);
            n += put_number(n, XEN_ELFNOTE_MOD_START_PFN, 1);
        }
        ph[2].p_filesz = (uint64_t)(n - (b.p + 0x5e00));
    }
    if (kind & LEGACY) {
        static const char guest[] = "GUEST_OS=old,XEN_VER=xen-3.0,"
            "VIRT_BASE=0x40000000,ELF_PADDR_OFFSET=0x40000000,"
            "HYPERCALL_PAGE=0x2,LOADER=generic";
        Elf64_Shdr sh[2] = {
            { .sh_name = 0, .sh_type = SHT_STRTAB, .sh_offset = 0x8800,
              .sh_size = 32 },
            { .sh_name = 1, .sh_type = SHT_PROGBITS, .sh_offset = 0x8400,
              .sh_size = sizeof(guest) },
        };

        memcpy(b.p + 0x8400, guest, sizeof(guest));
        memcpy(b.p + 0x8800, "\0__xen_guest", 13);
        memcpy(b.p + 0x8a00, sh, sizeof(sh));
        eh.e_shoff = 0x8a00;
        eh.e_shnum = 2;
    }
    memcpy(b.p, &eh, sizeof(eh));
    memcpy(b.p + 64, ph, sizeof(ph));
    return b;
}

/* ---- packing ---- */

struct blob pack_gzip(const struct blob *in)
{
    struct blob b = { malloc(in->size + 4096), in->size + 4096 };
    z_stream z = { .next_in = in->p, .avail_in = (unsigned int)in->size,
                   .next_out = b.p, .avail_out = (unsigned int)b.size };

    deflateInit2(&z, 6, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY);
    if (deflate(&z, Z_FINISH) != Z_STREAM_END)
        abort();
    b.size = z.total_out;
    deflateEnd(&z);
    return b;
}

struct blob pack_xz(const struct blob *in)
{
    struct blob b = { malloc(in->size + 4096), 0 };

    if (lzma_easy_buffer_encode(6, LZMA_CHECK_CRC32, NULL, in->p, in->size,
                                b.p, &b.size, in->size + 4096) != LZMA_OK)
        abort();
    return b;
}

struct blob pack_lz4(const struct blob *in)
{
    struct blob b = { malloc(in->size + 4096), 0 };
    uint32_t magic = 0x184c2102, n;

    n = (uint32_t)LZ4_compress_default((char *)in->p, (char *)b.p + 8,
                                       (int)in->size, (int)in->size + 4000);
    memcpy(b.p, &magic, 4);
    memcpy(b.p + 4, &n, 4);
    b.size = n + 8;
    return b;
}

struct blob pack_zstd(const struct blob *in)
{
    struct blob b = { malloc(in->size + 4096), 0 };

    b.size = ZSTD_compress(b.p, in->size + 4096, in->p, in->size, 3);
    return b;
}

struct blob make_bzimage(const struct blob *payload, uint32_t unpacked,
                                bool add_size)
{
    uint32_t off = 0x300, len = (uint32_t)payload->size + (add_size ? 4 : 0);
    uint32_t syssize = (off + len + 15) / 16;
    struct blob b = { calloc(1, 1024 + syssize * 16), 1024 + syssize * 16 };
    uint16_t version = 0x20f;

    b.p[0x1f1] = 1;
    memcpy(b.p + 0x1f4, &syssize, 4);
    memcpy(b.p + 0x1fe, "\x55\xaa", 2);
    memcpy(b.p + 0x202, "HdrS", 4);
    memcpy(b.p + 0x206, &version, 2);
    memcpy(b.p + 0x248, &off, 4);
    memcpy(b.p + 0x24c, &len, 4);
    memcpy(b.p + 1024 + off, payload->p, payload->size);
    if (add_size)
        memcpy(b.p + 1024 + off + payload->size, &unpacked, 4);
    return b;
}
