/*
 * One-shot timers on system time, in a heap for each CPU.  Functions run in
 * softirq context on that CPU, with interrupts on.
 */
#ifndef SCHED_TIMER_H
#define SCHED_TIMER_H

#include "lib/heap.h"

/* (t) lock of its CPU's timers */
struct timer {
    struct heap_node node;           /* (t) its key: when it expires */
    unsigned int cpu;                /* (t) */
    bool set, dead;                  /* (t) */
    void (*fn)(void *data);          /* (c) */
    void *data;                      /* (c) */
};

void timer_init_boot(void);          /* once, before any timer */
void timer_init(struct timer *t, void (*fn)(void *), void *data,
                unsigned int cpu);
void timer_set(struct timer *t, s_time_t expires);   /* past: at once */
void timer_stop(struct timer *t);    /* fn may still be running */
/* Never again: returns when fn runs nowhere.  Not from fn itself. */
void timer_kill(struct timer *t);
void timer_move(struct timer *t, unsigned int cpu);  /* stops it, too */

#endif
