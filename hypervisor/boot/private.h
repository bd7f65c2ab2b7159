/*
 * The steps of the start, for main.c.
 */
#ifndef BOOT_PRIVATE_H
#define BOOT_PRIVATE_H

#include "boot/multiboot.h"

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

#endif
