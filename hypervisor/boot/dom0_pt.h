/*
 * dom0's first address space: what lies where in its pseudo-physical memory,
 * and the page tables that map it.  Pure: tables are written through a
 * function that gives the address of a pseudo-physical frame.
 */
#ifndef BOOT_DOM0_PT_H
#define BOOT_DOM0_PT_H

#include "lib/types.h"
#include "x86/paging.h"

/* All in frames of pseudo-physical memory (pfn); virtual = base + pfn * 4096.
 * guest ABI: kernel, start_info, page tables, boot stack, and half a megabyte
 * of room mapped at base; the ramdisk and the p2m list behind it. */
struct dom0_layout {
    unsigned long virt_base, p2m_base;
    unsigned long nr_pages;              /* of the domain */
    unsigned long start_info;
    unsigned long pt, nr_pt;             /* L4 first; map [0, mapped_end) */
    unsigned long stack;
    unsigned long mapped_end;            /* multiple of 512 */
    unsigned long initrd, nr_initrd;
    unsigned long p2m, nr_p2m;           /* the list, then its tables */
    unsigned long nr_p2m_pt;             /* of nr_p2m: L3, L2, L1 tables */
    unsigned long end;                   /* first frame that is free */
};

/* Fill the layout in: from virt_base, p2m_base, nr_pages, nr_initrd and the
 * first frame behind the kernel.  -ENOMEM: nr_pages is too small; -EINVAL:
 * bases unaligned, or in the hypervisor's part of the address space. */
int dom0_layout(struct dom0_layout *l, unsigned long kernel_end);

/* How the tables are reached: a frame's machine number and its address. */
struct dom0_frames {
    mfn_t (*mfn)(void *data, unsigned long pfn);
    void *(*virt)(void *data, unsigned long pfn);
    void *data;
};

/* Write all tables (the frames are zero before).  Entries have the bits that
 * a validated guest entry has; tables are mapped read-only. */
void dom0_pt_fill(const struct dom0_layout *l, const struct dom0_frames *f);

#endif
