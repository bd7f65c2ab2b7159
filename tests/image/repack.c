/*
 * repack IN OUT: the kernel IN, a bzImage with an xz payload, with that payload
 * packed by zstd as Linux's makefiles do: no size in the frame, a checksum, a
 * window of 128 MiB.  Only hypervisors start it: Linux's own stub in it still
 * unpacks xz.
 */
#include <err.h>
#include <lzma.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zstd.h>

/* Documentation/x86/boot.rst */
#define SETUP_SECTS     0x1f1
#define PAYLOAD_OFFSET  0x248
#define PAYLOAD_LENGTH  0x24c

static uint8_t *read_file(const char *name, size_t *ret_size)
{
    FILE *f = fopen(name, "rb");
    uint8_t *data = malloc(64 << 20);

    if (!f || !data)
        err(1, "%s", name);
    *ret_size = fread(data, 1, 64 << 20, f);
    fclose(f);
    return data;
}

static uint8_t *unpack(const uint8_t *in, size_t in_size, uint32_t size)
{
    uint64_t limit = UINT64_MAX;
    size_t in_pos = 0, out_pos = 0;
    uint8_t *out = malloc(size);

    if (!out || lzma_stream_buffer_decode(&limit, 0, NULL, in, &in_pos,
                                          in_size, out, &out_pos, size))
        errx(1, "the payload is not xz");
    return out;
}

static uint8_t *pack(const uint8_t *in, size_t size, size_t *ret_size)
{
    ZSTD_CCtx *c = ZSTD_createCCtx();
    size_t room = ZSTD_compressBound(size);
    uint8_t *out = malloc(room);

    ZSTD_CCtx_setParameter(c, ZSTD_c_compressionLevel, 3);
    ZSTD_CCtx_setParameter(c, ZSTD_c_windowLog, 27);
    ZSTD_CCtx_setParameter(c, ZSTD_c_contentSizeFlag, 0);
    ZSTD_CCtx_setParameter(c, ZSTD_c_checksumFlag, 1);
    *ret_size = ZSTD_compress2(c, out, room, in, size);
    if (ZSTD_isError(*ret_size))
        errx(1, "zstd: %s", ZSTD_getErrorName(*ret_size));
    ZSTD_freeCCtx(c);
    return out;
}

int main(int argc, char **argv)
{
    uint32_t offset, length, unpacked;
    uint8_t *file, *kernel, *packed;
    size_t file_size, size;
    FILE *out;

    if (argc != 3)
        errx(1, "usage: repack IN OUT");
    file = read_file(argv[1], &file_size);
    memcpy(&offset, file + PAYLOAD_OFFSET, 4);
    memcpy(&length, file + PAYLOAD_LENGTH, 4);
    offset += (file[SETUP_SECTS] + 1) * 512;
    if (offset > file_size || length < 4 || length > file_size - offset)
        errx(1, "%s: no bzImage", argv[1]);
    memcpy(&unpacked, file + offset + length - 4, 4);
    kernel = unpack(file + offset, length - 4, unpacked);
    packed = pack(kernel, unpacked, &size);
    length = size + 4;
    memcpy(file + PAYLOAD_LENGTH, &length, 4);
    out = fopen(argv[2], "wb");
    if (!out || fwrite(file, 1, offset, out) != offset ||
        fwrite(packed, 1, size, out) != size ||
        fwrite(&unpacked, 1, 4, out) != 4 || fclose(out))
        err(1, "%s", argv[2]);
    free(file);
    free(kernel);
    free(packed);
    return 0;
}
