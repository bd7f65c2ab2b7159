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
#include "x86/image.h"
#include "x86/tsc.h"

#define BOOT_MAP_END     (4UL << 30)
#define VGA_TEXT_MADDR   0xb8000

static struct boot_info bi;

void boot_main(uint32_t magic, uint32_t info) __noreturn;

/* Before mm_init: the first 4 GiB are mapped. */
static const void *map_early(paddr_t maddr, size_t n)
{
    return n <= BOOT_MAP_END && maddr <= BOOT_MAP_END - n
           ? maddr_to_virt(maddr) : NULL;
}

static void tell_input(void)
{
    evtchn_send_global_virq(VIRQ_CONSOLE);
}

/* The console's options are among what the loader gives: first those. */
static void init_loader(uint32_t magic, uint32_t info)
{
    const char *why;

    bi.image_start = image_maddr(image_start);
    bi.image_end = image_maddr(image_end);
    why = multiboot_parse(magic, info, map_early, &bi);
    parse_options(bi.cmdline);
    console_init(opt_console, opt_com1,
                 bi.text_mode ? maddr_to_virt(VGA_TEXT_MADDR) : NULL);
    if (why)
        panic("The boot loader %s.", why);
    version_set_cmdline(bi.cmdline);
    printk(LOG_INFO, "zazen %s, options: %s\n", ZAZEN_VERSION, bi.cmdline);
}

static void init_acpi(void)
{
    if (bi.efi_table)
        bi.efi_rsdp = acpi_efi_rsdp(bi.efi_table, map_early);
    if (bi.efi_table && !bi.efi_rsdp)
        printk(LOG_WARN, "EFI's tables name no ACPI: dom0 will not find it\n");
    if (!acpi_parse(&acpi, bi.efi_rsdp ? bi.efi_rsdp : bi.rsdp, map_early))
        panic("ACPI does not name the CPUs and interrupts of this machine%s",
              bi.rsdp || bi.efi_table ? "." : " (on UEFI: use multiboot2).");
    machine_reset = acpi_reset;
}

void boot_main(uint32_t magic, uint32_t info)
{
    desc_load_early();
    init_loader(magic, info);
    cpu_init_boot();
    init_acpi();
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
    keys_init();
    console_init_irq(tell_input, key_typed);
    dom0_build(&bi);
    free_init();
    idle_loop();
}
