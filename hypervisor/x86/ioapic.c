/*
 * Intel 82093AA and its successors: an index and a data register.
 */
#include "x86/ioapic.h"
#include "lib/env.h"
#include "x86/io.h"
#include "x86/irq.h"
#include "x86/spinlock.h"

#define MAX_IOAPICS      16

#define REG_SELECT       0x00
#define REG_DATA         0x10
#define IOAPIC_VERSION   1
#define IOAPIC_RTE(pin)  (0x10 + 2 * (pin))

#define RTE_ACTIVE_LOW   0x02000
#define RTE_LEVEL        0x08000
#define RTE_MASKED       0x10000

/* (c) after boot  (l) lock */
struct ioapic {
    char *regs;                      /* (c) */
    paddr_t maddr;                   /* (c) */
    unsigned int gsi_base, nr_pins;  /* (c) */
    uint32_t rte_low[256];           /* (l) as last written */
};

static struct spinlock lock = SPINLOCK_INIT(LOCK_CHIP);
static struct ioapic ioapics[MAX_IOAPICS];
static unsigned int nr_ioapics;      /* (c) */
unsigned int nr_gsis;

static uint32_t read_locked(const struct ioapic *a, unsigned int reg)
{
    writel(a->regs + REG_SELECT, reg);
    return readl(a->regs + REG_DATA);
}

static void write_locked(const struct ioapic *a, unsigned int reg, uint32_t v)
{
    writel(a->regs + REG_SELECT, reg);
    writel(a->regs + REG_DATA, v);
}

static struct ioapic *find(unsigned int gsi, unsigned int *ret_pin)
{
    *ret_pin = 0;
    for (unsigned int i = 0; i < nr_ioapics; i++) {
        struct ioapic *a = &ioapics[i];

        if (gsi >= a->gsi_base && gsi - a->gsi_base < a->nr_pins) {
            *ret_pin = gsi - a->gsi_base;
            return a;
        }
    }
    return NULL;
}

bool ioapic_has_gsi(unsigned int gsi)
{
    unsigned int pin;

    return find(gsi, &pin);
}

static void set_low_locked(struct ioapic *a, unsigned int pin, uint32_t low)
{
    a->rte_low[pin] = low;
    write_locked(a, IOAPIC_RTE(pin), low);
}

void ioapic_add(void *regs, paddr_t maddr, unsigned int gsi_base)
{
    struct ioapic *a = &ioapics[nr_ioapics];

    if (nr_ioapics == MAX_IOAPICS)
        return;
    a->regs = regs;
    a->maddr = maddr;
    a->gsi_base = gsi_base;
    a->nr_pins = ((read_locked(a, IOAPIC_VERSION) >> 16) & 0xff) + 1;
    for (unsigned int pin = 0; pin < a->nr_pins; pin++)
        set_low_locked(a, pin, RTE_MASKED);
    nr_ioapics++;
    nr_gsis = MIN(MAX(nr_gsis, gsi_base + a->nr_pins), NR_IRQS);
    printk(LOG_INFO, "I/O APIC at %#lx: GSIs %u to %u\n", maddr, gsi_base,
           gsi_base + a->nr_pins - 1);
}

void ioapic_setup(unsigned int gsi, bool level, bool active_low)
{
    unsigned int pin;
    struct ioapic *a = find(gsi, &pin);
    unsigned long flags = spin_lock_irqsave(&lock);

    set_low_locked(a, pin, RTE_MASKED | (level ? RTE_LEVEL : 0) |
                   (active_low ? RTE_ACTIVE_LOW : 0));
    spin_unlock_irqrestore(&lock, flags);
}

void ioapic_route(unsigned int gsi, unsigned int vector, unsigned int apic_id)
{
    unsigned int pin;
    struct ioapic *a = find(gsi, &pin);
    unsigned long flags = spin_lock_irqsave(&lock);
    uint32_t low = (a->rte_low[pin] & ~0xffU) | vector;

    /* Never a new vector with the old destination: masked in between. */
    write_locked(a, IOAPIC_RTE(pin), low | RTE_MASKED);
    write_locked(a, IOAPIC_RTE(pin) + 1, apic_id << 24);
    set_low_locked(a, pin, low);
    spin_unlock_irqrestore(&lock, flags);
}

void ioapic_mask(unsigned int gsi, bool masked)
{
    unsigned int pin;
    struct ioapic *a = find(gsi, &pin);
    unsigned long flags = spin_lock_irqsave(&lock);
    uint32_t low = a->rte_low[pin] & ~RTE_MASKED;

    set_low_locked(a, pin, low | (masked ? RTE_MASKED : 0));
    spin_unlock_irqrestore(&lock, flags);
}

bool ioapic_read(paddr_t maddr, unsigned int reg, uint32_t *ret_val)
{
    for (unsigned int i = 0; i < nr_ioapics; i++) {
        struct ioapic *a = &ioapics[i];

        if (a->maddr == maddr && reg < IOAPIC_RTE(a->nr_pins)) {
            unsigned long flags = spin_lock_irqsave(&lock);

            *ret_val = read_locked(a, reg);
            spin_unlock_irqrestore(&lock, flags);
            return true;
        }
    }
    return false;
}
