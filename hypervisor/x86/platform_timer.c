#include "x86/platform_timer.h"
#include "lib/env.h"
#include "x86/io.h"
#include "x86/spinlock.h"

/* IA-PC HPET Specification 1.0a, 2.3. */
#define HPET_PERIOD      0x004       /* femtoseconds */
#define HPET_CONFIG      0x010
#define HPET_COUNTER     0x0f0
#define HPET_ENABLE      0x1
#define FS_PER_SEC       1000000000000000ULL

#define PM_HZ            3579545
#define PIT_HZ           1193182

/* (c) after init  (l) lock */
static struct {
    uint32_t (*read)(void);          /* (c) counts up */
    uint64_t hz;                     /* (c) */
    uint32_t mask;                   /* (c) of the counter's bits */
    uint32_t last;                   /* (l) */
    uint64_t ticks;                  /* (l) since the init */
} timer;

static struct spinlock lock = SPINLOCK_INIT(LOCK_CHIP);
static char *hpet_regs;              /* (c) */
static uint16_t pm_timer_port;       /* (c) */

static uint32_t read_hpet(void)
{
    return readl(hpet_regs + HPET_COUNTER);
}

static uint32_t read_pm(void)
{
    return inl(pm_timer_port);
}

/* Channel 0 counts down from 65536 once and again. */
static uint32_t read_pit(void)
{
    uint16_t v;

    outb(0x43, 0x00);                /* latch */
    v = inb(0x40);
    v |= inb(0x40) << 8;
    return -v;
}

static bool use_hpet(char *regs)
{
    uint32_t period = readl(regs + HPET_PERIOD);

    if (period < 100000 || period > 100000000)
        return false;
    hpet_regs = regs;
    writel(regs + HPET_CONFIG, readl(regs + HPET_CONFIG) | HPET_ENABLE);
    timer.read = read_hpet;
    timer.hz = FS_PER_SEC / period;
    timer.mask = UINT32_MAX;
    return true;
}

void platform_timer_init(void *hpet, uint16_t pm_port, bool pm_32bit)
{
    const char *name = "HPET";

    if (hpet && use_hpet(hpet)) {
        ;
    } else if (pm_port) {
        name = "ACPI PM timer";
        pm_timer_port = pm_port;
        timer.read = read_pm;
        timer.hz = PM_HZ;
        timer.mask = pm_32bit ? UINT32_MAX : 0xffffff;
    } else {
        name = "PIT";
        outb(0x43, 0x34);            /* channel 0, 16 bits, rate generator */
        outb(0x40, 0);
        outb(0x40, 0);
        timer.read = read_pit;
        timer.hz = PIT_HZ;
        timer.mask = 0xffff;
    }
    timer.last = timer.read();
    printk(LOG_INFO, "Platform timer: %s, %lu kHz\n", name, timer.hz / 1000);
}

s_time_t platform_time(void)
{
    unsigned long flags = spin_lock_irqsave(&lock);
    uint32_t now = timer.read();
    uint64_t ticks;

    timer.ticks += (now - timer.last) & timer.mask;
    timer.last = now;
    ticks = timer.ticks;
    spin_unlock_irqrestore(&lock, flags);
    return ticks / timer.hz * NSEC_PER_SEC +
           ticks % timer.hz * NSEC_PER_SEC / timer.hz;
}
