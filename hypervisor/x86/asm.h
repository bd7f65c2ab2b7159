/*
 * Assembler: labels that the symbol table and the debugger understand, and
 * the registers of a frame.
 */
#ifndef X86_ASM_H
#define X86_ASM_H

#ifdef __ASSEMBLER__

#define FUNC(name)         \
    .globl name;           \
    .hidden name;          \
    .type name, @function; \
    .balign 16;            \
name:

#define END(name) .size name, . - name

/* Between the CPU's frame with error code and vector, and a whole struct
 * cpu_user_regs. */
.macro SAVE_REGS
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
.endm

.macro RESTORE_CALLEE_REGS
        pop     %r15
        pop     %r14
        pop     %r13
        pop     %r12
        pop     %rbp
        pop     %rbx
.endm

.macro RESTORE_REGS
        RESTORE_CALLEE_REGS
        pop     %r11
        pop     %r10
        pop     %r9
        pop     %r8
        pop     %rax
        pop     %rcx
        pop     %rdx
        pop     %rsi
        pop     %rdi
.endm

#endif
#endif
