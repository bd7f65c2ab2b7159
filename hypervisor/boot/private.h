/*
 * The steps of the start, for main.c.
 */
#ifndef BOOT_PRIVATE_H
#define BOOT_PRIVATE_H

#include "drivers/e820.h"

#define BOOT_CMDLINE_MAX 1024

struct boot_module {
    paddr_t start, end;              /* end: the byte behind it; 0: none */
    char cmdline[BOOT_CMDLINE_MAX];  /* without the file's name */
};

/* What the boot loader hands over. */
struct boot_info {
    char cmdline[BOOT_CMDLINE_MAX];
    struct e820_map memory;          /* as the firmware gave it */
    struct boot_module kernel, initrd;
};

/* multiboot.c: copy everything out of the loader's structures (below 4 GiB).
 * What is missing stays empty; panic if the loader is none of multiboot. */
void multiboot_parse(uint32_t magic, paddr_t mbi, struct boot_info *bi);

/* options.c: set by the command line. */
extern char opt_console[32], opt_com1[64], opt_dom0_mem[64];
extern unsigned int opt_dom0_max_vcpus;
void parse_options(const char *cmdline);

/* memory.c: all of RAM into use; later the init sections too. */
void init_memory(const struct boot_info *bi);
void free_init(void);

/* platform.c: APICs and the old interrupts; clocks. */
void init_interrupts(void);
void init_time(void);
/* Without a stable TSC: correct every CPU's clock from now on. */
void follow_time(void);

/* smpboot.c: the CPUs that ACPI names, one after the other.  Each ends in
 * idle_loop(); one that does not answer is left out with a warning. */
void smp_start_others(void);

/*
 * decompress.c: the vmlinux of a bzImage, for kfree.  NULL with *ret_why NULL:
 * data is no bzImage (perhaps an ELF file); NULL with a line in *ret_why: it
 * is damaged, or packed in a way we do not know.
 */
void *bzimage_unpack(const void *data, size_t size, size_t *ret_size,
                     const char **ret_why);

/*
 * dom0_build.c: after all CPUs run, create domain 0 as hardware_domain from
 * the boot modules, and leave it unpaused for the scheduler.  The modules'
 * memory belongs to the allocator afterwards.  Panics with a clear line when
 * it cannot.
 */
void dom0_build(const struct boot_info *bi);

#endif
