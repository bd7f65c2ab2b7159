/*
 * Offsets of structures for assembler.  The Makefile compiles this file to
 * assembler text and turns each marked line into a #define of asm_offsets.h.
 */
#include "domain/domain.h"
#include "x86/percpu.h"

#undef current

#define DEFINE(name, value) \
    __asm__ volatile(".ascii \"@@" #name " %c0@@\"" \
                     :: "i" ((unsigned long)(value)))
#define OFFSET(name, type, member) DEFINE(name, offsetof(type, member))

void asm_offsets(void);

void asm_offsets(void)
{
    OFFSET(REGS_r15, struct cpu_user_regs, r15);
    OFFSET(REGS_r14, struct cpu_user_regs, r14);
    OFFSET(REGS_r13, struct cpu_user_regs, r13);
    OFFSET(REGS_r12, struct cpu_user_regs, r12);
    OFFSET(REGS_rbp, struct cpu_user_regs, rbp);
    OFFSET(REGS_rbx, struct cpu_user_regs, rbx);
    OFFSET(REGS_r11, struct cpu_user_regs, r11);
    OFFSET(REGS_r10, struct cpu_user_regs, r10);
    OFFSET(REGS_r9, struct cpu_user_regs, r9);
    OFFSET(REGS_r8, struct cpu_user_regs, r8);
    OFFSET(REGS_rax, struct cpu_user_regs, rax);
    OFFSET(REGS_rcx, struct cpu_user_regs, rcx);
    OFFSET(REGS_rdx, struct cpu_user_regs, rdx);
    OFFSET(REGS_rsi, struct cpu_user_regs, rsi);
    OFFSET(REGS_rdi, struct cpu_user_regs, rdi);
    OFFSET(REGS_error_code, struct cpu_user_regs, error_code);
    OFFSET(REGS_entry_vector, struct cpu_user_regs, entry_vector);
    OFFSET(REGS_rip, struct cpu_user_regs, rip);
    OFFSET(REGS_cs, struct cpu_user_regs, cs);
    OFFSET(REGS_rflags, struct cpu_user_regs, rflags);
    OFFSET(REGS_rsp, struct cpu_user_regs, rsp);
    OFFSET(REGS_ss, struct cpu_user_regs, ss);
    OFFSET(REGS_es, struct cpu_user_regs, es);
    DEFINE(REGS_sizeof, sizeof(struct cpu_user_regs));

    OFFSET(PERCPU_current, struct percpu, curr);
    OFFSET(PERCPU_cpu, struct percpu, cpu);
    OFFSET(PERCPU_softirq_pending, struct percpu, softirq_pending);
    OFFSET(PERCPU_isolated, struct percpu, isolated);
    OFFSET(PERCPU_entry, struct percpu, entry);
    OFFSET(PERCPU_stats, struct percpu, stats);
    DEFINE(PERCPU_sizeof, sizeof(struct percpu));
    DEFINE(PERCPU_top, PERCPU_SIZE - sizeof(struct percpu) -
                       sizeof(struct cpu_user_regs) - 8);

    DEFINE(PERCPU_BLOCK_SIZE, PERCPU_SIZE);

    OFFSET(VCPU_info, struct vcpu, info);
    OFFSET(VCPU_INFO_pending, struct vcpu_info, evtchn_upcall_pending);
    OFFSET(VCPU_INFO_mask, struct vcpu_info, evtchn_upcall_mask);

    OFFSET(ENTRY_full_cr3, struct entry_page, full_cr3);
    OFFSET(ENTRY_stack_top, struct entry_page, stack_top);
    OFFSET(ENTRY_exit_cr3, struct entry_page, exit_cr3);
    OFFSET(ENTRY_scratch, struct entry_page, scratch);
    DEFINE(ENTRY_stack_end, sizeof(struct entry_page));
}
