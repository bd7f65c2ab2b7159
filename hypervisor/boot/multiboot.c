/*
 * Multiboot 1 (GNU GRUB's specification 0.6.96).
 */
#include "boot/private.h"
#include "lib/env.h"
#include "lib/string.h"
#include "mm/frame_table.h"

#define MULTIBOOT_MAGIC   0x2badb002
#define MAX_MODULES       2

/* Bits of flags: which fields are valid. */
#define MBI_CMDLINE       0x004
#define MBI_MODULES       0x008
#define MBI_MMAP          0x040
#define MBI_LOADER        0x200

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

/* GRUB 2 strips the file's name from command lines, others leave it. */
static void copy_cmdline(char *dst, uint32_t maddr, bool has_name)
{
    const char *s = maddr_to_virt(maddr);

    if (has_name) {
        while (*s && *s != ' ')
            s++;
    }
    while (*s == ' ')
        s++;
    strlcpy(dst, s, BOOT_CMDLINE_MAX);
}

static void parse_memory(const struct mb_info *mbi, struct e820_map *map)
{
    paddr_t at = mbi->mmap, end = at + mbi->mmap_length;

    while (at < end && map->nr < E820_MAX) {
        const struct mb_mmap *m = maddr_to_virt(at);

        map->e[map->nr++] = (struct e820_entry){ m->addr, m->length, m->type };
        at += m->size + sizeof(m->size);
    }
    e820_sanitize(map);
}

void multiboot_parse(uint32_t magic, paddr_t mbi_maddr, struct boot_info *bi)
{
    const struct mb_info *mbi = maddr_to_virt(mbi_maddr);
    struct boot_module *dst[MAX_MODULES] = { &bi->kernel, &bi->initrd };
    bool has_name = true;

    if (magic != MULTIBOOT_MAGIC)
        panic("Not started by a multiboot loader (magic %#x)", magic);
    if (mbi->flags & MBI_LOADER) {
        const char *name = maddr_to_virt(mbi->loader_name);

        has_name = strncmp(name, "GRUB", 4) || !strncmp(name, "GRUB 0", 6);
    }
    if (mbi->flags & MBI_CMDLINE)
        copy_cmdline(bi->cmdline, mbi->cmdline, has_name);
    if (mbi->flags & MBI_MMAP)
        parse_memory(mbi, &bi->memory);
    if (!(mbi->flags & MBI_MODULES))
        return;
    for (unsigned int i = 0; i < MIN(mbi->nr_modules, MAX_MODULES); i++) {
        const struct mb_module *m = maddr_to_virt(mbi->modules) +
                                    i * sizeof(*m);

        dst[i]->start = m->start;
        dst[i]->end = m->end;
        if (m->cmdline)
            copy_cmdline(dst[i]->cmdline, m->cmdline, has_name);
    }
}
