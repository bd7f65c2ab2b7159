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
        .irp reg, rdi, rsi, rdx, rcx, rax, r8, r9, r10, r11, rbx, rbp, r12, \
             r13, r14, r15
        push    %\reg
        .endr
.endm

.macro RESTORE_CALLEE_REGS
        .irp reg, r15, r14, r13, r12, rbp, rbx
        pop     %\reg
        .endr
.endm

.macro RESTORE_REGS
        RESTORE_CALLEE_REGS
        .irp reg, r11, r10, r9, r8, rax, rcx, rdx, rsi, rdi
        pop     %\reg
        .endr
.endm

#endif
#endif
