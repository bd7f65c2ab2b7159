/*
 * Build the first domain from the boot modules.
 */
#ifndef BOOT_DOM0_BUILD_H
#define BOOT_DOM0_BUILD_H

#include "lib/types.h"

/* Module memory is page-aligned RAM that the allocator does not have yet. */
struct dom0_params {
    paddr_t kernel, initrd;
    size_t kernel_size, initrd_size;     /* initrd_size 0: none */
    const char *cmdline;                 /* for the kernel */
    const char *mem;                     /* option dom0_mem: "1024M",
                                            "min:..,max:.."; NULL: most RAM */
    unsigned int max_vcpus;              /* option; 0: one per CPU */
};

/*
 * After all CPUs run: create domain 0 as hardware_domain, fill its memory, and
 * leave it unpaused for the scheduler.  The modules' memory belongs to dom0 or
 * the allocator afterwards.  Panics with a clear line when it cannot.
 */
void dom0_build(const struct dom0_params *p);

#endif
