/*
 * Non-maskable interrupts: the watchdog, and other CPUs that stop us.
 */
#ifndef X86_NMI_H
#define X86_NMI_H

struct cpu_user_regs;

/* On the NMI stack; takes no locks. */
void nmi_handle(const struct cpu_user_regs *regs);

#endif
