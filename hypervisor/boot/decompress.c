/*
 * bzImage: find and unpack its payload (Linux, Documentation/x86/boot.rst).
 *
 * The unpacking is done by the distribution's liblzma, an ordinary library:
 * it wants malloc, a stack canary at %fs:40, SSE, constructors, and uses the
 * red zone below the stack pointer.  It runs once, at boot, with interrupts
 * off, and lies in the part of the image that is freed afterwards.
 */
#include "boot/decompress.h"
#include "lib/abi.h"
#include "lib/env.h"
#include "lib/string.h"
#include "mm/buddy.h"
#include "mm/frame_table.h"
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

/* What the library sees of a C library: few blocks, most of them large. */
static struct {
    void *p;
    unsigned int order;
} blocks[32];

void *malloc(size_t size);
void *calloc(size_t n, size_t size);
void free(void *p);
void __stack_chk_fail(void);

static void *block_alloc(size_t size, unsigned int flags)
{
    unsigned int order = 0;
    struct page_info *pg;

    while ((PAGE_SIZE << order) < size)
        order++;
    for (unsigned int i = 0; i < ARRAY_SIZE(blocks); i++) {
        if (blocks[i].p)
            continue;
        pg = frames_alloc(order, 0, flags);
        if (!pg)
            return NULL;
        blocks[i].p = page_to_virt(pg);
        blocks[i].order = order;
        return blocks[i].p;
    }
    return NULL;
}

__init void *malloc(size_t size)
{
    return block_alloc(size, ALLOC_DIRTY);
}

__init void *calloc(size_t n, size_t size)
{
    return size && n > MAX_UNPACKED / size
           ? NULL : block_alloc(n * size, ALLOC_ZERO);
}

__init void free(void *p)
{
    for (unsigned int i = 0; p && i < ARRAY_SIZE(blocks); i++) {
        if (blocks[i].p == p) {
            frames_free(mfn_to_page(virt_to_mfn(p)), blocks[i].order);
            blocks[i].p = NULL;
        }
    }
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

/* The payload of a bzImage and its size; NULL as bzimage_unpacked_size. */
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

__init size_t bzimage_unpacked_size(const void *data, size_t size,
                                    const char **ret_why)
{
    size_t packed, unpacked;
    const uint8_t *p = payload(data, size, &packed, ret_why);

    if (!p)
        return 0;
    unpacked = field(p, packed - 4);
    if (unpacked && unpacked <= MAX_UNPACKED)
        return unpacked;
    *ret_why = "is damaged: its unpacked size makes no sense";
    return 0;
}

static __init int run_xz(const uint8_t *in, size_t in_size, uint8_t *out,
                         size_t out_size, size_t *ret_size)
{
    uint64_t limit = UINT64_MAX;
    size_t in_pos = 0;
    static bool constructed;

    if (!constructed)
        for (void (*const *fn)(void) = init_array_start; fn < init_array_end;
             fn++)
            (*fn)();
    constructed = true;
    *ret_size = 0;
    return lzma_stream_buffer_decode(&limit, 0, NULL, in, &in_pos, in_size,
                                     out, ret_size, out_size);
}

__init const char *bzimage_unpack(const void *data, size_t size, void *dst)
{
    static uint64_t tls[8];          /* [5]: the canary at %fs:40 */
    size_t packed, room, unpacked;
    const char *why;
    const uint8_t *p = payload(data, size, &packed, &why);
    unsigned long flags, cr0, cr4;
    uint64_t fs;
    int rc;

    if (!p)
        return why ? why : "is no bzImage";
    room = field(p, packed - 4);
    flags = irq_save();
    cr0 = read_cr0();
    cr4 = read_cr4();
    fs = rdmsr(MSR_FS_BASE);
    write_cr0(cr0 & ~(unsigned long)(CR0_TS | CR0_EM));
    write_cr4(cr4 | CR4_OSFXSR);
    wrmsr(MSR_FS_BASE, (unsigned long)tls);
    rc = run_xz(p, packed - 4, dst, room, &unpacked);
    wrmsr(MSR_FS_BASE, fs);
    write_cr4(cr4);
    write_cr0(cr0);
    irq_restore(flags);
    return rc || unpacked != room ? "is damaged: its payload does not unpack"
                                  : NULL;
}
