/*
 * The order in which the machine comes up: one line per step.
 */
#include "boot/dom0_build.h"
#include "boot/multiboot.h"
#include "boot/smpboot.h"
#include "domain/domain.h"
#include "drivers/acpi.h"
#include "drivers/console.h"
#include "lib/cmdline.h"
#include "lib/string.h"
#include "mm/buddy.h"
#include "mm/frame_table.h"
#include "mm/pagetable.h"
#include "pv/desc.h"
#include "pv/pv.h"
#include "x86/apic.h"
#include "x86/cpu.h"
#include "x86/crash.h"
#include "x86/fpu.h"
#include "x86/i8259.h"
#include "x86/image.h"
#include "x86/ioapic.h"
#include "x86/irq.h"
#include "x86/msi.h"
#include "x86/percpu.h"
#include "x86/platform_timer.h"
#include "x86/smp.h"
#include "x86/tlb.h"
#include "x86/tsc.h"

#define LOW_MEMORY_END   0x100000UL
#define BOOT_MAP_END     (4UL << 30)
#define HPET_SIZE        0x400
#define NR_ISA_IRQS      16

static struct boot_info bi;

static char opt_console[32] = "com1", opt_com1[64], opt_loglvl[32];
static char opt_dom0_mem[64], opt_tsc[16];
static unsigned int opt_dom0_max_vcpus;

static const struct boot_option options[] = {
    { "console", OPT_STRING, opt_console, sizeof(opt_console) },
    { "com1", OPT_STRING, opt_com1, sizeof(opt_com1) },
    { "loglvl", OPT_STRING, opt_loglvl, sizeof(opt_loglvl) },
    { "noreboot", OPT_BOOL, &opt_noreboot, 0 },
    { "dom0_mem", OPT_STRING, opt_dom0_mem, sizeof(opt_dom0_mem) },
    { "dom0_max_vcpus", OPT_UINT, &opt_dom0_max_vcpus, 0 },
    { "isolate", OPT_TRISTATE, &opt_isolate, 0 },
    { "tsc", OPT_STRING, opt_tsc, sizeof(opt_tsc) },
};

void boot_main(uint32_t magic, uint32_t mbi) __noreturn;
long missing_function(void);

long missing_function(void)
{
    printk(LOG_ERR, "a part that is not there was called by %p\n",
           __builtin_return_address(0));
    return 0;
}

static void unknown_option(const char *word)
{
    printk(LOG_WARN, "Boot option not known or not valid: %s\n", word);
}

static void __init parse_options(void)
{
    static const struct {
        const char *name;
        enum log_level level;
    } levels[] = {
        { "error", LOG_ERR }, { "warning", LOG_WARN }, { "info", LOG_INFO },
        { "debug", LOG_DEBUG }, { "all", LOG_DEBUG },
    };
    bool found = !opt_loglvl[0];

    cmdline_parse(bi.cmdline, options, ARRAY_SIZE(options), unknown_option);
    found = !opt_loglvl[0];
    for (unsigned int i = 0; i < ARRAY_SIZE(levels); i++) {
        if (!strcmp(opt_loglvl, levels[i].name)) {
            console_level = levels[i].level;
            found = true;
        }
    }
    if (!found)
        unknown_option(opt_loglvl);
    opt_tsc_stable = !strcmp(opt_tsc, "stable");
}

/* RAM that the allocator may have: all but what is in use now. */
static void __init find_usable(struct e820_map *usable)
{
    const struct boot_module *mods[] = { &bi.kernel, &bi.initrd };

    *usable = machine_e820;
    e820_change(usable, 0, LOW_MEMORY_END, 0);
    e820_change(usable, image_maddr(image_start), image_maddr(image_end), 0);
    for (unsigned int i = 0; i < ARRAY_SIZE(mods); i++)
        e820_change(usable, mods[i]->start & PAGE_MASK,
                    (mods[i]->end + PAGE_SIZE - 1) & PAGE_MASK, 0);
}

static void __init init_memory(void)
{
    static struct e820_map usable __initdata;

    if (!bi.memory.nr)
        panic("The boot loader gave no memory map");
    machine_e820 = bi.memory;
    for (unsigned int i = 0; i < machine_e820.nr; i++) {
        const struct e820_entry *e = &machine_e820.e[i];

        printk(LOG_INFO, "  %016lx - %016lx  type %u\n", e->addr,
               e->addr + e->size, e->type);
    }
    find_usable(&usable);
    mm_init(&machine_e820, &usable);
}

/* Before mm_init: the first 4 GiB are mapped. */
static const void *map_early(paddr_t maddr, size_t n)
{
    return maddr + n <= BOOT_MAP_END ? maddr_to_virt(maddr) : NULL;
}

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

static void __init init_interrupts(void)
{
    i8259_disable();                 /* before its line to the APIC closes */
    apic_init_boot(ioremap(acpi.lapic_maddr, PAGE_SIZE));
    this_percpu()->apic_id = apic_read_id();
    for (unsigned int i = 0; i < acpi.nr_ioapics; i++)
        ioapic_add(ioremap(acpi.ioapic[i].maddr, PAGE_SIZE),
                   acpi.ioapic[i].maddr, acpi.ioapic[i].gsi_base);
    init_isa_irqs();
    msi_ioremap = map_device;
    tlb_init_boot();
    smp_init_boot();
}

static void __init init_time(void)
{
    void *hpet = acpi.hpet_maddr ? ioremap(acpi.hpet_maddr, HPET_SIZE) : NULL;

    platform_timer_init(hpet, acpi.pm_timer.io ? acpi.pm_timer.addr : 0,
                        acpi.pm_timer_32bit);
    tsc_init_boot();
    apic_timer_calibrate();
}

/* Without a stable TSC: each CPU's clock follows the platform timer. */
static void follow_time(void *data)
{
    struct timer *t = data;

    tsc_correct();
    clock_update_vcpu(current);
    timer_set(t, system_time() + NSEC_PER_SEC);
}

static void start_following(void)
{
    static struct timer timers[NR_CPUS];

    for (unsigned int cpu = 0; cpu < NR_CPUS && !tsc_stable; cpu++) {
        if (cpu_online_mask & BIT(cpu)) {
            timer_init(&timers[cpu], follow_time, &timers[cpu], cpu);
            timer_set(&timers[cpu], system_time());
        }
    }
}

static void tell_input(void)
{
    evtchn_send_global_virq(VIRQ_CONSOLE);
}

static void build_dom0(void)
{
    struct dom0_params p = {
        .kernel = bi.kernel.start, .kernel_size = bi.kernel.end - bi.kernel.start,
        .initrd = bi.initrd.start, .initrd_size = bi.initrd.end - bi.initrd.start,
        .cmdline = bi.kernel.cmdline,
        .mem = opt_dom0_mem[0] ? opt_dom0_mem : NULL,
        .max_vcpus = opt_dom0_max_vcpus,
    };

    if (!p.kernel_size)
        panic("No module for dom0's kernel: the boot loader must load one");
    dom0_build(&p);
}

static void free_init(void)
{
    for (char *va = init_start; va < init_end; va += PAGE_SIZE)
        hv_unmap((unsigned long)va);
    tlb_flush_mask(cpu_online_mask, FLUSH_ALL);
    frames_add(PFN_DOWN(image_maddr(init_start)),
               PFN_DOWN(image_maddr(init_end)) - 1);
}

void boot_main(uint32_t magic, uint32_t mbi)
{
    crash_early_idt();
    multiboot_parse(magic, mbi, &bi);
    parse_options();
    console_init(opt_console, opt_com1);
    printk(LOG_INFO, "zazen %s, options: %s\n", ZAZEN_VERSION, bi.cmdline);
    cpu_init_boot();
    if (!acpi_parse(&acpi, 0, map_early))
        panic("ACPI does not name the CPUs and interrupts of this machine");
    machine_set_reset(acpi_reset);
    init_memory();
    pv_init_boot();
    if (desc_prepare_cpu(0))
        panic("No memory for the descriptor tables");
    desc_load_cpu();
    init_interrupts();
    init_time();
    fpu_init_this();
    domain_init_boot();
    clock_init_boot();
    sched_init_boot();
    sched_init_cpu(0);
    irq_enable();
    smp_start_others();
    tsc_init_done();
    start_following();
    console_init_irq(tell_input);
    build_dom0();
    free_init();
    idle_loop();
}
