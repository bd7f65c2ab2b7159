/*
 * What the compiler calls for an indirect call or jump through a register:
 * speculation behind it spins in a harmless loop.
 */
#include "x86/asm.h"

        .text
.macro THUNK reg
FUNC(__x86_indirect_thunk_\reg)
        call    2f
1:      pause
        lfence
        jmp     1b
2:      mov     %\reg, (%rsp)
        ret
END(__x86_indirect_thunk_\reg)
.endm

.irp reg, rax, rbx, rcx, rdx, rsi, rdi, rbp, r8, r9, r10, r11, \
     r12, r13, r14, r15
        THUNK   \reg
.endr
