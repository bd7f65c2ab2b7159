#include "x86/smp.h"
#include "lib/env.h"
#include "x86/apic.h"
#include "x86/atomic.h"
#include "x86/cpu.h"
#include "x86/irq.h"
#include "x86/percpu.h"
#include "x86/spinlock.h"

/* (l) call_lock, read by those called  (a) atomic */
static struct spinlock call_lock = SPINLOCK_INIT(LOCK_CALL);
static void (*call_fn)(void *);                  /* (l) */
static void *call_data;                          /* (l) */
static cpumask_t call_waiting;                   /* (a) who has not done it */

void smp_send_ipi(cpumask_t mask, unsigned int vector)
{
    for (; mask; mask &= mask - 1)
        apic_send_ipi(percpu_of[__builtin_ctzl(mask)]->apic_id, vector);
}

void smp_kick(unsigned int cpu)
{
    apic_send_ipi(percpu_of[cpu]->apic_id, VEC_EVENT_CHECK);
}

static void call_interrupt(struct cpu_user_regs *regs)
{
    (void)regs;
    call_fn(call_data);
    atomic_and(&call_waiting, ~BIT(smp_processor_id()));
}

/* The way out of the interrupt looks at softirqs and events by itself. */
static void check_interrupt(struct cpu_user_regs *regs)
{
    (void)regs;
}

void smp_init_boot(void)
{
    irq_set_vector(VEC_CALL, call_interrupt);
    irq_set_vector(VEC_EVENT_CHECK, check_interrupt);
}

void smp_call(cpumask_t mask, void (*fn)(void *), void *data)
{
    cpumask_t others = mask & cpu_online_mask & ~BIT(smp_processor_id());

    if (others) {
        ASSERT(irqs_on());
        spin_lock(&call_lock);
        call_fn = fn;
        call_data = data;
        __atomic_store_n(&call_waiting, others, __ATOMIC_SEQ_CST);
        smp_send_ipi(others, VEC_CALL);
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
