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

struct boot_framebuffer {
    paddr_t maddr;                   /* 0: none */
    uint32_t pitch, width, height;   /* pitch: bytes of a line */
    uint8_t bpp;
    uint8_t colour[6];               /* place and size of red, green, blue */
};

/* What the boot loader hands over. */
struct boot_info {
    char cmdline[BOOT_CMDLINE_MAX];
    paddr_t image_start, image_end;  /* where we are; set by the caller */
    struct e820_map memory;          /* as the firmware gave it */
    struct boot_module kernel, initrd;
    bool text_mode;                  /* the screen is VGA's 80x25 characters */
    struct boot_framebuffer fb;
    paddr_t efi_table;               /* the 64-bit system table; 0: no EFI */
    paddr_t efi_rsdp;                /* where it says that ACPI's root is */
    paddr_t rsdp;                    /* a copy of it; 0: it is to be searched */
};

/* n bytes of machine memory; NULL if they cannot be reached. */
typedef const void *boot_map_fn(paddr_t maddr, size_t n);

/*
 * multiboot.c: copy everything out of the loader's structures, whichever
 * multiboot it is.  NULL; else what is wrong with it ("gave no memory map"),
 * and *bi has what was read before.
 */
const char *multiboot_parse(uint32_t magic, paddr_t info, boot_map_fn *map,
                            struct boot_info *bi);
/* multiboot2.c: the same of multiboot 2; multiboot_parse checks the result. */
const char *multiboot2_parse(paddr_t info, boot_map_fn *map,
                             struct boot_info *bi);
/* For both, NULL or what is wrong: a command line of at most n bytes; a range
 * of the memory map; the next module, which is the kernel or the ramdisk. */
const char *boot_copy_cmdline(char *dst, const char *s, size_t n);
const char *boot_add_memory(struct boot_info *bi, uint64_t addr, uint64_t size,
                            uint32_t type);
const char *boot_add_module(struct boot_info *bi, paddr_t start, paddr_t end,
                            struct boot_module **ret_m);

/* options.c: set by the command line. */
extern char opt_console[32], opt_com1[64], opt_dom0_mem[64];
extern unsigned int opt_dom0_max_vcpus;
void parse_options(const char *cmdline);

/* memory.c: all of RAM into use; later the init sections too. */
void init_memory(const struct boot_info *bi);
void free_init(void);
/* A page of RAM below 1 MiB that nothing uses while CPUs start; 0: none. */
paddr_t low_page(void);

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

/* hosted.c: call a function that uses a library made for programs. */
bool hosted_call(bool (*fn)(void *arg), void *arg);

/*
 * dom0_build.c: after all CPUs run, create domain 0 as hardware_domain from
 * the boot modules, and leave it unpaused for the scheduler.  The modules'
 * memory belongs to the allocator afterwards.  Panics with a clear line when
 * it cannot.
 */
void dom0_build(const struct boot_info *bi);

#endif
