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
    OFFSET(REGS_rax, struct cpu_user_regs, rax);
    OFFSET(REGS_entry_vector, struct cpu_user_regs, entry_vector);
    OFFSET(REGS_rip, struct cpu_user_regs, rip);
    OFFSET(REGS_cs, struct cpu_user_regs, cs);
    OFFSET(REGS_es, struct cpu_user_regs, es);
    DEFINE(REGS_sizeof, sizeof(struct cpu_user_regs));

    OFFSET(PERCPU_current, struct percpu, curr);
    OFFSET(PERCPU_softirq_pending, struct percpu, softirq_pending);
    OFFSET(PERCPU_isolated, struct percpu, isolated);
    OFFSET(PERCPU_entry, struct percpu, entry);
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
    DEFINE(ENTRY_blocks, NR_CPUS);
    DEFINE(ENTRY_stack_end, sizeof(struct entry_page));
}
