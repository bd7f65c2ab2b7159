/*
 * Every way from a guest into the hypervisor, and the one way back.
 *
 * A frame on the stack is a struct cpu_user_regs: the CPU pushes SS to RIP,
 * a stub adds error code and vector, SAVE_REGS the rest.  From ring 3 it lies
 * at the top of the CPU's main stack, right below struct percpu; interrupts
 * that come while the hypervisor runs stack up below.
 *
 * With page-table isolation a guest runs on a root that maps of us only this
 * section and the CPU's entry block.  Ring 3 then arrives on a small stack in
 * the entry page, and the frame is carried over once the full root is loaded.
 */
#include "x86/asm.h"
#include "x86/regs.h"
#include "x86/addrmap.h"
#include "pv/entry.h"
#include "asm_offsets.h"

#define EP_FRAME        (ENTRY_stack_end - 40)
#define PC(field)       (REGS_sizeof + PERCPU_##field)(%rsp)

        .section .entry.text, "ax"

/* A field of a CPU's entry block, from code that knows which CPU runs it. */
#define BLOCK(cpu, field) entry_area + (cpu) * ENTRY_BLOCK_SIZE + ENTRY_##field

/*
 * The stub of a vector makes the error code and vector words of the frame.
 */
.macro VECTOR vec, iso
1:      .if \vec > 31 || (VECS_WITH_ERROR >> (\vec % 32)) % 2 == 0
        push    $0
        .endif
        movl    $\vec, 4(%rsp)
        .if \vec == VEC_NMI || \vec == VEC_MC || \vec == VEC_DF
        jmp     paranoid_\vec
        .elseif \vec == VEC_DB
        jmp     debug_\iso
        .elseif \iso
        jmp     trap_iso
        .else
        jmp     trap_direct
        .endif
        .fill   ENTRY_STUB_SIZE - (. - 1b), 1, 0xcc
.endm

/*
 * SYSCALL leaves %rsp alone, and nothing but addresses tells the CPUs apart.
 * So each has its own piece of code: onto the main stack (with isolation, on
 * the full root first), SS and RSP pushed, then on to the common target.
 */
.macro SYSCALL cpu, iso, target
1:      mov     %rsp, BLOCK(\cpu, scratch)(%rip)
        .if \iso
        mov     %rax, BLOCK(\cpu, scratch) + 8(%rip)
        mov     BLOCK(\cpu, full_cr3)(%rip), %rax
        mov     %rax, %cr3
        mov     BLOCK(\cpu, scratch) + 8(%rip), %rax
        .endif
        mov     BLOCK(\cpu, stack_top)(%rip), %rsp
        push    $GUEST_SS
        pushq   BLOCK(\cpu, scratch)(%rip)
        jmp     \target
        .fill   SYSCALL_STUB_SIZE - (. - 1b), 1, 0xcc
.endm

.macro TABLE name, count, stub, args:vararg
FUNC(\name)
        .set    n, 0
        .rept   \count
        \stub   %n, \args
        .set    n, n + 1
        .endr
END(\name)
.endm

        .altmacro
        TABLE   entry_stubs, 256, VECTOR, 0
        TABLE   entry_stubs_iso, 256, VECTOR, 1
        TABLE   syscall_stubs, ENTRY_blocks, SYSCALL, 0, entry_syscall
        TABLE   syscall_stubs_iso, ENTRY_blocks, SYSCALL, 1, entry_syscall
        TABLE   syscall32_stubs, ENTRY_blocks, SYSCALL, 0, entry_syscall32
        TABLE   syscall32_stubs_iso, ENTRY_blocks, SYSCALL, 1, entry_syscall32
        .noaltmacro

/*
 * An exception or interrupt, on the stack where it is to be handled.
 * In:    the frame down to error code and vector; interrupts off.
 */
FUNC(trap_direct)
        cld
        SAVE_REGS
        mov     %rsp, %rdi
        testb   $3, REGS_cs(%rsp)
        jz      1f
        call    do_guest_trap
        jmp     ret_to_guest
1:      call    do_own_trap
        RESTORE_REGS
        add     $8, %rsp
        iretq
END(trap_direct)

/*
 * Ring 3 is on another stack than the main one: load the full root (iso) and
 * carry the frame over.  Clobbers nothing; %rsp is at the vector's word.
 */
.macro TO_MAIN_STACK iso
        push    %rbx
        push    %rax
        mov     %rsp, %rbx
        and     $-ENTRY_BLOCK_SIZE, %rbx
        .if     \iso
        mov     ENTRY_full_cr3(%rbx), %rax
        mov     %rax, %cr3
        .endif
        mov     ENTRY_stack_top(%rbx), %rbx
        mov     %rsp, %rax
        mov     %rbx, %rsp
        pushq   56(%rax)                /* ss */
        pushq   48(%rax)                /* rsp */
        pushq   40(%rax)                /* rflags */
        pushq   32(%rax)                /* cs */
        pushq   24(%rax)                /* rip */
        pushq   16(%rax)                /* error code and vector */
        mov     8(%rax), %rbx
        mov     (%rax), %rax
.endm

/* The same with isolation: from ring 3 the frame is on the entry stack. */
FUNC(trap_iso)
        testb   $3, 16(%rsp)
        jz      1f
        TO_MAIN_STACK 1
        jmp     trap_direct
1:      push    %rax                    /* our own, but on which root? */
        lea     exit_iso_iret(%rip), %rax
        cmp     %rax, 16(%rsp)
        pop     %rax
        jne     trap_direct
        mov     32(%rsp), %rsp          /* the guest's frame: IRETQ faulted */
        push    $0
        movl    $VEC_BAD_IRET, 4(%rsp)
        TO_MAIN_STACK 1
        jmp     trap_direct
END(trap_iso)

/* #DB has a stack of its own: it may come in the first instruction of a
 * system call, on the guest's stack.  From ring 3 it is an ordinary trap. */
.macro DEBUG iso
FUNC(debug_\iso)
        testb   $3, 16(%rsp)
        jz      paranoid_1
        TO_MAIN_STACK \iso
        jmp     trap_direct
END(debug_\iso)
.endm
        DEBUG   0
        DEBUG   1

/*
 * NMI, #MC, #DF, and #DB in ring 0: anywhere, on any root, even between the
 * first instruction of an entry and its stack switch.  Everything is put back
 * as it was found.
 */
.macro PARANOID vec, stack
FUNC(paranoid_\vec)
        cld
        SAVE_REGS
        mov     %rsp, %rdi
        mov     %rsp, %rbp
        mov     %cr3, %r12
        bt      $30, %rsp               /* in an entry block, or at boot? */
        jnc     1f
        mov     %rsp, %rax
        and     $-ENTRY_BLOCK_SIZE, %rax
        mov     ENTRY_full_cr3(%rax), %rcx
        mov     %rcx, %cr3
        mov     ENTRY_stack_top(%rax), %rsp
        and     $-PERCPU_BLOCK_SIZE, %rsp
        add     $\stack, %rsp
1:      call    do_paranoid
        mov     %rbp, %rsp
        mov     %r12, %cr3
        RESTORE_REGS
        add     $8, %rsp
        iretq
END(paranoid_\vec)
.endm
        PARANOID 8, 0x800
        PARANOID 1, 0x1000
        PARANOID 2, 0x2000
        PARANOID 18, 0x3000

/*
 * A guest executed SYSCALL: a hypercall, or a system call of its own user
 * mode.  The CPU's stub has switched stack and root.
 * In:    %rax number, %rdi %rsi %rdx %r10 %r8 %r9 arguments; %rcx guest rip,
 *        %r11 guest rflags; SS and RSP pushed; interrupts off.
 * Out:   ret_to_guest, with the frame as pv_syscall() left it.
 */
FUNC(entry_syscall)
        push    %r11                    /* rflags */
        push    $GUEST_CS64
        push    %rcx                    /* rip */
        push    $0
        movl    $VEC_SYSCALL, 4(%rsp)
        SAVE_REGS
        mov     %rsp, %rdi
        call    pv_syscall
        jmp     ret_to_guest
END(entry_syscall)

/* The same from compatibility mode (AMD). */
FUNC(entry_syscall32)
        push    %r11
        push    $GUEST_CS32
        push    %rcx
        push    $0
        movl    $VEC_SYSCALL32, 4(%rsp)
        jmp     trap_direct
END(entry_syscall32)

/*
 * SYSENTER: the CPU is on its arrival stack and has forgotten where the guest
 * was; the guest's kernel knows.  Its flags other than IF are still there.
 */
.macro SYSENTER_FRAME
        push    $GUEST_SS
        push    $0
        pushfq
        orl     $EFLAGS_IF, (%rsp)
        push    $GUEST_CS32
        push    $0
        push    $0
        movl    $VEC_SYSENTER, 4(%rsp)
        push    $EFLAGS_MBS
        popfq                           /* neither TF, NT nor AC for us */
.endm

FUNC(entry_sysenter)
        SYSENTER_FRAME
        jmp     trap_direct
END(entry_sysenter)

FUNC(entry_sysenter_iso)
        SYSENTER_FRAME
        TO_MAIN_STACK 1
        jmp     trap_direct
END(entry_sysenter_iso)

/* Work that waits, with interrupts on, before the guest goes on. */
FUNC(softirqs_then_guest)
        sti
        call    do_softirq
        /* fall through */
END(softirqs_then_guest)

/*
 * Back to the guest whose frame is at the top of the main stack (%rsp there).
 * No softirq may be pending, and a pending event that the guest does not mask
 * is delivered first.
 */
FUNC(ret_to_guest)
        cli
        cmpl    $0, PC(softirq_pending)
        jne     softirqs_then_guest
        mov     PC(current), %rdi
        mov     VCPU_info(%rdi), %rax
        cmpb    $0, VCPU_INFO_pending(%rax)
        je      1f
        cmpb    $0, VCPU_INFO_mask(%rax)
        jne     1f
        mov     %rsp, %rsi
        call    pv_upcall
        cmpl    $0, PC(softirq_pending)
        jne     softirqs_then_guest

1:      cmpl    $VEC_SYSCALL, REGS_entry_vector(%rsp)
        jne     2f
        mov     REGS_rip(%rsp), %rax
        sar     $47, %rax               /* SYSRET to a non-canonical rip */
        jnz     2f                      /* faults in ring 0 */
        cmpw    $GUEST_CS64, REGS_cs(%rsp)
        jne     2f
        cmpq    $0, PC(isolated)
        jne     exit_iso_sysret
        jmp     exit_sysret
2:      cmpq    $0, PC(isolated)
        jne     exit_iso
        RESTORE_REGS
        add     $8, %rsp
exit_iret:
        iretq
        .pushsection .extable, "a"
        .balign 4
        .long   exit_iret - .
        .long   bad_iret - .
        .popsection
END(ret_to_guest)

/* SYSRET gives %rcx and %r11 away, as SYSCALL took them. */
FUNC(exit_sysret)
        RESTORE_REGS
        mov     8(%rsp), %rcx
        mov     24(%rsp), %r11
        mov     32(%rsp), %rsp
        sysretq
END(exit_sysret)

/* IRETQ refused the guest's frame, which is still whole: the guest hears. */
FUNC(bad_iret)
        push    $0
        movl    $VEC_BAD_IRET, 4(%rsp)
        jmp     trap_direct
END(bad_iret)

/* The frame goes to the entry page; the last instructions run on the guest's
 * root.  %rax, the last register, waits there too, and %edx: by SYSRET? */
FUNC(exit_iso)
        xor     %edx, %edx
        jmp     1f
exit_iso_sysret:
        mov     $1, %edx
1:      mov     PC(entry), %rax
        mov     %rdx, ENTRY_scratch + 8(%rax)
        mov     REGS_rax(%rsp), %rcx
        mov     %rcx, ENTRY_scratch(%rax)
        RESTORE_CALLEE_REGS
        pop     %r11
        pop     %r10
        pop     %r9
        pop     %r8
        add     $8, %rsp                /* rax */
        pop     %rcx
        pop     %rdx
        pop     %rsi
        pop     %rdi
        add     $8, %rsp
        popq    EP_FRAME(%rax)
        popq    EP_FRAME + 8(%rax)
        popq    EP_FRAME + 16(%rax)
        popq    EP_FRAME + 24(%rax)
        popq    EP_FRAME + 32(%rax)
        lea     EP_FRAME(%rax), %rsp
        mov     ENTRY_exit_cr3(%rax), %rax
        mov     %rax, %cr3
        mov     ENTRY_scratch - EP_FRAME(%rsp), %rax
        cmpq    $0, ENTRY_scratch + 8 - EP_FRAME(%rsp)
        jne     1f
exit_iso_iret:
        iretq
1:      mov     (%rsp), %rcx
        mov     16(%rsp), %r11
        mov     24(%rsp), %rsp
        sysretq
END(exit_iso)

        .text

/* Leave this stack: to the idle loop, or to the guest whose frame is at the
 * top of the main stack. */
FUNC(switch_to_idle)
        or      $(PERCPU_BLOCK_SIZE - 1), %rsp
        sub     $(PERCPU_sizeof + REGS_sizeof - 1), %rsp
        call    idle_loop
END(switch_to_idle)

FUNC(switch_to_guest)
        or      $(PERCPU_BLOCK_SIZE - 1), %rsp
        sub     $(PERCPU_sizeof + REGS_sizeof - 1), %rsp
        jmp     ret_to_guest
END(switch_to_guest)
