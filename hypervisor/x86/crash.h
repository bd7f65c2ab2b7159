/*
 * Faults of the hypervisor itself: those that somebody expects, those that
 * nobody does, and how the machine ends.
 */
#ifndef X86_CRASH_H
#define X86_CRASH_H

#include "lib/env.h"

struct cpu_user_regs;

extern int opt_noreboot;             /* after a crash: halt */
extern bool crashing;                /* the console takes no locks any more */

/* Where to go on after a fault at rip (x86/extable.h); 0: it is unexpected. */
unsigned long extable_lookup(unsigned long rip);

/* The general registers, four lines. */
void regs_show(enum log_level level, const struct cpu_user_regs *regs);

/* A fault of our own at regs: show registers and a symbolic backtrace, then
 * reboot or halt. */
void fatal_trap(const struct cpu_user_regs *regs) __noreturn;
/* Bad hardware, or another CPU's crash that stops us.  On the NMI stack;
 * takes no locks. */
void nmi_handle(const struct cpu_user_regs *regs);

/* Stop every CPU and restart the machine, or halt for good. */
void machine_reboot(void) __noreturn;
void machine_halt(void) __noreturn;
/* Tried first: a register named by ACPI's FADT.  Returns if that failed. */
extern void (*machine_reset)(void);

#endif
