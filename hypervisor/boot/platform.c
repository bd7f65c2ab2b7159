#include "boot/private.h"
#include "domain/domain.h"
#include "drivers/acpi.h"
#include "mm/frame_table.h"
#include "mm/pagetable.h"
#include "x86/apic.h"
#include "x86/irq.h"
#include "x86/percpu.h"
#include "x86/tsc.h"

#define HPET_SIZE        0x400
#define NR_ISA_IRQS      16

/* Devices only: dom0 names the place of its MSI-X tables. */
static void *map_device(paddr_t maddr, unsigned long size)
{
    return mfn_valid(PFN_DOWN(maddr)) ? NULL : ioremap(maddr, size);
}

/* The 16 old interrupts, with what the firmware says of them. */
static void __init init_isa_irqs(void)
{
    for (unsigned int irq = 0; irq < NR_ISA_IRQS; irq++) {
        unsigned int gsi = irq;
        bool level = false, low = false;

        for (unsigned int i = 0; i < acpi.nr_overrides; i++) {
            const struct acpi_override *o = &acpi.override[i];

            if (o->isa_irq == irq) {
                gsi = o->gsi;
                level = o->level;
                low = o->active_low;
            } else if (o->gsi == irq && gsi == irq) {
                gsi = NR_IRQS;       /* the pin is another irq's */
            }
        }
        irq_setup_gsi(gsi, level, low);
    }
}

void __init init_interrupts(void)
{
    i8259_disable();                 /* before its line to the APIC closes */
    apic_init_boot(ioremap(acpi.lapic_maddr, PAGE_SIZE));
    for (unsigned int i = 0; i < acpi.nr_ioapics; i++)
        ioapic_add(ioremap(acpi.ioapic[i].maddr, PAGE_SIZE),
                   acpi.ioapic[i].gsi_base);
    init_isa_irqs();
    msi_ioremap = map_device;
}

void __init init_time(void)
{
    platform_timer_init(acpi.hpet_maddr ? ioremap(acpi.hpet_maddr, HPET_SIZE)
                                        : NULL,
                        acpi.pm_timer, acpi.pm_timer_32bit);
    tsc_init_boot();
    apic_timer_calibrate();
}

static void correct_time(void *data)
{
    struct timer *t = data;

    tsc_correct();
    clock_update_vcpu(current);
    timer_set(t, system_time() + NSEC_PER_SEC);
}

void follow_time(void)
{
    static struct timer timers[NR_CPUS];

    for (unsigned int cpu = 0; cpu < NR_CPUS && !tsc_stable; cpu++) {
        if (cpu_online_mask & BIT(cpu)) {
            timer_init(&timers[cpu], correct_time, &timers[cpu], cpu);
            timer_set(&timers[cpu], system_time());
        }
    }
}
