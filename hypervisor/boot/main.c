/*
 * The order in which the machine comes up: one line per step.
 */
#include "boot/multiboot.h"
#include "drivers/console.h"
#include "lib/cmdline.h"
#include "lib/string.h"
#include "x86/crash.h"
#include "x86/image.h"
#include "x86/percpu.h"

static struct boot_info bi __initdata;

static char opt_console[32] = "com1", opt_com1[64], opt_loglvl[32];
static char opt_dom0_mem[64];
static unsigned int opt_dom0_max_vcpus;


static const struct boot_option options[] = {
    { "console", OPT_STRING, opt_console, sizeof(opt_console) },
    { "com1", OPT_STRING, opt_com1, sizeof(opt_com1) },
    { "loglvl", OPT_STRING, opt_loglvl, sizeof(opt_loglvl) },
    { "noreboot", OPT_BOOL, &opt_noreboot, 0 },
    { "dom0_mem", OPT_STRING, opt_dom0_mem, sizeof(opt_dom0_mem) },
    { "dom0_max_vcpus", OPT_UINT, &opt_dom0_max_vcpus, 0 },
};

void boot_main(uint32_t magic, uint32_t mbi) __noreturn;
void missing_function(void);

void missing_function(void)
{
    panic("a part that is not there was called");
}

static void unknown_option(const char *word)
{
    printk(LOG_WARN, "Boot option not known or not valid: %s\n", word);
}

void boot_main(uint32_t magic, uint32_t mbi)
{
    crash_early_idt();
    multiboot_parse(magic, mbi, &bi);
    cmdline_parse(bi.cmdline, options, ARRAY_SIZE(options), unknown_option);
    console_init(opt_console, opt_com1);
    printk(LOG_INFO, "zazen %s, options: %s\n", ZAZEN_VERSION, bi.cmdline);
    machine_halt();
}
