/*
 * Boot: memory for the allocator and maps of all of it.
 *
 * Until the frame table stands, memory is taken from the end of the highest
 * range that is reachable: below 4 GiB on the first page tables, anywhere
 * once the new ones are loaded.
 */
#include "drivers/e820.h"
#include "domain/domain.h"
#include "lib/env.h"
#include "lib/string.h"
#include "mm/buddy.h"
#include "mm/frame_table.h"
#include "mm/pagetable.h"
#include "mm/private.h"
#include "x86/cpu.h"
#include "x86/image.h"

#define SIZE_2M        0x200000UL
#define SIZE_1G        0x40000000UL
#define LARGE_FLAGS    (PTE_PRESENT | PTE_RW | PTE_ACCESSED | PTE_DIRTY | \
                        PTE_PSE | PTE_NX)

static struct e820_map boot_ram __initdata;      /* not yet given away */
static paddr_t boot_limit __initdata = 1UL << 32;
static bool boot_done;

static paddr_t __init boot_alloc(unsigned long size)
{
    unsigned int i = boot_ram.nr;

    while (i--) {
        struct e820_entry *e = &boot_ram.e[i];
        paddr_t end = MIN(e->addr + e->size, boot_limit), at;

        at = (end - size) & ~(size - 1);
        if (e->type != E820_RAM || end < size || at < e->addr)
            continue;
        /* What is above it, for alignment's sake, stays unused: the highest
         * range first, and sizes are few. */
        if (at + size < e->addr + e->size && boot_ram.nr < E820_MAX) {
            boot_ram.e[boot_ram.nr++] = (struct e820_entry){
                at + size, e->addr + e->size - at - size, E820_RAM };
        }
        e->size = at - e->addr;
        memset(maddr_to_virt(at), 0, size);
        return at;
    }
    panic("Not enough memory to start");
}

void *hv_table_alloc(void)
{
    return boot_done ? hv_page_alloc() : maddr_to_virt(boot_alloc(PAGE_SIZE));
}

/* Ranges of memory, rounded to the large pages that hold them. */
static void __init map_direct(const struct e820_map *machine)
{
    paddr_t next = 0, at, end;
    unsigned int i;

    for (i = 0; i < machine->nr; i++) {
        const struct e820_entry *e = &machine->e[i];

        if (e->type != E820_RAM && e->type != E820_ACPI &&
            e->type != E820_NVS)
            continue;
        at = MAX(next, e->addr & ~(SIZE_2M - 1));
        end = MIN((e->addr + e->size + SIZE_2M - 1) & ~(SIZE_2M - 1),
                  DIRECTMAP_SIZE);
        while (at < end) {
            bool huge = cpu_features.page1g && !(at & (SIZE_1G - 1)) &&
                        at + SIZE_1G <= end;

            hv_set_entry(DIRECTMAP_START + at, huge ? 3 : 2, at | LARGE_FLAGS);
            at += huge ? SIZE_1G : SIZE_2M;
        }
        next = MAX(next, end);
    }
}

static uint64_t __init image_rights(const char *p)
{
    uint64_t flags = PTE_PRESENT | PTE_ACCESSED;

    if ((p >= text_start && p < text_end) ||
        (p >= entry_text_start && p < entry_text_end))
        return flags;
    if (p >= rodata_start && p < rodata_end)
        return flags | PTE_NX;
    flags |= PTE_RW | PTE_DIRTY;
    if (p >= init_start && p < init_end)
        return flags;                /* code and data, freed after the boot */
    return flags | PTE_NX;
}

/* The image with its rights; what is not writable there is not writable in
 * the direct map either. */
static void __init map_image(void)
{
    char *p = (char *)((unsigned long)image_start & PAGE_MASK);

    for (; p < image_end; p += PAGE_SIZE) {
        uint64_t rights = image_rights(p);
        paddr_t maddr = image_maddr(p);

        hv_set_entry((unsigned long)p, 1, maddr | rights);
        if (!(rights & PTE_RW))
            hv_set_entry(DIRECTMAP_START + maddr, 1, maddr | rights | PTE_NX);
    }
}

/* Range i of the map: the frames [*first, *end) that are RAM, and mapped. */
static bool __init ram_frames(const struct e820_map *map, unsigned int i,
                              mfn_t *first, mfn_t *end)
{
    const struct e820_entry *e = &map->e[i];

    *first = PFN_UP(e->addr);
    *end = PFN_DOWN(MIN(e->addr + e->size, DIRECTMAP_SIZE));
    return e->type == E820_RAM && *first < *end;
}

static void __init build_frame_table(const struct e820_map *machine)
{
    unsigned long at;
    mfn_t mfn, end;
    unsigned int i;

    for (i = 0; i < machine->nr; i++)
        if (ram_frames(machine, i, &mfn, &end)) {
            max_mfn = MAX(max_mfn, end - 1);
            total_frames += end - mfn;
        }
    for (at = 0; at < (max_mfn + 1) * sizeof(struct page_info); at += SIZE_2M)
        hv_set_entry(FRAME_TABLE_START + at, 2,
                     boot_alloc(SIZE_2M) | LARGE_FLAGS);
    frame_table = (struct page_info *)FRAME_TABLE_START;
    for (mfn = 0; mfn <= max_mfn; mfn++)
        frame_table[mfn] = (struct page_info){
            .count = PGC_NOT_RAM, .owner = DOMID_INVALID,
            .next = NO_FRAME, .prev = NO_FRAME };
    for (i = 0; i < machine->nr; i++)
        if (ram_frames(machine, i, &mfn, &end))
            while (mfn < end)
                frame_table[mfn++].count = 0;
}

/* Both views of the M2P; its frames can be mapped read-only as DOMID_XEN's. */
static void __init build_m2p(void)
{
    unsigned long size = (max_mfn + 1) * sizeof(unsigned long), at;

    for (at = 0; at < size; at += SIZE_2M) {
        paddr_t maddr = boot_alloc(SIZE_2M);

        memset(maddr_to_virt(maddr), 0xff, SIZE_2M);
        hv_set_entry(RW_M2P_START + at, 2, maddr | LARGE_FLAGS);
        hv_set_entry(RO_M2P_START + at, 2,
                     maddr | (LARGE_FLAGS & ~PTE_RW) | PTE_USER);
        for (mfn_t mfn = PFN_DOWN(maddr); mfn < PFN_DOWN(maddr + SIZE_2M);
             mfn++)
            page_share(mfn_to_page(mfn), dom_xen, false);
    }
}

void __init mm_init(const struct e820_map *machine,
                    const struct e820_map *usable)
{
    mfn_t first, end;

    boot_ram = *usable;
    idle_root = PFN_DOWN(boot_alloc(PAGE_SIZE));
    map_direct(machine);
    map_image();
    write_cr3(idle_root << PAGE_SHIFT);
    boot_limit = DIRECTMAP_SIZE;
    build_frame_table(machine);
    build_m2p();
    boot_done = true;
    for (unsigned int i = 0; i < boot_ram.nr; i++)
        if (ram_frames(&boot_ram, i, &first, &end))
            frames_add(first, end - 1);
}
