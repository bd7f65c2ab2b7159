/*
 * The CPU on the host: interrupts are a flag, privileged registers are absent.
 */
#ifndef X86_CPU_H
#define X86_CPU_H

#include "lib/types.h"
#include "x86/regs.h"

struct cpu_features {
    bool smep, smap, smap_usable, nx, fsgsbase, xsave, isolate, amd, intel;
    unsigned int phys_bits, virt_bits;
    uint64_t tsc_hz;
};
extern struct cpu_features cpu_features;

struct cpuid_regs {
    uint32_t a, b, c, d;
};
extern bool shim_irqs_on;

static inline void irq_disable(void)
{
    shim_irqs_on = false;
}

static inline void irq_enable(void)
{
    shim_irqs_on = true;
}

static inline unsigned long irq_save(void)
{
    unsigned long flags = shim_irqs_on;

    shim_irqs_on = false;
    return flags;
}

static inline void irq_restore(unsigned long flags)
{
    shim_irqs_on = flags;
}

static inline bool irqs_on(void)
{
    return shim_irqs_on;
}

static inline void cpu_relax(void)
{
}

#endif
