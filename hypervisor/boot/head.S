/*
 * From the boot loader (multiboot 1 or 2, 32-bit, no paging), and from the
 * real-mode trampoline of the other CPUs, to C in 64-bit mode.
 */
#include "asm_offsets.h"
#include "x86/addrmap.h"
#include "x86/asm.h"
#include "x86/regs.h"

#define PHYS(sym)        ((sym) - IMAGE_START)
#define MB_MAGIC         0x1badb002
#define MB_FLAGS         0x00010003   /* aligned modules, memory, addresses */
#define MB2_MAGIC        0xe85250d6
#define BOOT_CS64        0x08
#define BOOT_DS          0x10
#define BOOT_CS32        0x18
#define TABLE_FLAGS      0x63         /* present, writable, accessed, dirty */
#define PAGE_2M_FLAGS    0xe3

        .section .multiboot, "ax"
        .balign 8
multiboot_header:
        .long   MB_MAGIC
        .long   MB_FLAGS
        .long   -(MB_MAGIC + MB_FLAGS)
        .long   PHYS(multiboot_header)
        .long   PHYS(image_start)
        .long   PHYS(image_load_end)
        .long   PHYS(image_end)
        .long   PHYS(boot_entry)

/* Multiboot 2: tags, each at a multiple of 8: type, flags, size.  Without the
 * one for EFI's boot services they have ended when we start. */
        .balign 8
multiboot2_header:
        .long   MB2_MAGIC
        .long   0                       /* entered in 32-bit mode */
        .long   multiboot2_end - multiboot2_header
        .long   -(MB2_MAGIC + multiboot2_end - multiboot2_header)
        .word   1, 0                    /* what we need: the memory map */
        .long   12, 6, 0
        .word   2, 0                    /* addresses */
        .long   24
        .long   PHYS(multiboot2_header)
        .long   PHYS(image_start)
        .long   PHYS(image_load_end)
        .long   PHYS(image_end)
        .word   3, 0                    /* entry */
        .long   12, PHYS(boot_entry), 0
        .word   4, 0                    /* VGA's text mode will do, */
        .long   12, 2, 0
        .word   5, 1                    /* or else any frame buffer */
        .long   20, 0, 0, 0, 0
        .word   6, 0                    /* modules begin at pages */
        .long   8
        .word   0, 0
        .long   8
multiboot2_end:

/*
 * Paging and long mode on, with boot_l4 and NX where the CPU has it.  A far
 * jump to 64-bit code must follow.  Changes eax, ebx, ecx, edx.
 */
.macro ENTER_LONG_MODE
        mov     $0x80000001, %eax
        cpuid
        shr     $20 - 11, %edx          /* CPUID's NX bit to EFER's place */
        and     $EFER_NX, %edx
        or      $EFER_LME, %edx
        mov     %edx, %eax
        xor     %edx, %edx
        mov     $MSR_EFER, %ecx
        wrmsr
        mov     $CR4_PAE, %eax
        mov     %eax, %cr4
        mov     $PHYS(boot_l4), %eax
        mov     %eax, %cr3
        mov     $(CR0_PG | CR0_WP | CR0_NE | CR0_ET | CR0_MP | CR0_PE), %eax
        mov     %eax, %cr0
.endm

/* In 64-bit mode at an identity address: selectors, then the image's own. */
.macro ENTER_IMAGE
        mov     $BOOT_DS, %eax
        mov     %eax, %ds
        mov     %eax, %es
        mov     %eax, %ss
        xor     %eax, %eax
        mov     %eax, %fs
        mov     %eax, %gs
        movabs  $1f, %rax
        jmp     *%rax
1:      lgdt    boot_gdt_desc(%rip)
.endm

        .section .init.text, "ax"
        .code32
/*
 * The boot CPU. In: %eax the loader's magic, %ebx its structure; flat 32-bit
 * segments, interrupts off.
 */
FUNC(boot_entry)
        cld
        cli
        mov     %eax, %edi
        mov     %ebx, %esi
        mov     $0x80000000, %eax
        cpuid
        cmp     $0x80000001, %eax
        jb      no_long_mode
        mov     $0x80000001, %eax
        cpuid
        bt      $29, %edx
        jnc     no_long_mode
        lgdt    PHYS(boot_gdt_desc32)
        ENTER_LONG_MODE
        ljmp    $BOOT_CS64, $PHYS(boot_entry64)
no_long_mode:
        hlt
        jmp     no_long_mode
END(boot_entry)

        .code64
boot_entry64:
        ENTER_IMAGE
        lea     boot_percpu + PERCPU_top(%rip), %rsp
        mov     %edi, %edi
        mov     %esi, %esi
        call    boot_main

        .code32
/*
 * Another CPU, from the trampoline: protected mode, BOOT_CS32, no stack.
 * smpboot.c has stored the root and the stack that it is to use.
 */
FUNC(ap_entry32)
        mov     $BOOT_DS, %eax
        mov     %eax, %ds
        ENTER_LONG_MODE
        ljmp    $BOOT_CS64, $PHYS(ap_entry64)
END(ap_entry32)

        .code64
ap_entry64:
        ENTER_IMAGE
        mov     ap_root(%rip), %rax     /* may lie above 4 GiB */
        mov     %rax, %cr3
        mov     ap_stack(%rip), %rsp
        call    ap_main

        .section .init.data, "aw"
        .balign 8
        .globl  boot_gdt
        .hidden boot_gdt
boot_gdt:
        .quad   0
        .quad   0x00af9b000000ffff      /* 64-bit code */
        .quad   0x00cf93000000ffff      /* data */
        .quad   0x00cf9b000000ffff      /* 32-bit code */
boot_gdt_end:
        .balign 8
        .word   0, 0, 0
boot_gdt_desc:
        .word   boot_gdt_end - boot_gdt - 1
        .quad   boot_gdt
        .balign 8
        .word   0
boot_gdt_desc32:
        .word   boot_gdt_end - boot_gdt - 1
        .long   PHYS(boot_gdt)

/*
 * The first page tables: 4 GiB of machine memory, mapped at 0, in the image's
 * slot and in the direct map alike.
 */
        .section .init.page, "aw"
        .balign 4096
boot_l4:
        .quad   PHYS(boot_l3) + TABLE_FLAGS
        .fill   IMAGE_SLOT - 1, 8, 0
        .quad   PHYS(boot_l3) + TABLE_FLAGS
        .fill   DIRECTMAP_SLOT - IMAGE_SLOT - 1, 8, 0
        .quad   PHYS(boot_l3) + TABLE_FLAGS
        .fill   511 - DIRECTMAP_SLOT, 8, 0
boot_l3:
        .quad   PHYS(boot_l2) + TABLE_FLAGS
        .quad   PHYS(boot_l2) + 0x1000 + TABLE_FLAGS
        .quad   PHYS(boot_l2) + 0x2000 + TABLE_FLAGS
        .quad   PHYS(boot_l2) + 0x3000 + TABLE_FLAGS
        .fill   508, 8, 0
boot_l2:
        .set    maddr, 0
        .rept   2048
        .quad   maddr + PAGE_2M_FLAGS
        .set    maddr, maddr + 0x200000
        .endr
