/*
 * This CPU's data on the host: plain variables that a test sets.
 */
#ifndef X86_PERCPU_H
#define X86_PERCPU_H

#include "lib/abi.h"
#include "x86/addrmap.h"
#include "x86/stats.h"

struct vcpu;

extern struct vcpu *shim_current;
extern unsigned int shim_cpu;
extern struct cpu_user_regs shim_regs;
extern uint64_t shim_stats[NR_STATS];
extern cpumask_t cpu_online_mask;
extern unsigned int nr_cpus;

#define current            shim_current
#define smp_processor_id() shim_cpu

static inline struct cpu_user_regs *guest_regs(void)
{
    return &shim_regs;
}

static inline void stat_inc(enum stat s)
{
    shim_stats[s]++;
}

#endif
