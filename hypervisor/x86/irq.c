/*
 * Interrupts from devices to their handlers.
 *
 * A bound irq has one vector, the same on every CPU, so that a change of its
 * CPU needs no hand-over.  Sources are changed under the lock; their arrival
 * takes none: it counts itself in `running`, which irq_unbind waits for.
 */
#include "x86/irq.h"
#include "lib/abi.h"
#include "lib/env.h"
#include "x86/apic.h"
#include "x86/atomic.h"
#include "x86/cpu.h"
#include "x86/percpu.h"
#include "x86/smp.h"
#include "x86/spinlock.h"

/* (l) lock; read by arrivals without it  (a) atomic */
struct irq {
    irq_handler *handler;            /* (l) NULL: not bound */
    void *data;                      /* (l) */
    unsigned int running;            /* (a) handlers called now */
    uint8_t vector;                  /* (l) 0: none */
    bool setup;                      /* (l) GSI: pin is programmed */
    bool level, active_low;          /* (l) */
    bool is_msi;                     /* (l) allocated by irq_alloc_msi */
    unsigned int cpu;                /* (l) where it goes */
    struct msi_desc msi;             /* (l) */
};

static struct spinlock lock = SPINLOCK_INIT(LOCK_IRQ);
static struct irq irqs[NR_IRQS];
static uint8_t vector_irq[256];                  /* (l) */
static void do_nothing(void)
{
}

/* (c) after boot */
static void (*vector_fn[256])(void) = {
    [VEC_CALL] = smp_called,
    /* The way out of the interrupt looks at softirqs and events by itself. */
    [VEC_EVENT_CHECK] = do_nothing,
    [VEC_APIC_ERROR] = apic_error,
};
static unsigned long unexpected[4];              /* (a) logged already */

void irq_set_vector(unsigned int vector, void (*fn)(void))
{
    vector_fn[vector] = fn;
}

static void arrival(unsigned int irq)
{
    struct irq *i = &irqs[irq];
    irq_handler *handler;

    if (i->level)
        ioapic_mask(irq, true);
    apic_eoi();
    atomic_inc(&i->running);
    handler = READ_ONCE(i->handler);
    if (handler)
        handler(i->data, irq);
    atomic_dec(&i->running);
}

static void unexpected_vector(unsigned int vector)
{
    if (vector == VEC_APIC_SPURIOUS)
        return;
    if (apic_in_service(vector))
        apic_eoi();
    if (!test_and_set_bit(vector, unexpected))
        printk(LOG_WARN, "Unexpected interrupt, vector %#x, on cpu %u\n",
               vector, smp_processor_id());
}

void do_irq(struct cpu_user_regs *regs)
{
    unsigned int vector = regs->entry_vector & 0xff;

    stat_inc(STAT_IRQ);
    if (vector_fn[vector]) {
        apic_eoi();
        vector_fn[vector]();
    } else if (irqs[vector_irq[vector]].vector == vector) {
        arrival(vector_irq[vector]);
    } else {
        unexpected_vector(vector);
    }
}

bool irq_needs_eoi(unsigned int irq)
{
    return irq < NR_IRQS && irqs[irq].level;
}

int irq_setup_gsi(unsigned int gsi, bool level, bool active_low)
{
    struct irq *i = &irqs[gsi];
    unsigned long flags;
    int rc = 0;

    if (!ioapic_has_gsi(gsi))
        return -EINVAL;
    flags = spin_lock_irqsave(&lock);
    if (i->setup && i->level == level && i->active_low == active_low) {
        rc = -EEXIST;
    } else if (i->handler) {
        rc = -EBUSY;
    } else {
        i->setup = true;
        i->level = level;
        i->active_low = active_low;
        ioapic_setup(gsi, level, active_low);
    }
    spin_unlock_irqrestore(&lock, flags);
    return rc;
}

/* Higher vectors interrupt first; which device gets which does not matter. */
static unsigned int vector_alloc_locked(void)
{
    for (unsigned int v = VEC_FIRST_DEVICE; v <= VEC_LAST_DEVICE; v++)
        if (v != VEC_INT80 && irqs[vector_irq[v]].vector != v)
            return v;
    return 0;
}

static void route_locked(unsigned int irq)
{
    struct irq *i = &irqs[irq];
    unsigned int apic_id = percpu_of[i->cpu]->apic_id;

    if (i->is_msi)
        msi_route(&i->msi, i->vector, apic_id);
    else
        ioapic_route(irq, i->vector, apic_id);
}

int irq_bind(unsigned int irq, irq_handler *handler, void *data)
{
    struct irq *i = &irqs[irq];
    unsigned int vector;
    unsigned long flags;
    int rc = 0;

    if (irq >= NR_IRQS)
        return -EINVAL;
    flags = spin_lock_irqsave(&lock);
    vector = vector_alloc_locked();
    if (!i->is_msi && !i->setup) {
        rc = -EINVAL;
    } else if (i->handler) {
        rc = -EBUSY;
    } else if (!vector) {
        rc = -ENOSPC;
    } else {
        i->data = data;
        i->handler = handler;
        i->vector = vector;
        vector_irq[vector] = irq;
        route_locked(irq);
        if (!i->is_msi)
            ioapic_mask(irq, false);
    }
    spin_unlock_irqrestore(&lock, flags);
    return rc;
}

void irq_unbind(unsigned int irq)
{
    struct irq *i = &irqs[irq];
    unsigned long flags;

    if (irq >= NR_IRQS)
        return;
    flags = spin_lock_irqsave(&lock);
    if (i->handler) {
        if (i->is_msi)
            msi_stop(&i->msi);
        else
            ioapic_mask(irq, true);
        __atomic_store_n(&i->handler, NULL, __ATOMIC_SEQ_CST);
        i->vector = 0;
    }
    spin_unlock_irqrestore(&lock, flags);
    while (READ_ONCE(i->running))
        cpu_relax();
}

void irq_eoi(unsigned int irq)
{
    unsigned long flags;

    if (!irq_needs_eoi(irq))
        return;
    flags = spin_lock_irqsave(&lock);
    if (irqs[irq].handler)
        ioapic_mask(irq, false);
    spin_unlock_irqrestore(&lock, flags);
}

void irq_set_affinity(unsigned int irq, unsigned int cpu)
{
    unsigned long flags;

    if (irq >= NR_IRQS || cpu >= NR_CPUS || !percpu_of[cpu])
        return;
    flags = spin_lock_irqsave(&lock);
    if (irqs[irq].cpu != cpu) {
        irqs[irq].cpu = cpu;
        if (irqs[irq].handler)
            route_locked(irq);
    }
    spin_unlock_irqrestore(&lock, flags);
}

int irq_alloc_msi(const struct msi_desc *m, unsigned int *ret_irq)
{
    struct irq new = { .is_msi = true, .msi = *m };
    unsigned long flags;
    unsigned int irq;
    int rc = msi_check(&new.msi);

    if (rc)
        return rc;
    flags = spin_lock_irqsave(&lock);
    for (irq = nr_gsis; irq < NR_IRQS && irqs[irq].is_msi; irq++)
        ;
    rc = irq == NR_IRQS ? -ENOSPC : 0;
    if (!rc) {
        irqs[irq] = new;
        *ret_irq = irq;
    }
    spin_unlock_irqrestore(&lock, flags);
    return rc;
}

void irq_free_msi(unsigned int irq)
{
    unsigned long flags;

    irq_unbind(irq);
    flags = spin_lock_irqsave(&lock);
    if (irq < NR_IRQS)
        irqs[irq].is_msi = false;
    spin_unlock_irqrestore(&lock, flags);
}
