#include "boot/private.h"
#include "drivers/console.h"
#include "lib/cmdline.h"
#include "lib/string.h"
#include "x86/cpu.h"
#include "x86/crash.h"
#include "x86/tsc.h"

char opt_console[32] = "com1", opt_com1[64], opt_dom0_mem[64];
unsigned int opt_dom0_max_vcpus;

static char opt_loglvl[32], opt_tsc[16];

static const struct boot_option options[] = {
    { "console", OPT_STRING, opt_console, sizeof(opt_console) },
    { "com1", OPT_STRING, opt_com1, sizeof(opt_com1) },
    { "loglvl", OPT_STRING, opt_loglvl, sizeof(opt_loglvl) },
    { "noreboot", OPT_BOOL, &opt_noreboot, 0 },
    { "dom0_mem", OPT_STRING, opt_dom0_mem, sizeof(opt_dom0_mem) },
    { "dom0_max_vcpus", OPT_UINT, &opt_dom0_max_vcpus, 0 },
    { "isolate", OPT_TRISTATE, &opt_isolate, 0 },
    { "smap", OPT_TRISTATE, &opt_smap, 0 },
    { "tsc", OPT_STRING, opt_tsc, sizeof(opt_tsc) },
};

static const struct {
    const char *name;
    enum log_level level;
} levels[] = {
    { "error", LOG_ERR }, { "warning", LOG_WARN }, { "info", LOG_INFO },
    { "debug", LOG_DEBUG }, { "all", LOG_DEBUG },
};

static void complain(const char *word)
{
    printk(LOG_WARN, "Boot option not known or not valid: %s\n", word);
}

void parse_options(const char *cmdline)
{
    bool found = false;

    cmdline_parse(cmdline, options, ARRAY_SIZE(options), complain);
    for (unsigned int i = 0; i < ARRAY_SIZE(levels); i++) {
        if (!strcmp(opt_loglvl, levels[i].name)) {
            console_level = levels[i].level;
            found = true;
        }
    }
    if (opt_loglvl[0] && !found)
        complain("loglvl");
    opt_tsc_stable = !strcmp(opt_tsc, "stable");
    opt_tsc_unstable = !strcmp(opt_tsc, "unstable");
    if (opt_tsc[0] && !opt_tsc_stable && !opt_tsc_unstable)
        complain("tsc");
}
