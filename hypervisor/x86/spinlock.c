#include "x86/spinlock.h"
#include "lib/env.h"
#include "x86/atomic.h"
#include "x86/cpu.h"
#include "x86/percpu.h"

void spin_lock_init(struct spinlock *l, enum lock_level level)
{
    *l = (struct spinlock)SPINLOCK_INIT(level);
}

#ifdef ZAZEN_DEBUG

/* Locks of each level that a CPU holds. (o) */
static uint8_t held[NR_CPUS][LOCK_CONSOLE + 1];

/* Two of one level: the level says in which order, that is not checked. */
static bool pairs_allowed(unsigned int level)
{
    return level == LOCK_DOMAIN || level == LOCK_GRANT ||
           level == LOCK_EVTCHN || level == LOCK_SCHED || level == LOCK_PAGES;
}

static void check_lock(struct spinlock *l, bool ordered)
{
    unsigned int cpu = smp_processor_id();

    ASSERT(l->level <= LOCK_CONSOLE);
    for (unsigned int i = l->level; ordered && i <= LOCK_CONSOLE; i++)
        if (held[cpu][i] && (i != l->level || !pairs_allowed(i)))
            panic("lock of level %u taken after one of level %u", l->level, i);
}

static void note_lock(struct spinlock *l)
{
    held[smp_processor_id()][l->level]++;
    l->owner = smp_processor_id() + 1;
}

static void note_unlock(struct spinlock *l)
{
    ASSERT(l->owner == smp_processor_id() + 1);
    held[smp_processor_id()][l->level]--;
    l->owner = 0;
}

#else

static void check_lock(struct spinlock *l, bool ordered)
{
    (void)l;
    (void)ordered;
}

static void note_lock(struct spinlock *l)
{
    (void)l;
}

static void note_unlock(struct spinlock *l)
{
    (void)l;
}

#endif

void spin_lock(struct spinlock *l)
{
    uint16_t ticket;

    check_lock(l, true);
    ticket = __atomic_fetch_add(&l->next, 1, __ATOMIC_ACQUIRE);
    while (__atomic_load_n(&l->serving, __ATOMIC_ACQUIRE) != ticket)
        cpu_relax();
    note_lock(l);
}

bool spin_trylock(struct spinlock *l)
{
    uint16_t serving = __atomic_load_n(&l->serving, __ATOMIC_ACQUIRE);
    uint16_t next = serving;

    check_lock(l, false);
    if (!__atomic_compare_exchange_n(&l->next, &next, serving + 1, false,
                                     __ATOMIC_ACQUIRE, __ATOMIC_RELAXED))
        return false;
    note_lock(l);
    return true;
}

void spin_unlock(struct spinlock *l)
{
    note_unlock(l);
    __atomic_store_n(&l->serving, l->serving + 1, __ATOMIC_RELEASE);
}

unsigned long spin_lock_irqsave(struct spinlock *l)
{
    unsigned long flags = irq_save();

    spin_lock(l);
    return flags;
}

void spin_unlock_irqrestore(struct spinlock *l, unsigned long flags)
{
    spin_unlock(l);
    irq_restore(flags);
}
