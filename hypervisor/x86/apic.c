#include "x86/apic.h"
#include "lib/env.h"
#include "x86/cpu.h"
#include "x86/io.h"
#include "x86/percpu.h"
#include "x86/tsc.h"

/* Registers (SDM 3A, 10.4.1). */
#define APIC_ID          0x020
#define APIC_TPR         0x080
#define APIC_EOI         0x0b0
#define APIC_SPURIOUS    0x0f0
#define APIC_ISR         0x100
#define APIC_ESR         0x280
#define APIC_ICR_LOW     0x300
#define APIC_ICR_HIGH    0x310
#define APIC_LVT_TIMER   0x320
#define APIC_LVT_PERF    0x340
#define APIC_LVT_LINT0   0x350
#define APIC_LVT_LINT1   0x360
#define APIC_LVT_ERROR   0x370
#define APIC_TIMER_INIT  0x380
#define APIC_TIMER_COUNT 0x390
#define APIC_TIMER_DIV   0x3e0

#define SPURIOUS_ENABLE  0x100
#define LVT_MASKED       0x10000
#define LVT_NMI          0x400
#define ICR_BUSY         0x1000
#define DIVIDE_BY_16     0x3

#define APIC_BASE_ENABLE 0x800
#define CALIBRATE_NS     (10 * NSEC_PER_MSEC)
#define TIMER_MAX_NS     (2 * NSEC_PER_SEC)

static char *apic;                   /* (c) registers */
static uint64_t timer_mul;           /* (c) counts for a ns, << 32 */

static uint32_t apic_in(unsigned int reg)
{
    return readl(apic + reg);
}

static void apic_out(unsigned int reg, uint32_t v)
{
    writel(apic + reg, v);
}

void apic_error(void)
{
    apic_out(APIC_ESR, 0);
    printk(LOG_WARN, "APIC error %#x\n", apic_in(APIC_ESR));
}

void apic_init_boot(void *regs)
{
    apic = regs;
    this_percpu()->apic_id = apic_in(APIC_ID) >> 24;
    apic_init_this();
}

void apic_init_this(void)
{
    wrmsr(MSR_APIC_BASE, rdmsr(MSR_APIC_BASE) | APIC_BASE_ENABLE);
    apic_out(APIC_SPURIOUS, SPURIOUS_ENABLE | VEC_APIC_SPURIOUS);
    apic_out(APIC_TPR, 0);
    apic_out(APIC_LVT_LINT0, LVT_MASKED);
    apic_out(APIC_LVT_LINT1, LVT_NMI);
    apic_out(APIC_LVT_PERF, LVT_MASKED | LVT_NMI);
    apic_out(APIC_LVT_ERROR, VEC_APIC_ERROR);
    apic_out(APIC_TIMER_DIV, DIVIDE_BY_16);
    apic_out(APIC_TIMER_INIT, 0);
    apic_out(APIC_LVT_TIMER, VEC_APIC_TIMER);
}

void apic_eoi(void)
{
    apic_out(APIC_EOI, 0);
}

bool apic_in_service(unsigned int vector)
{
    return apic_in(APIC_ISR + (vector / 32) * 0x10) & BIT(vector % 32);
}

/* Two registers make a command: no interrupt may come between. */
void apic_send(unsigned int cpu, uint32_t command)
{
    unsigned long flags = irq_save();

    while (apic_in(APIC_ICR_LOW) & ICR_BUSY)
        cpu_relax();
    apic_out(APIC_ICR_HIGH, percpu_of[cpu]->apic_id << 24);
    apic_out(APIC_ICR_LOW, command);
    irq_restore(flags);
}

void apic_timer_set(s_time_t deadline)
{
    s_time_t delta;
    uint64_t count;

    if (deadline == S_TIME_MAX) {
        apic_out(APIC_TIMER_INIT, 0);
        return;
    }
    delta = deadline - system_time();
    delta = delta < 0 ? 0 : MIN(delta, TIMER_MAX_NS);
    count = (delta * timer_mul) >> 32;
    /* Rounded up: a timer that fires early would only be set again. */
    apic_out(APIC_TIMER_INIT, MIN(count + 1, (uint64_t)UINT32_MAX));
}

static s_time_t timer_count(void)
{
    return apic_in(APIC_TIMER_COUNT);        /* it counts down */
}

void apic_timer_calibrate(void)
{
    s_time_t start, now;
    uint32_t first, counts;

    apic_out(APIC_LVT_TIMER, LVT_MASKED | VEC_APIC_TIMER);
    apic_out(APIC_TIMER_INIT, UINT32_MAX);
    first = clocks_at_once(timer_count, system_time, &start);
    do {
        counts = first - clocks_at_once(timer_count, system_time, &now);
    } while (now - start < CALIBRATE_NS);
    apic_out(APIC_TIMER_INIT, 0);
    apic_out(APIC_LVT_TIMER, VEC_APIC_TIMER);
    timer_mul = ((uint64_t)counts << 32) / (now - start);
    printk(LOG_INFO, "APIC timer: %lu kHz\n",
           (uint64_t)counts * 1000000 / (now - start));
}
