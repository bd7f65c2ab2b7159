/*
 * What the boot loader hands over.
 */
#ifndef BOOT_MULTIBOOT_H
#define BOOT_MULTIBOOT_H

#include "lib/types.h"
#include "drivers/e820.h"

#define BOOT_CMDLINE_MAX 1024

struct boot_module {
    paddr_t start, end;              /* end: the byte behind it; 0: none */
    char cmdline[BOOT_CMDLINE_MAX];  /* without the file's name */
};

struct boot_info {
    char cmdline[BOOT_CMDLINE_MAX];
    struct e820_map memory;          /* as the firmware gave it */
    struct boot_module kernel, initrd;
};

/* Copy everything out of the loader's structures (below 4 GiB). What is
 * missing stays empty; panic if the loader is none of multiboot. */
void multiboot_parse(uint32_t magic, paddr_t mbi, struct boot_info *bi);

#endif
