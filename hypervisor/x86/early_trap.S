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
        push    %rdi
        push    %rsi
        push    %rdx
        push    %rcx
        push    %rax
        push    %r8
        push    %r9
        push    %r10
        push    %r11
        push    %rbx
        push    %rbp
        push    %r12
        push    %r13
        push    %r14
        push    %r15
        mov     %rsp, %rdi
        mov     %rsp, %rbp
        and     $-16, %rsp
        call    early_trap
        mov     %rbp, %rsp
        pop     %r15
        pop     %r14
        pop     %r13
        pop     %r12
        pop     %rbp
        pop     %rbx
        pop     %r11
        pop     %r10
        pop     %r9
        pop     %r8
        pop     %rax
        pop     %rcx
        pop     %rdx
        pop     %rsi
        pop     %rdi
        add     $8, %rsp
        iretq
