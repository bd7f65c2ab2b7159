/*
 * Control registers, flags, MSR numbers and selectors (Intel SDM volume 3,
 * AMD APM volume 2), usable from assembler.
 */
#ifndef X86_REGS_H
#define X86_REGS_H

#define CR0_PE           0x00000001
#define CR0_MP           0x00000002
#define CR0_TS           0x00000008
#define CR0_ET           0x00000010
#define CR0_NE           0x00000020
#define CR0_WP           0x00010000
#define CR0_AM           0x00040000
#define CR0_PG           0x80000000

#define CR4_TSD          0x00000004
#define CR4_DE           0x00000008
#define CR4_PSE          0x00000010
#define CR4_PAE          0x00000020
#define CR4_MCE          0x00000040
#define CR4_PGE          0x00000080
#define CR4_PCE          0x00000100
#define CR4_OSFXSR       0x00000200
#define CR4_OSXMMEXCPT   0x00000400
#define CR4_FSGSBASE     0x00010000
#define CR4_OSXSAVE      0x00040000
#define CR4_SMEP         0x00100000
#define CR4_SMAP         0x00200000

#define EFLAGS_CF        0x00000001
#define EFLAGS_MBS       0x00000002
#define EFLAGS_ZF        0x00000040
#define EFLAGS_TF        0x00000100
#define EFLAGS_IF        0x00000200
#define EFLAGS_DF        0x00000400
#define EFLAGS_IOPL      0x00003000
#define EFLAGS_NT        0x00004000
#define EFLAGS_RF        0x00010000
#define EFLAGS_VM        0x00020000
#define EFLAGS_AC        0x00040000
#define EFLAGS_VIF       0x00080000
#define EFLAGS_VIP       0x00100000

#define EFER_SCE         0x001
#define EFER_LME         0x100
#define EFER_NX          0x800

#define MSR_TSC            0x00000010
#define MSR_APIC_BASE      0x0000001b
#define MSR_FEATURE_CTRL   0x0000003a
#define MSR_UCODE_REV      0x0000008b
#define MSR_ARCH_CAPS      0x0000010a
#define MSR_MISC_ENABLE    0x000001a0
#define MSR_SYSENTER_CS    0x00000174
#define MSR_SYSENTER_ESP   0x00000175
#define MSR_SYSENTER_EIP   0x00000176
#define MSR_PAT            0x00000277
#define MSR_EFER           0xc0000080
#define MSR_STAR           0xc0000081
#define MSR_LSTAR          0xc0000082
#define MSR_CSTAR          0xc0000083
#define MSR_SFMASK         0xc0000084
#define MSR_FS_BASE        0xc0000100
#define MSR_GS_BASE        0xc0000101
#define MSR_KERNEL_GS_BASE 0xc0000102

/* The PAT that guests are told of: WB WT UC- UC, WC WP UC UC. */
#define PAT_VALUE        0x050100070406

/*
 * The two reserved pages at the end of every GDT start at selector 0xe000.
 * SYSRET fixes the distance of the three ring 3 descriptors; the values are
 * the ABI's FLAT_RING3_CS32, FLAT_RING3_SS64 and FLAT_RING3_CS64.
 */
#define HV_CS            0xe008
#define HV_DS            0xe010
#define GUEST_CS32       0xe023
#define GUEST_SS         0xe02b
#define GUEST_CS64       0xe033
#define HV_TSS           0xe040       /* 16 bytes; loaded once for each CPU */
#define STAR_VALUE       ((0xe023UL << 48) | (0xe008UL << 32))

/* Vectors. 0x20 to 0xef: devices; the highest are ours. */
#define VEC_DB           1
#define VEC_NMI          2
#define VEC_BP           3
#define VEC_OF           4
#define VEC_UD           6
#define VEC_NM           7
#define VEC_DF           8
#define VEC_TS           10
#define VEC_NP           11
#define VEC_SS           12
#define VEC_GP           13
#define VEC_PF           14
#define VEC_AC           17
#define VEC_MC           18
#define VECS_WITH_ERROR  0x27d00      /* bit per vector: DF TS NP SS GP PF AC */
#define VEC_FIRST_DEVICE 0x20
#define VEC_INT80        0x80         /* belongs to guests */
#define VEC_LAST_DEVICE  0xef
#define VEC_APIC_TIMER   0xf8
#define VEC_EVENT_CHECK  0xf9         /* leave the guest or HLT, look again */
#define VEC_CALL         0xfa         /* run a function (smp.c) */
#define VEC_APIC_ERROR   0xfe
#define VEC_APIC_SPURIOUS 0xff
#define VEC_SYSCALL      0x100        /* in cpu_user_regs only */
#define VEC_SYSENTER     0x101
#define VEC_SYSCALL32    0x102
#define VEC_BAD_IRET     0x103        /* IRETQ refused the frame */

/* Page-fault error code. */
#define PFEC_PRESENT     0x01
#define PFEC_WRITE       0x02
#define PFEC_USER        0x04
#define PFEC_RSVD        0x08

#endif
