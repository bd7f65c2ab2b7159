/*
 * This CPU's data, found from the stack pointer.
 *
 * One aligned block holds, from its bottom: a page for the stacks of #DF and
 * #DB, one for NMI, one for #MC; one page that is never mapped, so that
 * overflow of the main stack faults; the main stack; struct percpu at the very
 * top, with the guest's registers (struct cpu_user_regs) right below it.  %gs
 * always belongs to the guest.
 *
 * With page-table isolation a guest runs on a root that does not map this
 * block.  It maps the CPU's entry page instead: interrupts arrive on a small
 * stack there, and the entry code finds in it where to go on.
 */
#ifndef X86_PERCPU_H
#define X86_PERCPU_H

#include "lib/abi.h"
#include "x86/addrmap.h"
#include "x86/stats.h"

#define PERCPU_SIZE  0x8000UL
#define PERCPU_GUARD 0x3000UL         /* offset of the page that is not there */

struct vcpu;

/* (c) constant after start  (o) this CPU only  (a) atomic, others write */
struct percpu {
    struct vcpu *curr;               /* (o) whose registers are on the stack */
    unsigned int cpu;                /* (c) */
    unsigned int softirq_pending;    /* (a) bit per enum softirq */
    unsigned long isolated;          /* (c) guests run on roots of their own */
    unsigned long cr4;               /* (o) what CR4 holds */
    struct vcpu *loaded;             /* (o) whose roots and segments the CPU
                                        holds, while an idle vcpu runs */
    struct entry_page *entry;        /* (c) */
    unsigned int apic_id;            /* (c) */
    uint64_t tlb_clock;              /* (a) the last full flush here */
    uint64_t stats[NR_STATS];        /* (o) others read */
} __aligned(16);

struct tss {
    uint32_t reserved0;
    uint64_t rsp[3];
    uint64_t reserved1;
    uint64_t ist[7];
    uint16_t reserved2[5];
    uint16_t iomap;
} __packed;
_Static_assert(sizeof(struct tss) == 104, "SDM 3A, 8.7");

/*
 * The first page of a CPU's entry block; the next one is the IDT (pv/desc.c).
 * With isolation the guest's root maps these pages, and entry text.
 */
struct entry_page {
    uint64_t ist_stack[4][32];       /* where #DF, NMI, #MC and #DB arrive */
    uint64_t gdt[12];                /* the CPU's own, from selector 0xe000 */
    struct tss tss __aligned(16);
    unsigned long full_cr3;          /* maps everything: the kernel's root */
    unsigned long stack_top;         /* main stack: where SS is pushed */
    unsigned long exit_cr3;          /* what a return to the guest loads */
    uint64_t scratch[2];             /* of the entry code, interrupts off */
    uint64_t stack[32];              /* top: where ring 3 arrives */
} __aligned(16);

static inline struct percpu *this_percpu(void)
{
    unsigned long sp;

    __asm__("mov %%rsp, %0" : "=r" (sp));
    return (struct percpu *)((sp | (PERCPU_SIZE - 1)) + 1 -
                             sizeof(struct percpu));
}

#define current          (this_percpu()->curr)
#define smp_processor_id() (this_percpu()->cpu)

/* The registers with which the running guest came in. */
static inline struct cpu_user_regs *guest_regs(void)
{
    return (struct cpu_user_regs *)this_percpu() - 1;
}

/* Every CPU's block by number; NULL where there is no CPU. */
extern struct percpu *percpu_of[NR_CPUS];
extern cpumask_t cpu_online_mask;
extern unsigned int nr_cpus;         /* online */

static inline void stat_inc(enum stat s)
{
    this_percpu()->stats[s]++;
}

#endif
