/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Compressed kernels: a bzImage's payload, or a gzipped ELF file.
 *
 * A bzImage is a boot sector, a setup header (Linux's boot protocol, 2.08 and
 * later tell where the payload is) and the payload: an ELF file, compressed,
 * then its size in 4 bytes, which gzip has anyway.
 */
#include "xc_dom.h"

#include <stdlib.h>

#include <lz4.h>
#include <lzma.h>
#include <zlib.h>
#include <zstd.h>

#define IN_SIZE         (256u << 10)    /* read at once */
#define LZ4_BLOCK       (8u << 20)      /* of the legacy format, unpacked */
#define LZ4_MAGIC       0x184c2102u
#define HEADER_SIZE     0x250u          /* what we look at of a bzImage */

static uint16_t get16(const uint8_t *p)
{
    return (uint16_t)(p[0] | p[1] << 8);
}

static uint32_t get32(const uint8_t *p)
{
    return get16(p) | (uint32_t)get16(p + 2) << 16;
}

static const struct pack {
    enum xc_dom_format format;
    unsigned int len;
    uint8_t magic[6];
    const char *name;
} packs[] = {
    { XC_PACK_GZIP,  2, { 0x1f, 0x8b }, "gzip" },
    { XC_PACK_XZ,    6, { 0xfd, '7', 'z', 'X', 'Z', 0 }, "xz" },
    { XC_PACK_LZ4,   4, { 0x02, 0x21, 0x4c, 0x18 }, "lz4" },
    { XC_PACK_ZSTD,  4, { 0x28, 0xb5, 0x2f, 0xfd }, "zstd" },
    { XC_PACK_OTHER, 3, { 'B', 'Z', 'h' }, "bzip2" },
    { XC_PACK_OTHER, 3, { 0x5d, 0, 0 }, "lzma" },
    { XC_PACK_OTHER, 4, { 0x89, 'L', 'Z', 'O' }, "lzo" },
};

static const struct pack *find_pack(const uint8_t *p, size_t size)
{
    for (size_t i = 0; i < sizeof(packs) / sizeof(packs[0]); i++)
        if (size >= packs[i].len && !memcmp(p, packs[i].magic, packs[i].len))
            return &packs[i];
    return NULL;
}

enum xc_dom_format xc_dom_format(const uint8_t *p, size_t size)
{
    const struct pack *pack = find_pack(p, size);

    return pack ? pack->format : XC_PACK_NONE;
}

static const char *format_name(enum xc_dom_format format)
{
    for (size_t i = 0; i < sizeof(packs) / sizeof(packs[0]); i++)
        if (packs[i].format == format)
            return packs[i].name;
    return "unknown";
}

/* The payload is known: is it one that we can unpack, how large is it? */
static int payload_open(struct xc_dom_image *img)
{
    struct xc_dom_payload *p = &img->packed;
    const struct pack *pack;
    uint8_t head[8], tail[4];
    int rc;

    if (p->length < 32 || p->offset > img->kernel.size ||
        p->length > img->kernel.size - p->offset)
        return xc_fail(img->err, -ENODATA, "kernel %s: truncated, its payload "
                       "should end at byte %llu of %llu; copy it again",
                       img->kernel.path,
                       (unsigned long long)(p->offset + p->length),
                       (unsigned long long)img->kernel.size);
    rc = xc_dom_file_read(img, &img->kernel, p->offset, head, sizeof(head));
    if (!rc)
        rc = xc_dom_file_read(img, &img->kernel, p->offset + p->length - 4,
                              tail, sizeof(tail));
    if (rc)
        return rc;
    pack = find_pack(head, sizeof(head));
    if (!pack || pack->format == XC_PACK_OTHER)
        return xc_fail(img->err, -ENOEXEC, "kernel %s: compressed with %s; use "
                       "one that is compressed with gzip, xz, lz4 or zstd",
                       img->kernel.path, pack ? pack->name : "something else");
    p->format = pack->format;
    p->out_size = get32(tail);
    if (p->format != XC_PACK_GZIP)
        p->length -= 4;
    if (p->out_size < sizeof(Elf64_Ehdr) || p->out_size > XC_DOM_MAX_IMAGE)
        return xc_fail(img->err, -ENODATA, "kernel %s: damaged, it unpacks to "
                       "%llu bytes; copy it again", img->kernel.path,
                       (unsigned long long)p->out_size);
    return 0;
}

static int bzimage_open(struct xc_dom_image *img, const uint8_t *h)
{
    uint64_t setup = ((h[0x1f1] ?: 4) + 1) * 512ull;
    uint64_t total = setup + get32(h + 0x1f4) * 16ull;
    int rc;

    if (get16(h + 0x206) < 0x208)
        return xc_fail(img->err, -ENOEXEC, "kernel %s: a bzImage too old to "
                       "say where its payload is (boot protocol %#x, 0x208 is "
                       "needed)", img->kernel.path, get16(h + 0x206));
    if (total > img->kernel.size)
        return xc_fail(img->err, -ENODATA, "kernel %s: truncated, it has %llu "
                       "of %llu bytes; copy it again", img->kernel.path,
                       (unsigned long long)img->kernel.size,
                       (unsigned long long)total);
    img->packed.offset = setup + get32(h + 0x248);
    img->packed.length = get32(h + 0x24c);
    rc = payload_open(img);
    if (rc)
        return rc;
    img->windowed = !xc_dom_cache_open(img, &img->kernel,
                                       img->packed.out_size);
    if (!img->windowed)
        img->packed.format = XC_PACK_NONE;
    return 0;
}

int xc_dom_packed_open(struct xc_dom_image *img)
{
    uint8_t h[HEADER_SIZE] = { 0 };
    uint64_t size = img->kernel.size;
    int rc;

    rc = xc_dom_file_read(img, &img->kernel, 0, h,
                          size < sizeof(h) ? size : sizeof(h));
    if (rc || !memcmp(h, ELFMAG, SELFMAG))
        return rc;
    if (get16(h + 0x1fe) == 0xaa55 && !memcmp(h + 0x202, "HdrS", 4))
        return bzimage_open(img, h);
    if (xc_dom_format(h, sizeof(h)) == XC_PACK_GZIP) {
        img->packed.length = size;
        return payload_open(img);
    }
    return xc_fail(img->err, -ENOEXEC, "kernel %s: not a kernel, neither ELF "
                   "nor bzImage; name a Linux or other PV kernel",
                   img->kernel.path);
}

/* A compressed stretch of a file, read piece by piece. */
struct input {
    struct xc_dom_image *img;
    const struct xc_dom_file *file;
    uint64_t pos, end;
    uint8_t *buf;
};

static int input_init(struct input *in, struct xc_dom_image *img,
                      const struct xc_dom_file *f, uint64_t pos, uint64_t len)
{
    *in = (struct input){ img, f, pos, pos + len, malloc(IN_SIZE) };
    return in->buf ? 0 : xc_fail(img->err, -ENOMEM, "out of memory");
}

/* The next piece.  -EBADMSG: there is no more. */
static int input_next(struct input *in, const uint8_t **ret_p, size_t *ret_size)
{
    uint64_t left = in->end - in->pos;
    size_t n = left < IN_SIZE ? left : IN_SIZE;
    int rc = xc_dom_cancelled(in->img);

    if (!rc && !n)
        rc = -EBADMSG;
    if (!rc)
        rc = xc_dom_file_read(in->img, in->file, in->pos, in->buf, n);
    if (rc)
        return rc;
    in->pos += n;
    *ret_p = in->buf;
    *ret_size = n;
    return 0;
}

/* After the last byte of output gzip has a checksum, and nothing else. */
static int gzip_end(struct input *in, z_stream *z)
{
    uint8_t more;

    for (;;) {
        int zrc;

        z->next_out = &more;
        z->avail_out = 1;
        zrc = inflate(z, Z_NO_FLUSH);
        if (!z->avail_out || (zrc != Z_OK && zrc != Z_STREAM_END &&
                              zrc != Z_BUF_ERROR))
            return -EBADMSG;
        if (zrc == Z_STREAM_END)
            return z->avail_in || in->pos < in->end ? -EBADMSG : 0;
        if (!z->avail_in) {
            const uint8_t *p;
            size_t n;
            int rc = input_next(in, &p, &n);

            if (rc)
                return rc;
            z->next_in = (uint8_t *)p;
            z->avail_in = (unsigned int)n;
        }
    }
}

static int gzip_body(struct input *in, z_stream *z, uint64_t size,
                     struct xc_dom_sink *sink)
{
    while (z->total_out < size) {
        uint64_t room = 0, left = size - z->total_out;
        const uint8_t *p;
        size_t n;
        int zrc, rc = 0;

        if (!z->avail_out) {
            rc = sink->next(sink, &z->next_out, &room);
            z->avail_out = (unsigned int)(room < left ? room : left);
        }
        if (!rc && !z->avail_in) {
            rc = input_next(in, &p, &n);
            if (!rc) {
                z->next_in = (uint8_t *)p;
                z->avail_in = (unsigned int)n;
            }
        }
        /* Without more input there may be more output in the window. */
        if (rc && rc != -EBADMSG)
            return rc;
        zrc = inflate(z, Z_NO_FLUSH);
        if (zrc != Z_OK && !(zrc == Z_STREAM_END && z->total_out == size))
            return -EBADMSG;
        if (zrc == Z_STREAM_END)
            return z->avail_in || in->pos < in->end ? -EBADMSG : 1;
    }
    return 0;
}

/* Unpack size bytes; all means that this is all there may be. */
static int gunzip(struct input *in, uint64_t size, bool all,
                  struct xc_dom_sink *sink)
{
    z_stream z = { 0 };
    int rc;

    if (inflateInit2(&z, 15 + 16) != Z_OK)
        return xc_fail(in->img->err, -ENOMEM, "out of memory");
    rc = gzip_body(in, &z, size, sink);
    if (!rc && all)
        rc = gzip_end(in, &z);
    inflateEnd(&z);
    return rc < 0 ? rc : 0;
}

int xc_dom_gunzip(struct xc_dom_image *img, const struct xc_dom_file *f,
                  uint64_t out_size, struct xc_dom_sink *sink)
{
    struct input in;
    int rc = input_init(&in, img, f, 0, f->size);

    if (!rc)
        rc = gunzip(&in, out_size, true, sink);
    free(in.buf);
    return rc;
}

/* All of the output in one piece. */
struct whole {
    struct xc_dom_sink sink;
    uint8_t *p;
    uint64_t size;
};

static int whole_next(struct xc_dom_sink *sink, uint8_t **ret_p,
                      uint64_t *ret_size)
{
    struct whole *w = (struct whole *)sink;

    *ret_p = w->p;
    *ret_size = w->size;
    return 0;
}

static int unpack_gzip(struct input *in, uint8_t *out, uint64_t size)
{
    struct whole w = { { whole_next }, out, size };

    return gunzip(in, size, size == in->img->packed.out_size, &w.sink);
}

static int unpack_xz(struct input *in, uint8_t *out, uint64_t size)
{
    lzma_stream s = LZMA_STREAM_INIT;
    int rc = 0;

    if (lzma_stream_decoder(&s, UINT64_MAX, 0) != LZMA_OK)
        return xc_fail(in->img->err, -ENOMEM, "out of memory");
    s.next_out = out;
    s.avail_out = size;
    while (s.avail_out && !rc) {
        lzma_ret xrc = LZMA_OK;

        if (!s.avail_in)
            rc = input_next(in, &s.next_in, &s.avail_in);
        if (!rc || rc == -EBADMSG)      /* there may be more in the window */
            xrc = lzma_code(&s, LZMA_RUN);
        if (xrc == LZMA_OK)
            rc = rc == -EBADMSG ? 0 : rc;
        else
            rc = xrc == LZMA_STREAM_END && !s.avail_out ? 0 : -EBADMSG;
    }
    lzma_end(&s);
    return rc;
}

/* A length of the format: 4 bits, then bytes as long as they are 255. */
static bool lz4_length(const uint8_t **p, const uint8_t *end, uint32_t *len)
{
    uint8_t b = 255;

    if (*len < 15)
        return true;
    while (b == 255) {
        if (*p == end)
            return false;
        b = *(*p)++;
        *len += b;
    }
    return true;
}

/*
 * The first cap bytes of a block, from its first size bytes.  The library
 * wants all of a block, megabytes, even to see a header.  -1: cannot be.
 */
static int lz4_prefix(const uint8_t *p, size_t size, uint8_t *out, uint32_t cap)
{
    const uint8_t *end = p + size;
    uint32_t done = 0;

    while (p < end) {
        uint32_t lit = *p >> 4, match = *p & 15, offset;

        p++;
        if (!lz4_length(&p, end, &lit))
            return -1;
        lit = lit < cap - done ? lit : cap - done;
        if (lit > (size_t)(end - p))
            return -1;
        memcpy(out + done, p, lit);
        p += lit;
        done += lit;
        if (done == cap)
            return (int)cap;
        if (end - p < 2)
            return -1;
        offset = get16(p);
        p += 2;
        if (!offset || offset > done || !lz4_length(&p, end, &match))
            return -1;
        for (match += 4; match && done < cap; match--, done++)
            out[done] = out[done - offset];
        if (done == cap)
            return (int)cap;
    }
    return -1;
}

static int lz4_head(struct input *in, uint8_t *block, uint8_t *out, int cap,
                    uint32_t packed)
{
    uint32_t n = packed < IN_SIZE ? packed : IN_SIZE;
    int rc = xc_dom_file_read(in->img, in->file, in->pos, block, n);

    return rc ? rc : lz4_prefix(block, n, out, (uint32_t)cap);
}

/* One block of the legacy frame; the last one may be shorter.  all: its end
 * is wanted, too. */
static int lz4_block(struct input *in, uint8_t *block, uint8_t *out,
                     uint64_t left, bool all, uint32_t packed, uint64_t *ret_n)
{
    bool last = in->pos + packed >= in->end;
    int cap = (int)(left < LZ4_BLOCK ? left : LZ4_BLOCK);
    int n;

    if (cap == (int)LZ4_BLOCK || all) {
        int rc = xc_dom_file_read(in->img, in->file, in->pos, block, packed);

        if (rc)
            return rc;
        n = LZ4_decompress_safe((char *)block, (char *)out, (int)packed, cap);
    } else {
        n = lz4_head(in, block, out, cap, packed);
    }
    if (n <= 0 || (n < cap && !last))
        return -EBADMSG;
    in->pos += packed;
    *ret_n = (uint64_t)n;
    return 0;
}

static int unpack_lz4(struct input *in, uint8_t *out, uint64_t size)
{
    uint8_t *block = malloc(LZ4_COMPRESSBOUND(LZ4_BLOCK));
    bool all = size == in->img->packed.out_size;
    int rc = block ? 0 : xc_fail(in->img->err, -ENOMEM, "out of memory");

    in->pos += 4;                       /* the magic */
    while (size && !rc) {
        uint64_t n = 0;
        uint8_t word[4];
        uint32_t packed;

        rc = xc_dom_cancelled(in->img);
        if (!rc && in->end - in->pos < sizeof(word))
            rc = -EBADMSG;
        if (!rc)
            rc = xc_dom_file_read(in->img, in->file, in->pos, word, 4);
        if (rc)
            break;
        in->pos += sizeof(word);
        packed = get32(word);
        if (packed == LZ4_MAGIC)        /* frames may follow one another */
            continue;
        if (!packed || packed > LZ4_COMPRESSBOUND(LZ4_BLOCK) ||
            packed > in->end - in->pos)
            rc = -EBADMSG;
        else
            rc = lz4_block(in, block, out, size, all, packed, &n);
        out += n;
        size -= n;
    }
    free(block);
    return rc;
}

/* With all of the input at hand zstd needs no memory for its window. */
static int zstd_whole(struct input *in, uint8_t *out, uint64_t size)
{
    size_t len = in->end - in->pos;
    uint8_t *packed = malloc(len);
    int rc;

    if (!packed)
        return xc_fail(in->img->err, -ENOMEM, "out of memory");
    rc = xc_dom_file_read(in->img, in->file, in->pos, packed, len);
    if (!rc && ZSTD_decompress(out, size, packed, len) != size)
        rc = -EBADMSG;
    free(packed);
    return rc;
}

static int zstd_head(struct input *in, uint8_t *out, uint64_t size)
{
    ZSTD_DCtx *ctx = ZSTD_createDCtx();
    ZSTD_outBuffer to = { out, size, 0 };
    ZSTD_inBuffer from = { 0 };
    int rc = 0;

    if (!ctx)
        return xc_fail(in->img->err, -ENOMEM, "out of memory");
    ZSTD_DCtx_setParameter(ctx, ZSTD_d_windowLogMax, 31);
    while (to.pos < size && !rc) {
        if (from.pos == from.size) {
            rc = input_next(in, (const uint8_t **)&from.src, &from.size);
            from.pos = 0;
        }
        if (!rc && ZSTD_isError(ZSTD_decompressStream(ctx, &to, &from)))
            rc = -EBADMSG;
    }
    ZSTD_freeDCtx(ctx);
    return rc;
}

static int unpack_zstd(struct input *in, uint8_t *out, uint64_t size)
{
    if (size == in->img->packed.out_size)
        return zstd_whole(in, out, size);
    return zstd_head(in, out, size);
}

int xc_dom_unpack(struct xc_dom_image *img, uint8_t *out, uint64_t size)
{
    static int (*const unpackers[])(struct input *, uint8_t *, uint64_t) = {
        [XC_PACK_GZIP] = unpack_gzip,
        [XC_PACK_XZ] = unpack_xz,
        [XC_PACK_LZ4] = unpack_lz4,
        [XC_PACK_ZSTD] = unpack_zstd,
    };
    struct xc_dom_payload *p = &img->packed;
    struct input in;
    int rc = input_init(&in, img, &img->kernel, p->offset, p->length);

    if (!rc)
        rc = unpackers[p->format](&in, out, size);
    free(in.buf);
    if (rc == -EBADMSG)
        return xc_fail(img->err, -ENODATA, "kernel %s: damaged or truncated, "
                       "its %s data cannot be unpacked; copy it again",
                       img->kernel.path, format_name(p->format));
    return rc;
}
