/*
 * The order in which the machine comes up: one line per step.
 */
#include "boot/private.h"
#include "control/control.h"
#include "domain/domain.h"
#include "drivers/acpi.h"
#include "drivers/console.h"
#include "mm/frame_table.h"
#include "pv/pv.h"
#include "x86/cpu.h"
#include "x86/crash.h"
#include "x86/fpu.h"
#include "x86/tsc.h"

#define BOOT_MAP_END     (4UL << 30)

static struct boot_info bi;

void boot_main(uint32_t magic, uint32_t mbi) __noreturn;

/* Before mm_init: the first 4 GiB are mapped. */
static const void *map_early(paddr_t maddr, size_t n)
{
    return maddr + n <= BOOT_MAP_END ? maddr_to_virt(maddr) : NULL;
}

static void tell_input(void)
{
    evtchn_send_global_virq(VIRQ_CONSOLE);
}

void boot_main(uint32_t magic, uint32_t mbi)
{
    desc_load_early();
    multiboot_parse(magic, mbi, &bi);
    parse_options(bi.cmdline);
    console_init(opt_console, opt_com1);
    version_set_cmdline(bi.cmdline);
    printk(LOG_INFO, "zazen %s, options: %s\n", ZAZEN_VERSION, bi.cmdline);
    cpu_init_boot();
    if (!acpi_parse(&acpi, 0, map_early))
        panic("ACPI does not name the CPUs and interrupts of this machine");
    machine_reset = acpi_reset;
    init_memory(&bi);
    pv_init_boot();
    if (desc_prepare_cpu(0))
        panic("No memory for the descriptor tables");
    desc_load_cpu();
    init_interrupts();
    init_time();
    fpu_init_this();
    clock_init_boot();
    sched_init_boot();
    sched_init_cpu(0);
    irq_enable();
    smp_start_others();
    tsc_init_done();
    follow_time();
    console_init_irq(tell_input);
    dom0_build(&bi);
    free_init();
    idle_loop();
}
