/*
 * Assembler: labels that the symbol table and the debugger understand.
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

#endif
#endif
