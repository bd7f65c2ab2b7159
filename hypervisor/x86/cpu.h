/*
 * The CPU: what it can do, and its registers in C.
 */
#ifndef X86_CPU_H
#define X86_CPU_H

#include "lib/types.h"
#include "x86/regs.h"

/* Found on the boot CPU; the other CPUs must agree. (c) after start */
struct cpu_features {
    uint32_t max_leaf, max_ext_leaf;
    bool intel, smep, smap, nx, pge, xsave, fsgsbase, sysenter, page1g;
    bool hypervisor, invariant_tsc;
    bool smap_usable;                /* CR4.SMAP is on */
    bool isolate;                    /* Meltdown: two roots */
    bool fpu_leaks;                  /* FXRSTOR leaves the x87 pointers */
    unsigned int phys_bits;
    uint64_t tsc_hz;
};
extern struct cpu_features cpu_features;
extern int opt_isolate, opt_smap;    /* -1: as the CPU needs it */

struct cpuid_regs {
    uint32_t a, b, c, d;
};

static inline struct cpuid_regs cpuid(uint32_t leaf, uint32_t sub)
{
    struct cpuid_regs r;

    __asm__ volatile("cpuid" : "=a" (r.a), "=b" (r.b), "=c" (r.c), "=d" (r.d)
                     : "a" (leaf), "c" (sub));
    return r;
}

static inline uint64_t rdmsr(uint32_t msr)
{
    uint32_t lo, hi;

    __asm__ volatile("rdmsr" : "=a" (lo), "=d" (hi) : "c" (msr));
    return lo | ((uint64_t)hi << 32);
}

static inline void wrmsr(uint32_t msr, uint64_t val)
{
    __asm__ volatile("wrmsr" :: "c" (msr), "a" ((uint32_t)val),
                     "d" ((uint32_t)(val >> 32)) : "memory");
}

/* The same where the MSR may not exist: false, and nothing else, on #GP. */
bool rdmsr_safe(uint32_t msr, uint64_t *ret_val);

/* read_cr0(), write_cr0(v), and so on. */
#define CONTROL_REGISTER(cr)                                        \
    static inline unsigned long read_##cr(void)                     \
    {                                                               \
        unsigned long v;                                            \
                                                                    \
        __asm__ volatile("mov %%" #cr ", %0" : "=r" (v));           \
        return v;                                                   \
    }                                                               \
                                                                    \
    static inline void write_##cr(unsigned long v)                  \
    {                                                               \
        __asm__ volatile("mov %0, %%" #cr :: "r" (v) : "memory");   \
    }
CONTROL_REGISTER(cr0)
CONTROL_REGISTER(cr2)
CONTROL_REGISTER(cr3)
CONTROL_REGISTER(cr4)

static inline void invlpg(unsigned long va)
{
    __asm__ volatile("invlpg (%0)" :: "r" (va) : "memory");
}

static inline uint64_t rdtsc(void)
{
    uint32_t lo, hi;

    __asm__ volatile("rdtsc" : "=a" (lo), "=d" (hi));
    return lo | ((uint64_t)hi << 32);
}

static inline void irq_disable(void)
{
    __asm__ volatile("cli" ::: "memory");
}

static inline void irq_enable(void)
{
    __asm__ volatile("sti" ::: "memory");
}

static inline unsigned long irq_save(void)
{
    unsigned long flags;

    __asm__ volatile("pushfq; popq %0; cli" : "=r" (flags) :: "memory");
    return flags;
}

static inline void irq_restore(unsigned long flags)
{
    __asm__ volatile("pushq %0; popfq" :: "r" (flags) : "memory", "cc");
}

static inline bool irqs_on(void)
{
    unsigned long flags;

    __asm__ volatile("pushfq; popq %0" : "=r" (flags));
    return flags & EFLAGS_IF;
}

static inline void cpu_relax(void)
{
    __asm__ volatile("pause" ::: "memory");
}

/* Boot CPU: fill cpu_features, refuse a CPU that cannot run us (panic). */
void cpu_init_boot(void);
/* Every CPU: CR0, CR4, EFER, PAT, STAR and the other MSRs. */
void cpu_init_this(void);

#endif
