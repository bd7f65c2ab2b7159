/*
 * What a paravirtual guest meets: the interfaces between the files of pv/.
 */
#ifndef PV_PV_H
#define PV_PV_H

#include "lib/abi.h"
#include "pv/decode.h"
#include "x86/cpu.h"
#include "x86/paging.h"

struct domain;
struct vcpu;

/* Install guest_ops and the hooks of lower layers; once, at boot. */
void pv_init_boot(void);

/* entry.S calls these.  Interrupts are off. */
void do_guest_trap(struct cpu_user_regs *regs);  /* from ring 3 */
void do_own_trap(struct cpu_user_regs *regs);    /* from ring 0 */
void do_paranoid(struct cpu_user_regs *regs);    /* NMI, #MC, #DF, own #DB */
void pv_syscall(struct cpu_user_regs *regs);
void pv_upcall(struct vcpu *v, struct cpu_user_regs *regs);

/* bounce.c: enter the guest's kernel. */
struct bounce {
    unsigned long entry;
    bool mask_events;                /* on the way in */
    bool has_error;
    bool failsafe;                   /* selectors of ds, es, fs, gs too */
    uint32_t error;
};

/* Make the running vcpu go on at b->entry of its kernel; crashes a guest
 * whose kernel stack cannot be written. */
void pv_bounce(struct vcpu *v, struct cpu_user_regs *regs,
               const struct bounce *b);
void pv_bounce_syscall(struct vcpu *v, struct cpu_user_regs *regs);
/* The same through the guest's trap table. */
void pv_inject(struct vcpu *v, struct cpu_user_regs *regs,
               unsigned int vector, uint32_t error);
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

#endif
