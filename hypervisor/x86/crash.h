/*
 * When the hypervisor itself is wrong, and how the machine ends.
 */
#ifndef X86_CRASH_H
#define X86_CRASH_H

#include "lib/env.h"
#include "lib/symbols.h"

struct cpu_user_regs;

extern int opt_noreboot;             /* after a crash: halt */
extern bool crashing;                /* the console takes no locks any more */

/* Load an IDT that reports any fault and stops; until desc_init_cpu. */
void crash_early_idt(void);

/* The general registers, four lines. */
void regs_show(enum log_level level, const struct cpu_user_regs *regs);
/* Registers of the hypervisor, a symbolic backtrace; nothing is changed. */
void crash_show(const struct cpu_user_regs *regs);

/* A fault of our own at regs: show it all, then reboot or halt. */
void fatal_trap(const struct cpu_user_regs *regs) __noreturn;

/* "function+0x12" for addresses in the image, into buf. */
const char *symbol_format(char *buf, size_t size, unsigned long addr);

/* Stop every CPU and restart the machine, or halt for good. */
void machine_reboot(void) __noreturn;
void machine_halt(void) __noreturn;
/* How to reset: a register named by ACPI's FADT; tried first. */
void machine_set_reset(bool (*reset)(void));

#endif
