/*
 * bzImage: find and unpack its payload (Linux, Documentation/x86/boot.rst).
 * The unpacking is done by the distribution's libraries.
 */
#include "boot/private.h"
#include "lib/string.h"
#include "mm/buddy.h"

#define SETUP_SECTS     0x1f1
#define HEADER_MAGIC    0x202        /* "HdrS" */
#define BOOT_VERSION    0x206
#define PAYLOAD_OFFSET  0x248
#define PAYLOAD_LENGTH  0x24c
#define HEADER_END      0x250
#define MAX_UNPACKED    (1UL << 30)

/* A payload, without the size that ends it, and where it goes. */
struct packed {
    const uint8_t *in;
    size_t in_size;
    uint8_t *out;
    size_t out_size;
};

/* <lzma.h>, <zstd.h>; they need a hosted compiler. */
extern int lzma_stream_buffer_decode(uint64_t *memlimit, uint32_t flags,
                                     const void *allocator,
                                     const uint8_t *in, size_t *in_pos,
                                     size_t in_size, uint8_t *out,
                                     size_t *out_pos, size_t out_size);
extern size_t ZSTD_decompress(void *dst, size_t dst_size, const void *src,
                              size_t src_size);

static __init bool run_xz(void *arg)
{
    const struct packed *p = arg;
    uint64_t limit = UINT64_MAX;
    size_t in_pos = 0, out_pos = 0;

    return !lzma_stream_buffer_decode(&limit, 0, NULL, p->in, &in_pos,
                                      p->in_size, p->out, &out_pos,
                                      p->out_size) && out_pos == p->out_size;
}

static __init bool run_zstd(void *arg)
{
    const struct packed *p = arg;

    return ZSTD_decompress(p->out, p->out_size, p->in, p->in_size) ==
           p->out_size;
}

/* By the bytes that a payload begins with. */
static const struct {
    const char *magic;
    bool (*run)(void *arg);
} kinds[] = {
    { "\xfd" "7zXZ", run_xz },
    { "\x28\xb5\x2f\xfd", run_zstd },
};

static __init uint32_t field(const uint8_t *p, size_t offset)
{
    uint32_t v;

    memcpy(&v, p + offset, sizeof(v));
    return v;
}

/* Where the payload of a bzImage is; false as bzimage_unpack. */
static __init bool find_payload(const uint8_t *p, size_t size,
                                struct packed *ret, const char **ret_why)
{
    size_t offset, length;

    *ret_why = NULL;
    if (size < HEADER_END || memcmp(p + HEADER_MAGIC, "HdrS", 4))
        return false;
    *ret_why = "has a boot protocol older than 2.08";
    if ((field(p, BOOT_VERSION) & 0xffff) < 0x208)
        return false;
    offset = ((p[SETUP_SECTS] ? p[SETUP_SECTS] : 4) + 1) * 512UL +
             field(p, PAYLOAD_OFFSET);
    length = field(p, PAYLOAD_LENGTH);
    *ret_why = "is truncated";
    if (length < 8 || offset > size || length > size - offset)
        return false;
    ret->in = p + offset;
    ret->in_size = length - 4;
    ret->out_size = field(ret->in, ret->in_size);
    *ret_why = "is damaged: its unpacked size makes no sense";
    return ret->out_size && ret->out_size <= MAX_UNPACKED;
}

static __init bool unpack(struct packed *p)
{
    for (unsigned int i = 0; i < ARRAY_SIZE(kinds); i++) {
        size_t n = strlen(kinds[i].magic);

        if (p->in_size >= n && !memcmp(p->in, kinds[i].magic, n))
            return hosted_call(kinds[i].run, p);
    }
    return false;
}

__init void *bzimage_unpack(const void *data, size_t size, size_t *ret_size,
                            const char **ret_why)
{
    struct packed p;

    if (!find_payload(data, size, &p, ret_why))
        return NULL;
    *ret_why = "finds no memory to be unpacked";
    p.out = kzalloc(p.out_size);
    if (!p.out)
        return NULL;
    *ret_why = "does not unpack: it is damaged, or neither xz nor zstd";
    if (!unpack(&p)) {
        kfree(p.out);
        return NULL;
    }
    *ret_why = NULL;
    *ret_size = p.out_size;
    return p.out;
}
