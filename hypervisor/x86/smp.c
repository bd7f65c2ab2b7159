#include "x86/smp.h"
#include "lib/env.h"
#include "x86/apic.h"
#include "x86/atomic.h"
#include "x86/cpu.h"
#include "x86/percpu.h"
#include "x86/spinlock.h"

/* Named by boot/head.S. */
char boot_percpu[PERCPU_SIZE] __aligned(PERCPU_SIZE);

struct percpu *percpu_of[NR_CPUS] = {
    (struct percpu *)(boot_percpu + PERCPU_SIZE) - 1,
};
cpumask_t cpu_online_mask = 1;
unsigned int nr_cpus = 1;

/* (l) call_lock, read by those called  (a) atomic */
static struct spinlock call_lock = SPINLOCK_INIT(LOCK_CALL);
static void (*call_fn)(void *);                  /* (l) */
static void *call_data;                          /* (l) */
static cpumask_t call_waiting;                   /* (a) who has not done it */

void smp_kick(unsigned int cpu)
{
    apic_send(cpu, ICR_FIXED + VEC_EVENT_CHECK);
}

void smp_called(void)
{
    call_fn(call_data);
    atomic_and(&call_waiting, ~BIT(smp_processor_id()));
}

void smp_call(cpumask_t mask, void (*fn)(void *), void *data)
{
    cpumask_t others = mask & cpu_online_mask & ~BIT(smp_processor_id());

    if (others) {
        ASSERT(irqs_on());           /* or two CPUs wait for each other */
        spin_lock(&call_lock);
        call_fn = fn;
        call_data = data;
        __atomic_store_n(&call_waiting, others, __ATOMIC_SEQ_CST);
        for (cpumask_t left = others; left; left &= left - 1)
            apic_send(__builtin_ctzl(left), ICR_FIXED + VEC_CALL);
    }
    if (mask & BIT(smp_processor_id())) {
        unsigned long flags = irq_save();

        fn(data);
        irq_restore(flags);
    }
    if (others) {
        while (READ_ONCE(call_waiting))
            cpu_relax();
        spin_unlock(&call_lock);
    }
}
