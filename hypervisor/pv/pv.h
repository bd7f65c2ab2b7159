/*
 * What a paravirtual guest meets: the interfaces between the files of pv/.
 */
#ifndef PV_PV_H
#define PV_PV_H

#include "lib/abi.h"
#include "x86/paging.h"

struct domain;
struct vcpu;

/* Install guest_ops; fill IDT and system-call entries of this CPU. */
void pv_init_boot(void);
void pv_init_cpu(void);

/* entry.S calls these with the guest's or the hypervisor's registers. */
void do_trap(struct cpu_user_regs *regs);
void do_paranoid(struct cpu_user_regs *regs);
void pv_syscall(struct cpu_user_regs *regs);

/* CPUID as d sees it. */
void pv_cpuid(struct vcpu *v, uint32_t leaf, uint32_t sub, uint32_t out[4]);

#endif
