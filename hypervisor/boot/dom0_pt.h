/*
 * dom0's first address space: what lies where in its pseudo-physical memory,
 * and the page tables that map it.
 */
#ifndef BOOT_DOM0_PT_H
#define BOOT_DOM0_PT_H

#include "lib/types.h"
#include "x86/paging.h"

/*
 * All in frames of pseudo-physical memory (pfn).  Mapped at virt_base, in this
 * order: kernel, what of ramdisk and p2m list it wants mapped, start_info,
 * page tables, boot stack, half a megabyte of room.  Behind that: the
 * ramdisk, and the p2m list with the tables that map it at p2m_base.
 */
struct dom0_layout {
    /* Given. */
    unsigned long virt_base, p2m_base;
    unsigned long nr_pages;              /* of the domain */
    unsigned long nr_initrd;
    bool initrd_mapped;                  /* kernel has no MOD_START_PFN */
    bool p2m_mapped;                     /* kernel has no INIT_P2M */
    /* Found; p2m_base too if p2m_mapped. */
    unsigned long initrd, start_info, stack;
    unsigned long pt, nr_pt;             /* level 4 first */
    unsigned long mapped_end;            /* multiple of 512 */
    unsigned long p2m, nr_p2m;           /* the list, then its tables */
    unsigned long end;                   /* first frame that is free */
};

/* Fill the layout in, behind the kernel's last frame.  -ENOMEM: nr_pages is
 * too small; -EINVAL: a base is not aligned to 2 MiB, or it leads into the
 * hypervisor's part of the address space. */
int dom0_layout(struct dom0_layout *l, unsigned long kernel_end);

/* The machine frame of a pseudo-physical one. */
typedef mfn_t pfn_to_mfn_fn(unsigned long pfn);

/* Write all tables, as a guest would: the frames from pt on and behind the
 * p2m list are zero before.  Tables are mapped read-only. */
void dom0_pt_fill(const struct dom0_layout *l, pfn_to_mfn_fn *pfn_to_mfn);

#endif
