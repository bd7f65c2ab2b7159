/*
 * Notes for the builder, the first instruction, and every way back in.
 */
#include <xen/elfnote.h>

#define NOTE(type, data)                 \
        .balign 4;                       \
        .long   4, 2f - 1f, type;        \
        .asciz  "Xen";                   \
1:      data;                            \
2:      .balign 4

        .section .note.Xen, "a", @note
        NOTE(XEN_ELFNOTE_GUEST_OS, .asciz "zazen-test")
        NOTE(XEN_ELFNOTE_GUEST_VERSION, .asciz "1")
        NOTE(XEN_ELFNOTE_XEN_VERSION, .asciz "xen-3.0")
        NOTE(XEN_ELFNOTE_LOADER, .asciz "generic")
        NOTE(XEN_ELFNOTE_PAE_MODE, .asciz "yes")
        NOTE(XEN_ELFNOTE_VIRT_BASE, .quad 0xffffffff80000000)
        NOTE(XEN_ELFNOTE_PADDR_OFFSET, .quad 0)
        NOTE(XEN_ELFNOTE_ENTRY, .quad start)
        NOTE(XEN_ELFNOTE_INIT_P2M, .quad 0x8000000000)
        NOTE(XEN_ELFNOTE_MOD_START_PFN, .quad 1)
        NOTE(XEN_ELFNOTE_FEATURES, .asciz "!writable_page_tables")
        NOTE(XEN_ELFNOTE_SUPPORTED_FEATURES, .long 0x801)

        .text
        .globl  start
start:
        mov     $boot_stack_end, %rsp
        mov     %rsi, %rdi
        xor     %ebp, %ebp
        call    guest_main
        ud2

        .bss
        .balign 4096
        .skip   4096 * 4
        .globl  boot_stack_end
boot_stack_end:

        .text
/*
 * An exception: rcx, r11, [error,] rip, cs, rflags, rsp, ss are on the stack.
 * struct frame (guest.h) is made of it, and after C undone by iret.
 */
.macro TRAP n, error
trap_\n:
        pop     %rcx
        pop     %r11
        .if     !\error
        push    $0
        .endif
        push    $\n
        jmp     trap_common
.endm

        .altmacro
.macro TRAP_N n
        .if     \n == 8 || (\n >= 10 && \n <= 14) || \n == 17
        TRAP    \n, 1
        .else
        TRAP    \n, 0
        .endif
.endm
        .set    i, 0
        .rept   32
        TRAP_N  %i
        .set    i, i + 1
        .endr
        TRAP    128, 0

        .section .rodata
        .globl  trap_entries
        .balign 8
trap_entries:
.macro ADDR n
        .quad   trap_\n
.endm
        .set    i, 0
        .rept   32
        ADDR    %i
        .set    i, i + 1
        .endr
        .quad   trap_128
        .noaltmacro

        .text
trap_common:
        push    %rax
        push    %rcx
        push    %rdx
        push    %rbx
        push    %rbp
        push    %rsi
        push    %rdi
        push    %r8
        push    %r9
        push    %r10
        push    %r11
        push    %r12
        push    %r13
        push    %r14
        push    %r15
        mov     %rsp, %rdi
        call    guest_trap
        pop     %r15
        pop     %r14
        pop     %r13
        pop     %r12
        pop     %r11
        pop     %r10
        pop     %r9
        pop     %r8
        pop     %rdi
        pop     %rsi
        pop     %rbp
        pop     %rbx
        pop     %rdx
        pop     %rcx
        pop     %rax
        add     $16, %rsp
        push    $0                      /* flags */
        push    %rcx
        push    %r11
        push    %rax
        mov     $23, %eax               /* __HYPERVISOR_iret */
        syscall
        ud2

/* Event upcall, system calls, failsafe: vectors of our own. */
        .globl  event_entry, syscall_entry, failsafe_entry, sysenter_entry
event_entry:
        pop     %rcx
        pop     %r11
        push    $0
        push    $0x100
        jmp     trap_common
syscall_entry:
        pop     %rcx
        pop     %r11
        push    $0
        push    $0x101
        jmp     trap_common
failsafe_entry:
        pop     %rcx
        pop     %r11
        add     $32, %rsp               /* ds, es, fs, gs */
        push    $0
        push    $0x102
        jmp     trap_common
sysenter_entry:
        pop     %rcx
        pop     %r11
        push    $0
        push    $0x103
        jmp     trap_common

/* int try_call(fn, arg): 0, or 1 if a trap (guest_trap) ended fn. */
        .globl  try_call, try_fail
try_call:
        push    %rbx
        push    %rbp
        push    %r12
        push    %r13
        push    %r14
        push    %r15
        mov     %rsp, try_sp
        mov     %rdi, %rax
        mov     %rsi, %rdi
        call    *%rax
        xor     %eax, %eax
1:      movq    $0, try_sp
        pop     %r15
        pop     %r14
        pop     %r13
        pop     %r12
        pop     %rbp
        pop     %rbx
        ret
try_fail:
        mov     try_sp, %rsp
        mov     $1, %eax
        jmp     1b

        .bss
        .globl  try_sp
        .balign 8
try_sp: .quad   0

        .section .note.GNU-stack, "", @progbits
