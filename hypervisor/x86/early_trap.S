/*
 * Exceptions before desc_init_cpu: the hypervisor's own, without any change
 * of stack.  A register frame for early_trap(), and back.
 */
#include "asm_offsets.h"
#include "x86/asm.h"

#define EARLY_STUB_SIZE  16
#define HAS_ERROR_CODE   0x60227d00   /* #DF #TS #NP #SS #GP #PF #AC ... */

        .section .init.text, "ax"
        .balign EARLY_STUB_SIZE
        .globl  early_stubs
        .hidden early_stubs
early_stubs:
        .set    vector, 0
        .rept   32
        .balign EARLY_STUB_SIZE
        .if     ((HAS_ERROR_CODE >> vector) & 1) == 0
        push    $0
        .endif
        movl    $vector, 4(%rsp)
        jmp     early_common
        .set    vector, vector + 1
        .endr

/*
 * In: error code and vector pushed above the CPU's frame.  The stack becomes
 * the lower part of struct cpu_user_regs.
 */
early_common:
        cld
        SAVE_REGS
        mov     %rsp, %rdi
        mov     %rsp, %rbp
        and     $-16, %rsp
        call    early_trap
        mov     %rbp, %rsp
        RESTORE_REGS
        add     $8, %rsp
        iretq
