/*
 * I/O APICs (Intel 82093AA and its successors): an index and a data register
 * for a few pins each.
 */
#include "x86/apic.h"
#include "lib/env.h"
#include "x86/io.h"
#include "x86/irq.h"
#include "x86/spinlock.h"

#define REG_SELECT       0x00
#define REG_DATA         0x10
#define IOAPIC_VERSION   1
#define IOAPIC_RTE(pin)  (0x10 + 2 * (pin))

#define RTE_ACTIVE_LOW   0x02000
#define RTE_LEVEL        0x08000
#define RTE_MASKED       0x10000

/* The i8259's spurious interrupts arrive here: no vector of a device. */
#define I8259_BASE       0xf0

/* Where a GSI arrives.  (c) after boot  (l) lock */
struct pin {
    char *regs;                      /* (c) of its chip; NULL: no such GSI */
    unsigned int nr;                 /* (c) */
    uint32_t low;                    /* (l) its entry, as last written */
};

static struct spinlock lock = SPINLOCK_INIT(LOCK_CHIP);
static struct pin pins[NR_IRQS];
unsigned int nr_gsis;

static void write_locked(const struct pin *p, unsigned int reg, uint32_t v)
{
    writel(p->regs + REG_SELECT, reg);
    writel(p->regs + REG_DATA, v);
}

static void set_low_locked(struct pin *p, uint32_t low)
{
    p->low = low;
    write_locked(p, IOAPIC_RTE(p->nr), low);
}

void ioapic_add(char *regs, unsigned int gsi_base)
{
    unsigned int nr;

    writel(regs + REG_SELECT, IOAPIC_VERSION);
    nr = ((readl(regs + REG_DATA) >> 16) & 0xff) + 1;
    for (unsigned int i = 0; i < nr; i++) {
        struct pin p = { .regs = regs, .nr = i };

        set_low_locked(&p, RTE_MASKED);
        if (gsi_base + i < NR_IRQS)
            pins[gsi_base + i] = p;
    }
    nr_gsis = MIN(MAX(nr_gsis, gsi_base + nr), NR_IRQS);
    printk(LOG_INFO, "I/O APIC: GSIs %u to %u\n", gsi_base, gsi_base + nr - 1);
}

bool ioapic_has_gsi(unsigned int gsi)
{
    return gsi < NR_IRQS && pins[gsi].regs;
}

void ioapic_setup(unsigned int gsi, bool level, bool active_low)
{
    unsigned long flags = spin_lock_irqsave(&lock);

    set_low_locked(&pins[gsi], RTE_MASKED | (level ? RTE_LEVEL : 0) |
                               (active_low ? RTE_ACTIVE_LOW : 0));
    spin_unlock_irqrestore(&lock, flags);
}

void ioapic_route(unsigned int gsi, unsigned int vector, unsigned int apic_id)
{
    struct pin *p = &pins[gsi];
    unsigned long flags = spin_lock_irqsave(&lock);

    /* A pin that is not masked keeps its vector, which all CPUs know: so the
     * destination may change alone.  A mask in between would lose an edge. */
    write_locked(p, IOAPIC_RTE(p->nr) + 1, apic_id << 24);
    set_low_locked(p, (p->low & ~0xffU) | vector);
    spin_unlock_irqrestore(&lock, flags);
}

void ioapic_mask(unsigned int gsi, bool masked)
{
    struct pin *p = &pins[gsi];
    unsigned long flags = spin_lock_irqsave(&lock);

    set_low_locked(p, (p->low & ~RTE_MASKED) | (masked ? RTE_MASKED : 0));
    spin_unlock_irqrestore(&lock, flags);
}

void i8259_disable(void)
{
    for (unsigned int slave = 0; slave < 2; slave++) {
        uint16_t port = slave ? 0xa0 : 0x20;

        outb(port, 0x11);            /* ICW1: edge, cascade, ICW4 */
        outb(port + 1, I8259_BASE);
        outb(port + 1, slave ? 2 : 1 << 2);
        outb(port + 1, 0x01);        /* ICW4: 8086 */
        outb(port + 1, 0xff);
    }
}
