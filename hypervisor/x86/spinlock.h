/*
 * Ticket spin locks with levels.
 *
 * The order below is the only lock order: a lock may be taken while locks of
 * a smaller level are held, never the reverse, and two of one level only where
 * the level says so.  Debug builds check it.  Locks marked irq are also taken
 * by interrupt handlers: always with the _irqsave form.
 */
#ifndef X86_SPINLOCK_H
#define X86_SPINLOCK_H

#include "lib/types.h"

enum lock_level {
    LOCK_CONTROL,     /* domctl and sysctl, one at a time */
    LOCK_DOMLIST,     /* the table of domains, for writers */
    LOCK_DOMAIN,      /* d->lock: vcpus, limits, registrations */
    LOCK_GRANT,       /* one grant table; two in order of domid */
    LOCK_ROOTS,       /* d->mm.root_lock: a domain's loaded roots, L4 copies */
    LOCK_PAGES,       /* d->mm.page_lock: the list of a domain's frames */
    LOCK_HEAP,        /* the frame allocator */
    LOCK_CALL,        /* cross-CPU function calls and TLB shootdown */
    /* From here on with interrupts off; handlers take them. */
    LOCK_EVTCHN,      /* irq: a domain's ports; two in order of domid */
    LOCK_QUEUES,      /* irq: its queues of pending ports, with FIFO */
    LOCK_IRQ,         /* irq: one interrupt source */
    LOCK_SCHED,       /* irq: one CPU's run queue; two in order of CPU */
    LOCK_TIMER,       /* irq: one CPU's timers */
    LOCK_CHIP,        /* irq: registers of a chip behind an index port */
    LOCK_CONSOLE,     /* irq: log ring and output */
};

/* (a) both halves: next ticket to give, ticket being served */
struct spinlock {
    uint16_t next, serving;
    uint8_t level;
    uint8_t pad;
    uint16_t owner;              /* debug: CPU + 1 */
};

#define SPINLOCK_INIT(lvl) { .level = (lvl) }

void spin_lock_init(struct spinlock *l, enum lock_level level);
void spin_lock(struct spinlock *l);
bool spin_trylock(struct spinlock *l);
void spin_unlock(struct spinlock *l);

/* Returns the interrupt flag to hand to spin_unlock_irqrestore. */
unsigned long spin_lock_irqsave(struct spinlock *l);
void spin_unlock_irqrestore(struct spinlock *l, unsigned long flags);

#endif
