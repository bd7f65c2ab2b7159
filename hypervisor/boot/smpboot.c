#include "boot/private.h"
#include "drivers/acpi.h"
#include "lib/env.h"
#include "lib/string.h"
#include "mm/buddy.h"
#include "mm/frame_table.h"
#include "mm/pagetable.h"
#include "pv/pv.h"
#include "sched/sched.h"
#include "x86/apic.h"
#include "x86/atomic.h"
#include "x86/cpu.h"
#include "x86/fpu.h"
#include "x86/percpu.h"
#include "x86/tsc.h"

#define RETRY_NS         (10 * NSEC_PER_MSEC)
#define GIVE_UP_NS       (5 * NSEC_PER_SEC)

extern const char trampoline_start[], trampoline_end[];

/* For boot/head.S: what the CPU that is starting takes. */
unsigned long ap_root, ap_stack;
void ap_main(void) __noreturn;

static unsigned int ap_alive;        /* (a) number of the CPU that is here */

/* Stacks and struct percpu, with the guard page left out. */
static struct percpu *block_create(unsigned int cpu)
{
    unsigned long base = PERCPU_AREA_START + cpu * PERCPU_SIZE;

    for (unsigned long at = 0; at < PERCPU_SIZE; at += PAGE_SIZE) {
        void *page;

        if (at == PERCPU_GUARD)
            continue;
        page = hv_page_alloc();
        if (!page || hv_map(base + at, virt_to_mfn(page),
                            PTE_PRESENT | PTE_RW | PTE_NX))
            return NULL;
    }
    return (struct percpu *)(base + PERCPU_SIZE) - 1;
}

static bool wait_alive(unsigned int cpu, s_time_t ns)
{
    s_time_t end = system_time() + ns;

    while (READ_ONCE(ap_alive) != cpu) {
        if (system_time() > end)
            return false;
        cpu_relax();
    }
    return true;
}

static bool start_one(unsigned int cpu, unsigned int apic_id, paddr_t code)
{
    struct percpu *p = block_create(cpu);

    if (!p)
        return false;
    p->cpu = cpu;
    p->apic_id = apic_id;
    percpu_of[cpu] = p;
    if (desc_prepare_cpu(cpu))
        return false;
    sched_init_cpu(cpu);
    ap_root = idle_root << PAGE_SHIFT;
    ap_stack = (unsigned long)p - sizeof(struct cpu_user_regs) - 8;
    apic_send(cpu, ICR_INIT);
    apic_send(cpu, ICR_INIT_END);
    apic_send(cpu, ICR_STARTUP + PFN_DOWN(code));
    if (!wait_alive(cpu, RETRY_NS)) {
        apic_send(cpu, ICR_STARTUP + PFN_DOWN(code));
        if (!wait_alive(cpu, GIVE_UP_NS)) {
            apic_send(cpu, ICR_INIT);    /* or it comes on the next's stack */
            return false;
        }
    }
    tsc_check_warp();
    while (!(READ_ONCE(cpu_online_mask) & BIT(cpu)))
        cpu_relax();
    return true;
}

void smp_start_others(void)
{
    paddr_t code = low_page();

    if (!code) {
        printk(LOG_WARN, "No RAM below 1 MiB: only one CPU is used\n");
        return;
    }
    memcpy(maddr_to_virt(code), trampoline_start,
           trampoline_end - trampoline_start);
    for (unsigned int i = 0, cpu = 1; i < acpi.nr_cpus && cpu < NR_CPUS; i++) {
        if (acpi.apic_id[i] == this_percpu()->apic_id)
            continue;
        if (!start_one(cpu++, acpi.apic_id[i], code))
            printk(LOG_WARN, "CPU with APIC id %u does not start\n",
                   acpi.apic_id[i]);
    }
    printk(LOG_INFO, "%u CPUs\n", nr_cpus);
}

void ap_main(void)
{
    unsigned int cpu = smp_processor_id();

    desc_load_cpu();
    cpu_init_this();
    apic_init_this();
    fpu_init_this();
    WRITE_ONCE(ap_alive, cpu);
    tsc_check_warp();
    atomic_inc(&nr_cpus);
    atomic_or(&cpu_online_mask, BIT(cpu));
    irq_enable();
    idle_loop();
}
