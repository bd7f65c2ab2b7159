/*
 * One-shot timers on system time, in a heap for each CPU.  Functions run in
 * softirq context on that CPU, with interrupts on.
 */
#ifndef SCHED_TIMER_H
#define SCHED_TIMER_H

#include "lib/types.h"

struct timer {
    s_time_t expires;
    unsigned int heap_pos;           /* 0: not set */
    unsigned int cpu;
    void (*fn)(void *data);
    void *data;
    bool running, dead;
};

void timer_init_boot(void);          /* each CPU */
void timer_init(struct timer *t, void (*fn)(void *), void *data,
                unsigned int cpu);
void timer_set(struct timer *t, s_time_t expires);   /* past: at once */
void timer_stop(struct timer *t);
void timer_kill(struct timer *t);    /* returns when fn runs nowhere */
void timer_migrate(struct timer *t, unsigned int cpu);

#endif
