/*
 * Work deferred to the way out of the hypervisor: bits of
 * percpu.softirq_pending, run with interrupts on before a return to a guest.
 */
#ifndef SCHED_SOFTIRQ_H
#define SCHED_SOFTIRQ_H

enum softirq {
    SOFTIRQ_TIMER,
    SOFTIRQ_NMI,             /* the running vcpu may have to take one */
    SOFTIRQ_KEY,             /* somebody typed one for us */
    SOFTIRQ_SCHEDULE,        /* last: it may not return */
    NR_SOFTIRQS
};

void softirq_register(enum softirq n, void (*fn)(void));
void softirq_raise(enum softirq n);                     /* here */
void softirq_raise_on(unsigned int cpu, enum softirq n); /* kicks the CPU */
void do_softirq(void);       /* run all pending ones; interrupts on */

#endif
