/*
 * The address map of the hypervisor: PML4 slots 256 to 271, which the guest
 * ABI keeps free for it (<xen/arch-x86/xen-x86_64.h>).
 *
 *  slot  address             size    what                        guest access
 *  256   0xffff800000000000  256 G   machine-to-physical table   read
 *  257   0xffff808000000000  512 G   window of the domain: GDT   by the CPU
 *                                    and LDT of each vcpu
 *  258   0xffff810000000000  256 G   the same table, writable    none
 *  259   0xffff818000000000  512 G   frame table                 none
 *  260   0xffff820000000000    1 G   image; CPUs' stacks         none
 *        0xffff820040000000    1 G   entry pages, one block a CPU none
 *        0xffff820080000000    2 G   I/O memory (ioremap)        none
 *  261                               empty
 *  262   0xffff830000000000    5 T   direct map: the limit of RAM none
 */
#ifndef X86_ADDRMAP_H
#define X86_ADDRMAP_H

#ifdef __ASSEMBLER__
#define AM(x) x
#else
#define AM(x) x##UL
#endif

#define HV_FIRST_SLOT      256
#define HV_LAST_SLOT       271
#define WINDOW_SLOT        257
#define IMAGE_SLOT         260
#define DIRECTMAP_SLOT     262

#define HV_VIRT_START      AM(0xffff800000000000)
#define HV_VIRT_END        AM(0xffff880000000000)
#define RO_M2P_START       AM(0xffff800000000000)
#define RO_M2P_END         AM(0xffff804000000000)
#define WINDOW_START       AM(0xffff808000000000)
#define RW_M2P_START       AM(0xffff810000000000)
#define FRAME_TABLE_START  AM(0xffff818000000000)
#define IMAGE_START        AM(0xffff820000000000)
#define PERCPU_AREA_START  AM(0xffff820030000000)
#define ENTRY_AREA_START   AM(0xffff820040000000)
#define IOREMAP_START      AM(0xffff820080000000)
#define IOREMAP_END        AM(0xffff820100000000)
#define DIRECTMAP_START    AM(0xffff830000000000)
#define DIRECTMAP_SIZE     (AM(10) << 39)

/* Image address = IMAGE_START + machine address it is loaded at. */
#define IMAGE_LOAD         AM(0x200000)

/* The window of vcpu n: 64 KiB of GDT, then 64 KiB of LDT. */
#define WINDOW_VCPU_SIZE   AM(0x20000)
#define WINDOW_LDT         AM(0x10000)
#define GDT_VADDR(vcpu)    (WINDOW_START + (vcpu) * WINDOW_VCPU_SIZE)
#define LDT_VADDR(vcpu)    (GDT_VADDR(vcpu) + WINDOW_LDT)

/* Per-CPU entry block: see struct entry_page in x86/percpu.h. */
#define ENTRY_BLOCK_SIZE   AM(0x8000)

#endif
