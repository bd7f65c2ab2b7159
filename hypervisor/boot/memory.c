#include "boot/private.h"
#include "drivers/e820.h"
#include "lib/env.h"
#include "mm/buddy.h"
#include "mm/pagetable.h"
#include "x86/image.h"
#include "x86/percpu.h"
#include "x86/tlb.h"

#define LOW_MEMORY_END   0x100000UL

/* RAM that the allocator may have: all but what is in use now. */
static void __init find_usable(const struct boot_info *bi,
                               struct e820_map *usable)
{
    const struct boot_module *mods[] = { &bi->kernel, &bi->initrd };

    *usable = machine_e820;
    e820_change(usable, 0, LOW_MEMORY_END, 0);
    e820_change(usable, bi->image_start, bi->image_end, 0);
    for (unsigned int i = 0; i < ARRAY_SIZE(mods); i++)
        e820_change(usable, mods[i]->start & PAGE_MASK,
                    (mods[i]->end + PAGE_SIZE - 1) & PAGE_MASK, 0);
}

void __init init_memory(const struct boot_info *bi)
{
    static struct e820_map usable __initdata;

    machine_e820 = bi->memory;
    for (unsigned int i = 0; i < machine_e820.nr; i++) {
        const struct e820_entry *e = &machine_e820.e[i];

        printk(LOG_INFO, "  %016lx - %016lx  type %u\n", e->addr,
               e->addr + e->size, e->type);
    }
    find_usable(bi, &usable);
    mm_init(&machine_e820, &usable);
    hv_unmap(((unsigned long)this_percpu() & ~(PERCPU_SIZE - 1)) +
             PERCPU_GUARD);
}

/* The first page has the BIOS's data; nothing below 1 MiB is ours, nor a
 * module, so any other will do. */
paddr_t low_page(void)
{
    for (paddr_t at = PAGE_SIZE; at < LOW_MEMORY_END; at += PAGE_SIZE)
        if (e820_type(&machine_e820, at) == E820_RAM &&
            e820_type(&machine_e820, at + PAGE_SIZE - 1) == E820_RAM)
            return at;
    return 0;
}

void free_init(void)
{
    init_freed = true;
    for (char *va = init_start; va < init_end; va += PAGE_SIZE)
        hv_unmap((unsigned long)va);
    tlb_flush_mask(cpu_online_mask, FLUSH_ALL);
    frames_add(PFN_DOWN(image_maddr(init_start)),
               PFN_DOWN(image_maddr(init_end)) - 1);
}
