/*
 * What the hypervisor's pure files ask of whoever links them, on the host.
 *
 * Everything is weak: a test that wants another behaviour defines its own.
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "lib/env.h"
#include "x86/cpu.h"
#include "x86/percpu.h"
#include "x86/spinlock.h"

#define SHIM __attribute__((weak))

SHIM struct vcpu *shim_current;
SHIM unsigned int shim_cpu;
SHIM struct cpu_user_regs shim_regs;
SHIM uint64_t shim_stats[NR_STATS];
SHIM cpumask_t cpu_online_mask = 1;
SHIM unsigned int nr_cpus = 1;
SHIM struct cpu_features cpu_features = { .nx = true, .phys_bits = 46,
                                          .virt_bits = 48 };
SHIM bool shim_irqs_on = true;
SHIM char *shim_ram;

static const struct spinlock *held[16];
static unsigned int nr_held;

static void __noreturn fail(const char *what, const struct spinlock *l)
{
    fprintf(stderr, "lock of level %u: %s\n", l->level, what);
    abort();
}

SHIM void printk(enum log_level level, const char *fmt, ...)
{
    va_list ap;

    (void)level;
    va_start(ap, fmt);
    vfprintf(stderr, fmt, ap);
    va_end(ap);
}

SHIM void panic(const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    vfprintf(stderr, fmt, ap);
    va_end(ap);
    fputc('\n', stderr);
    abort();
}

SHIM void spin_lock_init(struct spinlock *l, enum lock_level level)
{
    *l = (struct spinlock)SPINLOCK_INIT(level);
}

SHIM void spin_lock(struct spinlock *l)
{
    for (unsigned int i = 0; i < nr_held; i++) {
        if (held[i] == l)
            fail("taken twice", l);
        if (held[i]->level > l->level)
            fail("taken against the order", l);
    }
    if (nr_held == ARRAY_SIZE(held))
        fail("too many held", l);
    held[nr_held++] = l;
}

SHIM bool spin_trylock(struct spinlock *l)
{
    spin_lock(l);
    return true;
}

SHIM void spin_unlock(struct spinlock *l)
{
    for (unsigned int i = 0; i < nr_held; i++)
        if (held[i] == l) {
            held[i] = held[--nr_held];
            return;
        }
    fail("given back, but not held", l);
}

SHIM unsigned long spin_lock_irqsave(struct spinlock *l)
{
    unsigned long flags = irq_save();

    spin_lock(l);
    return flags;
}

SHIM void spin_unlock_irqrestore(struct spinlock *l, unsigned long flags)
{
    spin_unlock(l);
    irq_restore(flags);
}

SHIM unsigned int shim_locks_held(void)
{
    return nr_held;
}

/* At exit: a test left a lock behind. */
static void __attribute__((destructor)) no_lock_left(void)
{
    if (nr_held)
        fail("held at the end", held[0]);
}
