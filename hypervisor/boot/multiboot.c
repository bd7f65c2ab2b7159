/*
 * What the boot loader hands over, by either multiboot.  Of the two, the first
 * is here (GNU GRUB's specification 0.6.96).
 */
#include "boot/private.h"
#include "lib/string.h"

#define MULTIBOOT_MAGIC   0x2badb002
#define MULTIBOOT2_MAGIC  0x36d76289
#define TEXT_MAX          (2 * BOOT_CMDLINE_MAX)
#define LOW_MEMORY_END    0x100000UL

/* Bits of flags: which fields are valid. */
#define MBI_CMDLINE       0x004
#define MBI_MODULES       0x008
#define MBI_MMAP          0x040
#define MBI_LOADER        0x200

/* The BIOS's data area has the number of the video mode. */
#define BDA_VIDEO_MODE    0x449
#define MODE_TEXT_80      3

struct mb_info {
    uint32_t flags, mem_lower, mem_upper, boot_device, cmdline;
    uint32_t nr_modules, modules;
    uint32_t syms[4];
    uint32_t mmap_length, mmap, drives_length, drives, config_table;
    uint32_t loader_name;
};
_Static_assert(offsetof(struct mb_info, loader_name) == 64, "multiboot");

struct mb_module {
    uint32_t start, end, cmdline, pad;
};

struct mb_mmap {
    uint32_t size;                   /* of what follows */
    uint64_t addr, length;
    uint32_t type;
} __packed;

const char *boot_copy_cmdline(char *dst, const char *s, size_t n)
{
    size_t len = 0;

    for (; n && *s == ' '; n--)
        s++;
    while (len < n && s[len])
        len++;
    if (len >= BOOT_CMDLINE_MAX)
        return "gave a command line of more than 1023 bytes";
    memcpy(dst, s, len);
    dst[len] = '\0';
    return NULL;
}

const char *boot_add_memory(struct boot_info *bi, uint64_t addr, uint64_t size,
                            uint32_t type)
{
    struct e820_map *map = &bi->memory;

    if (!size)
        return NULL;
    if (map->nr == E820_MAX)
        return "gave a memory map of more than 128 ranges";
    if (type < E820_RAM || type > E820_UNUSABLE)
        type = E820_RESERVED;        /* GRUB: 20 for EFI's runtime code */
    map->e[map->nr++] = (struct e820_entry){ addr, size, type };
    return NULL;
}

const char *boot_add_module(struct boot_info *bi, paddr_t start, paddr_t end,
                            struct boot_module **ret_m)
{
    struct boot_module *m = bi->kernel.end ? &bi->initrd : &bi->kernel;

    if (m->end)
        return "loaded a third module; there is use for a kernel and a ramdisk";
    if (end <= start)
        return "loaded an empty module";
    m->start = start;
    m->end = end;
    *ret_m = m;
    return NULL;
}

/* GRUB 2 strips the file's name from command lines, others leave it. */
static const char *copy_text(char *dst, uint32_t maddr, bool has_name,
                             boot_map_fn *map)
{
    const char *s = map(maddr, TEXT_MAX), *end = s + TEXT_MAX;

    if (!s)
        return "gave a command line that lies nowhere";
    while (has_name && s < end && *s && *s != ' ')
        s++;
    return boot_copy_cmdline(dst, s, end - s);
}

static const char *parse_memory(const struct mb_info *mbi, boot_map_fn *map,
                                struct boot_info *bi)
{
    const char *at = map(mbi->mmap, mbi->mmap_length), *why = NULL;
    const char *end = at + mbi->mmap_length;

    while (!why && at && at < end) {
        const struct mb_mmap *m = (const void *)at;

        if (end - at < (long)sizeof(*m) || m->size < sizeof(*m) - 4)
            return "gave a memory map that ends within a range";
        why = boot_add_memory(bi, m->addr, m->length, m->type);
        at += m->size + sizeof(m->size);
    }
    return why;
}

static const char *parse_modules(const struct mb_info *mbi, bool has_name,
                                 boot_map_fn *map, struct boot_info *bi)
{
    const char *why = NULL;

    for (unsigned int i = 0; !why && i < mbi->nr_modules; i++) {
        const struct mb_module *m = map(mbi->modules + i * sizeof(*m),
                                        sizeof(*m));
        struct boot_module *to;

        if (!m)
            return "gave a list of modules that lies nowhere";
        why = boot_add_module(bi, m->start, m->end, &to);
        if (!why && m->cmdline)
            why = copy_text(to->cmdline, m->cmdline, has_name, map);
    }
    return why;
}

static const char *multiboot1_parse(paddr_t info, boot_map_fn *map,
                                    struct boot_info *bi)
{
    const struct mb_info *mbi = map(info, sizeof(*mbi));
    const uint8_t *mode = map(BDA_VIDEO_MODE, 1);
    const char *name, *why = NULL;
    bool has_name = true;

    if (!mbi)
        return "gave information that lies nowhere";
    bi->text_mode = mode && *mode == MODE_TEXT_80;
    if (mbi->flags & MBI_LOADER) {
        name = map(mbi->loader_name, 7);
        has_name = !name || strncmp(name, "GRUB", 4) ||
                   !strncmp(name, "GRUB 0", 6);
    }
    if (mbi->flags & MBI_CMDLINE)
        why = copy_text(bi->cmdline, mbi->cmdline, has_name, map);
    if (!why && mbi->flags & MBI_MMAP)
        why = parse_memory(mbi, map, bi);
    if (!why && mbi->flags & MBI_MODULES)
        why = parse_modules(mbi, has_name, map, bi);
    return why;
}

/* Pages that start and end share are no module's alone. */
static bool apart(paddr_t start, paddr_t end, paddr_t other, paddr_t other_end)
{
    return PFN_UP(end) <= PFN_DOWN(other) ||
           PFN_UP(other_end) <= PFN_DOWN(start);
}

static bool in_ram(const struct e820_map *map, paddr_t start, paddr_t end)
{
    for (unsigned int i = 0; i < map->nr; i++)
        if (map->e[i].type == E820_RAM && start >= map->e[i].addr &&
            end - map->e[i].addr <= map->e[i].size)
            return true;
    return false;
}

static const char *check_module(const struct boot_info *bi,
                                const struct boot_module *m)
{
    if (!m->end)
        return NULL;
    if (m->start & ~PAGE_MASK)
        return "loaded a module that does not begin at a page";
    if (m->start < LOW_MEMORY_END || !in_ram(&bi->memory, m->start, m->end))
        return "loaded a module outside of RAM";
    if (!apart(m->start, m->end, bi->image_start, bi->image_end))
        return "loaded a module over the hypervisor";
    return NULL;
}

static const char *check(struct boot_info *bi)
{
    const char *why;

    if (!bi->memory.nr)
        return "gave no memory map";
    e820_sanitize(&bi->memory);
    why = check_module(bi, &bi->kernel);
    if (!why)
        why = check_module(bi, &bi->initrd);
    if (!why && bi->initrd.end && !apart(bi->kernel.start, bi->kernel.end,
                                         bi->initrd.start, bi->initrd.end))
        why = "loaded a module over another";
    return why;
}

const char *multiboot_parse(uint32_t magic, paddr_t info, boot_map_fn *map,
                            struct boot_info *bi)
{
    const char *why = magic == MULTIBOOT_MAGIC
                      ? multiboot1_parse(info, map, bi)
                      : magic == MULTIBOOT2_MAGIC
                      ? multiboot2_parse(info, map, bi)
                      : "is none of multiboot";

    return why ? why : check(bi);
}
