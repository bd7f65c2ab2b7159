/*
 * What a paravirtual guest meets: the interfaces between the files of pv/.
 */
#ifndef PV_PV_H
#define PV_PV_H

#include "domain/domain.h"
#include "pv/decode.h"
#include "x86/cpu.h"
#include "x86/paging.h"
#include "x86/percpu.h"

#define TI_MASKS         4       /* trap_info.flags: no events in there */

/* Install guest_ops and the hooks of lower layers; once, at boot. */
void pv_init_boot(void);

/* entry.S calls these.  Interrupts are off. */
void do_guest_trap(struct cpu_user_regs *regs);  /* from ring 3 */
void do_own_trap(struct cpu_user_regs *regs);    /* from ring 0 */
void do_paranoid(struct cpu_user_regs *regs);    /* NMI, #MC, #DF, own #DB */
void pv_syscall(struct cpu_user_regs *regs);
void pv_upcall(struct vcpu *v, struct cpu_user_regs *regs);

/* bounce.c: enter the guest's kernel; crashes a guest whose kernel stack
 * cannot be written. */
void pv_bounce_syscall(struct vcpu *v, struct cpu_user_regs *regs);
/* SYSCALL or SYSENTER of 32-bit user mode, if the kernel has asked for it. */
void pv_bounce_compat(struct vcpu *v, struct cpu_user_regs *regs,
                      unsigned int type);
/* Through the guest's trap table. */
void pv_inject(struct vcpu *v, struct cpu_user_regs *regs,
               unsigned int vector, uint32_t error);
/* SOFTIRQ_NMI: into the running vcpu, if one waits and the last has ended. */
void pv_nmi(void);
void pv_failsafe(struct vcpu *v, struct cpu_user_regs *regs);
void pv_iret(struct vcpu *v, struct cpu_user_regs *regs);
/* show.c: registers and stack of a vcpu that stands still or runs here. */
void pv_show(struct vcpu *v);

/* context.c */
/* XCR0 of the running vcpu; false: a combination that is not allowed. */
bool pv_xcr0_set(struct vcpu *v, uint64_t val);
/* CR0.TS as the guest has it. */
void pv_set_ts(struct vcpu *v, bool set);

/* emulate.c: the instruction at regs->rip; INSN_NONE if it is not readable. */
struct insn pv_fetch(const struct cpu_user_regs *regs);
/* After #GP; false: it is the guest's fault. */
bool pv_emulate_privileged(struct vcpu *v, struct cpu_user_regs *regs);
/* After #UD: the forced prefix before CPUID. */
bool pv_emulate_forced(struct vcpu *v, struct cpu_user_regs *regs);
/* ptwr.c: a kernel wrote to va, which is mapped read-only. */
bool pv_emulate_pt_write(struct vcpu *v, struct cpu_user_regs *regs,
                         unsigned long va);

/* portio.c, msr.c, cpuid.c */
uint32_t pv_port_read(struct vcpu *v, unsigned int port, unsigned int bytes);
void pv_port_write(struct vcpu *v, unsigned int port, unsigned int bytes,
                   uint32_t val);
bool pv_read_msr(struct vcpu *v, uint32_t msr, uint64_t *ret_val);
bool pv_write_msr(struct vcpu *v, uint32_t msr, uint64_t val);
/* v NULL: the most that any guest is offered. */
struct cpuid_regs pv_cpuid(struct vcpu *v, uint32_t leaf, uint32_t sub);

/* descriptor.c */
/* A descriptor of the vcpu's LDT was touched at va, in its window: map the
 * page; false: it has none there. */
bool pv_ldt_fault(struct vcpu *v, unsigned long va);
/* Map every page of the LDT; true if that changed anything. */
bool pv_ldt_map_all(struct vcpu *v);
/* Give up GDT and LDT of a vcpu that runs nowhere. */
void pv_tables_drop(struct vcpu *v);
/* Take nr frames as the vcpu's GDT, all or nothing; puts the old ones. */
int pv_gdt_set(struct vcpu *v, const unsigned long *frames, unsigned int ents);

/*
 * desc.c: descriptor tables, and how a CPU gets from a guest to us.
 *
 * The hypervisor's descriptors are page 14 of every GDT, at selector 0xe000.
 * Each CPU has a small GDT of its own, used by the idle vcpu; guests' windows
 * map one shared page there, which has no TSS: LTR is done once, at start.
 */
extern mfn_t desc_shared_mfn;
/* First of all: an IDT for our own faults, until desc_load_cpu. */
void desc_load_early(void);
/* Build the tables of a CPU and map its entry block; on the boot CPU. */
int desc_prepare_cpu(unsigned int cpu);
/* Load them, TSS and system-call MSRs; on the CPU itself. */
void desc_load_cpu(void);
/* GDTR to the window of vcpu number `id`; or to this CPU's own GDT. */
void desc_load_window(unsigned int id);
void desc_load_own(void);
/* LDTR: the guest's in its window; 0 entries: none. */
void desc_load_ldt(struct vcpu *v);

/* debugreg.c: -EINVAL: no such register; -EPERM: a value we do not load. */
int pv_debugreg_get(struct vcpu *v, unsigned int reg, uint64_t *ret_val);
int pv_debugreg_set(struct vcpu *v, unsigned int reg, unsigned long val);
void pv_debugreg_load(struct vcpu *v);

/* Hypercalls of this folder, for the table. */
long do_set_trap_table(void __guest *traps);
long do_set_gdt(void __guest *frames, unsigned int entries);
long do_stack_switch(unsigned long ss, unsigned long sp);
long do_set_callbacks(unsigned long event, unsigned long failsafe,
                      unsigned long syscall);
long do_fpu_taskswitch(int set);
long do_set_debugreg(int reg, unsigned long val);
long do_get_debugreg(int reg);
long do_update_descriptor(uint64_t maddr, uint64_t desc);
long do_set_segment_base(unsigned int which, unsigned long base);
long do_callback_op(int cmd, const void __guest *arg);
long do_vm_assist(unsigned int cmd, unsigned int type);
long do_multicall(void __guest *list, unsigned int nr);

/* Between a guest's kernel and user mode, on this CPU. */

/* This CPU's data, from the frame at the top of its main stack. */
static inline struct percpu *percpu_of_frame(struct cpu_user_regs *regs)
{
    return (struct percpu *)(regs + 1);
}

/* What a guest that asks for these flags runs with. */
static inline uint64_t guest_flags(uint64_t flags)
{
    return (flags & ~(uint64_t)(EFLAGS_IOPL | EFLAGS_VM | EFLAGS_VIF |
                                EFLAGS_VIP)) | EFLAGS_IF | EFLAGS_MBS;
}

static inline void save_selectors(struct cpu_user_regs *regs)
{
    __asm__ volatile("mov %%ds, %0" : "=r" (regs->ds));
    __asm__ volatile("mov %%es, %0" : "=r" (regs->es));
    __asm__ volatile("mov %%fs, %0" : "=r" (regs->fs));
    __asm__ volatile("mov %%gs, %0" : "=r" (regs->gs));
}

/*
 * With isolation the hypervisor always runs on the kernel's root, so only the
 * way out changes.
 */
static inline void pv_toggle_mode(struct vcpu *v, struct percpu *pc)
{
    unsigned int which = v->pv.kernel_mode;      /* user: root 1 */

    v->pv.kernel_mode = !which;
    __asm__ volatile("swapgs" ::: "memory");
    if (pc->isolated)
        pc->entry->exit_cr3 = v->hw_root[which] << PAGE_SHIFT;
    else
        write_cr3(v->guest_root[which] << PAGE_SHIFT);
    if (unlikely(clock_stale(&v->clock)) && v->pv.kernel_mode)
        runstate_write_area(v);      /* now it can be reached */
}

#endif
