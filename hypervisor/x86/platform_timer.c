#include "lib/env.h"
#include "x86/io.h"
#include "x86/spinlock.h"
#include "x86/tsc.h"

/* IA-PC HPET Specification 1.0a, 2.3. */
#define HPET_PERIOD      0x004       /* femtoseconds */
#define HPET_CONFIG      0x010
#define HPET_COUNTER     0x0f0
#define HPET_ENABLE      0x1
#define FS_PER_SEC       1000000000000000ULL

#define PM_HZ            3579545

/* (c) after init  (l) lock */
static struct {
    char *hpet;                      /* (c) its registers; or */
    uint16_t pm_port;                /* (c) the PM timer */
    uint64_t hz;                     /* (c) */
    uint32_t mask;                   /* (c) of the counter's bits */
    uint32_t last;                   /* (l) */
    uint64_t ticks;                  /* (l) since the init */
} timer;

static struct spinlock lock = SPINLOCK_INIT(LOCK_CHIP);

static uint32_t read_counter(void)
{
    return timer.hpet ? readl(timer.hpet + HPET_COUNTER) : inl(timer.pm_port);
}

void platform_timer_init(char *hpet, uint16_t pm_port, bool pm_32bit)
{
    uint32_t period = hpet ? readl(hpet + HPET_PERIOD) : 0;

    timer.mask = UINT32_MAX;
    if (period >= 100000 && period <= 100000000) {
        timer.hpet = hpet;
        timer.hz = FS_PER_SEC / period;
        writel(hpet + HPET_CONFIG, readl(hpet + HPET_CONFIG) | HPET_ENABLE);
    } else if (pm_port) {
        timer.pm_port = pm_port;
        timer.hz = PM_HZ;
        timer.mask = pm_32bit ? UINT32_MAX : 0xffffff;
    } else {
        panic("This machine has neither an HPET nor an ACPI PM timer");
    }
    timer.last = read_counter();
    printk(LOG_INFO, "Platform timer: %s, %lu kHz\n",
           timer.hpet ? "HPET" : "ACPI PM timer", timer.hz / 1000);
}

s_time_t platform_time(void)
{
    unsigned long flags = spin_lock_irqsave(&lock);
    uint32_t now = read_counter();
    uint64_t ticks;

    timer.ticks += (now - timer.last) & timer.mask;
    timer.last = now;
    ticks = timer.ticks;
    spin_unlock_irqrestore(&lock, flags);
    return ticks / timer.hz * NSEC_PER_SEC +
           ticks % timer.hz * NSEC_PER_SEC / timer.hz;
}
