#include "x86/spinlock.h"
#include "lib/env.h"
#include "x86/atomic.h"
#include "x86/cpu.h"
#include "x86/percpu.h"

void spin_lock_init(struct spinlock *l, enum lock_level level)
{
    *l = (struct spinlock)SPINLOCK_INIT(level);
}

/* Debug builds: locks of each level that a CPU holds. (o) */
static uint8_t held[NR_CPUS][LOCK_CONSOLE + 1];

/* Two of one level: the level says in which order, that is not checked. */
static bool pairs_allowed(unsigned int level)
{
    return level == LOCK_DOMAIN || level == LOCK_GRANT ||
           level == LOCK_EVTCHN || level == LOCK_SCHED || level == LOCK_PAGES;
}

static void check_order(const struct spinlock *l)
{
    for (unsigned int i = l->level; i <= LOCK_CONSOLE; i++)
        if (held[smp_processor_id()][i] && (i != l->level || !pairs_allowed(i)))
            panic("lock of level %u taken after one of level %u", l->level, i);
}

static void note_lock(struct spinlock *l)
{
    ASSERT(l->level <= LOCK_CONSOLE);
    held[smp_processor_id()][l->level]++;
    l->owner = smp_processor_id() + 1;
}

static void note_unlock(struct spinlock *l)
{
    ASSERT(l->owner == smp_processor_id() + 1);
    held[smp_processor_id()][l->level]--;
    l->owner = 0;
}

void spin_lock(struct spinlock *l)
{
    uint16_t ticket;

    if (DEBUG_BUILD)
        check_order(l);
    ticket = __atomic_fetch_add(&l->next, 1, __ATOMIC_ACQUIRE);
    while (__atomic_load_n(&l->serving, __ATOMIC_ACQUIRE) != ticket)
        cpu_relax();
    if (DEBUG_BUILD)
        note_lock(l);
}

bool spin_trylock(struct spinlock *l)
{
    uint16_t serving = __atomic_load_n(&l->serving, __ATOMIC_ACQUIRE);
    uint16_t next = serving;

    if (!__atomic_compare_exchange_n(&l->next, &next, serving + 1, false,
                                     __ATOMIC_ACQUIRE, __ATOMIC_RELAXED))
        return false;
    if (DEBUG_BUILD)
        note_lock(l);
    return true;
}

void spin_unlock(struct spinlock *l)
{
    if (DEBUG_BUILD)
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
