/*
 * Where another CPU starts: real mode, at the start of a page below 1 MiB to
 * which smpboot.c has copied this.  Nothing in it depends on the page.
 */
#include "x86/addrmap.h"
#include "x86/regs.h"

#define PHYS(sym)        ((sym) - IMAGE_START)
#define BOOT_CS32        0x18

        .section .init.data, "aw"
        .code16
        .globl  trampoline_start, trampoline_end
        .hidden trampoline_start, trampoline_end
trampoline_start:
        cli
        cld
        mov     %cs, %ax
        mov     %ax, %ds
        lgdtl   trampoline_gdt_desc - trampoline_start
        mov     $CR0_PE, %eax
        mov     %eax, %cr0
        ljmpl   $BOOT_CS32, $PHYS(ap_entry32)
        .balign 8
trampoline_gdt_desc:
        .word   4 * 8 - 1
        .long   PHYS(boot_gdt)
trampoline_end:
