/*
 * Multiboot 2 (GNU GRUB's specification 2.0): one block of tags, each at a
 * multiple of 8.
 */
#include "boot/private.h"
#include "lib/string.h"

#define TAG_END           0
#define TAG_OLD_RSDP      14         /* each a copy of ACPI's root */
#define TAG_NEW_RSDP      15
#define MMAP_ENTRY_SIZE   24U
#define FB_RGB            1
#define FB_TEXT           2

struct mb2_tag {
    uint32_t type, size;             /* size: with these, without padding */
};

struct mb2_module {
    struct mb2_tag tag;
    uint32_t start, end;
    char cmdline[];
};

struct mb2_mmap {
    struct mb2_tag tag;
    uint32_t entry_size, version;
    char entries[];
};

struct mb2_framebuffer {
    struct mb2_tag tag;
    uint64_t maddr;
    uint32_t pitch, width, height;
    uint8_t bpp, kind;
    uint16_t pad;
    uint8_t colour[6];
} __packed;
_Static_assert(sizeof(struct mb2_framebuffer) == 38, "multiboot 2");

struct mb2_pointer {
    struct mb2_tag tag;
    uint64_t maddr;
};

static const char *take_cmdline(struct boot_info *bi, const void *p)
{
    const struct mb2_tag *t = p;

    return boot_copy_cmdline(bi->cmdline, (const char *)(t + 1),
                             t->size - sizeof(*t));
}

static const char *take_module(struct boot_info *bi, const void *p)
{
    const struct mb2_module *m = p;
    struct boot_module *to;
    const char *why = boot_add_module(bi, m->start, m->end, &to);

    return why ? why : boot_copy_cmdline(to->cmdline, m->cmdline,
                                         m->tag.size - sizeof(*m));
}

static const char *take_mmap(struct boot_info *bi, const void *p)
{
    const struct mb2_mmap *m = p;
    uint32_t left = m->tag.size - sizeof(*m);
    const char *at = m->entries, *why = NULL;

    if (m->entry_size < MMAP_ENTRY_SIZE || left % m->entry_size)
        return "gave a memory map that ends within a range";
    for (; !why && left; left -= m->entry_size, at += m->entry_size) {
        struct e820_entry e;

        memcpy(&e, at, sizeof(e));
        why = boot_add_memory(bi, e.addr, e.size, e.type);
    }
    return why;
}

static const char *take_framebuffer(struct boot_info *bi, const void *p)
{
    const struct mb2_framebuffer *f = p;

    bi->text_mode = f->kind == FB_TEXT;
    if (f->kind != FB_RGB || f->tag.size < sizeof(*f))
        return NULL;
    bi->fb = (struct boot_framebuffer){ .maddr = f->maddr, .pitch = f->pitch,
        .width = f->width, .height = f->height, .bpp = f->bpp };
    memcpy(bi->fb.colour, f->colour, sizeof(f->colour));
    return NULL;
}

static const char *take_efi_table(struct boot_info *bi, const void *p)
{
    const struct mb2_pointer *t = p;

    bi->efi_table = t->maddr;
    return NULL;
}

static const char *take_boot_services(struct boot_info *bi, const void *p)
{
    (void)bi;
    (void)p;
    return "has not ended EFI's boot services";
}

/* What is known of each type of tag, and how much of it there must be. */
static const struct {
    const char *(*take)(struct boot_info *bi, const void *tag);
    uint32_t min_size;
} kinds[] = {
    [1] = { take_cmdline, sizeof(struct mb2_tag) },
    [3] = { take_module, sizeof(struct mb2_module) },
    [6] = { take_mmap, sizeof(struct mb2_mmap) },
    [8] = { take_framebuffer, offsetof(struct mb2_framebuffer, colour) },
    [12] = { take_efi_table, sizeof(struct mb2_pointer) },
    [18] = { take_boot_services, sizeof(struct mb2_tag) },
};

const char *multiboot2_parse(paddr_t info, boot_map_fn *map,
                             struct boot_info *bi)
{
    const uint32_t *size = map(info, 2 * sizeof(*size));
    const char *block = size ? map(info, *size) : NULL, *why = NULL;

    if (!block)
        return "gave information that lies nowhere";
    for (size_t at = 8; !why; ) {
        const struct mb2_tag *t = (const void *)(block + at);

        if (at + sizeof(*t) > *size || t->size < sizeof(*t) ||
            t->size > *size - at)
            return "gave information that ends within a tag";
        if (t->type == TAG_END)
            return NULL;
        if (t->type == TAG_OLD_RSDP || t->type == TAG_NEW_RSDP)
            bi->rsdp = info + at + sizeof(*t);
        else if (t->type < ARRAY_SIZE(kinds) && kinds[t->type].take)
            why = t->size < kinds[t->type].min_size
                  ? "gave a tag that is too short"
                  : kinds[t->type].take(bi, t);
        at += (t->size + 7UL) & ~7UL;
    }
    return why;
}
