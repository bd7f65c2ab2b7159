/*
 * bzImage: find and unpack its payload (Linux, Documentation/x86/boot.rst).
 *
 * The unpacking is done by the distribution's liblzma, an ordinary library:
 * it wants malloc, a stack canary at %fs:40, SSE, constructors, and uses the
 * red zone below the stack pointer.  It runs once, at boot, with interrupts
 * off, and lies in the part of the image that is freed afterwards.
 */
#include "boot/private.h"
#include "lib/abi.h"
#include "lib/env.h"
#include "lib/string.h"
#include "mm/buddy.h"
#include "x86/cpu.h"

#define SETUP_SECTS     0x1f1
#define HEADER_MAGIC    0x202        /* "HdrS" */
#define BOOT_VERSION    0x206
#define PAYLOAD_OFFSET  0x248
#define PAYLOAD_LENGTH  0x24c
#define HEADER_END      0x250
#define MAX_UNPACKED    (1UL << 30)

/* <lzma.h>; its headers need a hosted compiler. */
extern int lzma_stream_buffer_decode(uint64_t *memlimit, uint32_t flags,
                                     const void *allocator,
                                     const uint8_t *in, size_t *in_pos,
                                     size_t in_size, uint8_t *out,
                                     size_t *out_pos, size_t out_size);

extern void (*const init_array_start[])(void), (*const init_array_end[])(void);

/* What the library sees of a C library. */
void *malloc(size_t size);
void *calloc(size_t n, size_t size);
void free(void *p);
void __stack_chk_fail(void);

__init void *malloc(size_t size)
{
    return kzalloc(size);
}

__init void *calloc(size_t n, size_t size)
{
    return size && n > MAX_UNPACKED / size ? NULL : kzalloc(n * size);
}

__init void free(void *p)
{
    kfree(p);
}

__init void __stack_chk_fail(void)
{
    panic("Stack overrun while unpacking the kernel.");
}

static __init uint32_t field(const uint8_t *p, size_t offset)
{
    uint32_t v;

    memcpy(&v, p + offset, sizeof(v));
    return v;
}

/* The payload of a bzImage and its size; NULL as bzimage_unpack. */
static __init const uint8_t *payload(const uint8_t *p, size_t size,
                                     size_t *ret_size, const char **ret_why)
{
    size_t offset, length;

    *ret_why = NULL;
    if (size < HEADER_END || memcmp(p + HEADER_MAGIC, "HdrS", 4))
        return NULL;
    *ret_why = "has a boot protocol older than 2.08";
    if ((field(p, BOOT_VERSION) & 0xffff) < 0x208)
        return NULL;
    offset = ((p[SETUP_SECTS] ? p[SETUP_SECTS] : 4) + 1) * 512UL +
             field(p, PAYLOAD_OFFSET);
    length = field(p, PAYLOAD_LENGTH);
    *ret_why = "is truncated";
    if (length < 8 || offset > size || length > size - offset)
        return NULL;
    *ret_why = "is packed in a way we do not know (only xz)";
    if (memcmp(p + offset, "\xfd" "7zXZ\0", 6))
        return NULL;
    *ret_size = length;
    *ret_why = NULL;
    return p + offset;
}

static __init int run_xz(const uint8_t *in, size_t in_size, uint8_t *out,
                         size_t out_size)
{
    static uint64_t tls[8];          /* [5]: the canary at %fs:40 */
    uint64_t limit = UINT64_MAX;
    size_t in_pos = 0, out_pos = 0;
    unsigned long flags = irq_save();
    int rc;

    wrmsr(MSR_FS_BASE, (unsigned long)tls);
    for (void (*const *fn)(void) = init_array_start; fn < init_array_end; fn++)
        (*fn)();
    rc = lzma_stream_buffer_decode(&limit, 0, NULL, in, &in_pos, in_size, out,
                                   &out_pos, out_size);
    wrmsr(MSR_FS_BASE, 0);
    irq_restore(flags);
    return out_pos == out_size ? rc : -EINVAL;
}

__init void *bzimage_unpack(const void *data, size_t size, size_t *ret_size,
                            const char **ret_why)
{
    size_t packed, unpacked;
    const uint8_t *p = payload(data, size, &packed, ret_why);
    void *dst;

    if (!p)
        return NULL;
    unpacked = field(p, packed - 4);
    *ret_why = "is damaged: its unpacked size makes no sense";
    if (!unpacked || unpacked > MAX_UNPACKED)
        return NULL;
    *ret_why = "finds no memory to be unpacked";
    dst = kzalloc(unpacked);
    if (!dst)
        return NULL;
    *ret_why = "is damaged: its payload does not unpack";
    if (run_xz(p, packed - 4, dst, unpacked)) {
        kfree(dst);
        return NULL;
    }
    *ret_why = NULL;
    *ret_size = unpacked;
    return dst;
}
