#include "boot/private.h"
#include "drivers/console.h"
#include "lib/cmdline.h"
#include "x86/cpu.h"
#include "x86/crash.h"
#include "x86/tsc.h"

char opt_console[32] = "com1", opt_com1[64], opt_dom0_mem[64];
unsigned int opt_dom0_max_vcpus;

/* In the order of enum log_level. */
static const char *const levels[] = {
    "error", "warning", "info", "debug", "all", NULL
};
static const char *const tsc_words[] = { "unstable", "stable", NULL };

static const struct boot_option options[] = {
    { "console", OPT_STRING, opt_console, sizeof(opt_console), NULL },
    { "com1", OPT_STRING, opt_com1, sizeof(opt_com1), NULL },
    { "loglvl", OPT_WORD, &console_level, 0, levels },
    { "noreboot", OPT_FLAG, &opt_noreboot, 0, NULL },
    { "dom0_mem", OPT_STRING, opt_dom0_mem, sizeof(opt_dom0_mem), NULL },
    { "dom0_max_vcpus", OPT_UINT, &opt_dom0_max_vcpus, 0, NULL },
    { "isolate", OPT_FLAG, &opt_isolate, 0, NULL },
    { "smap", OPT_FLAG, &opt_smap, 0, NULL },
    { "tsc", OPT_WORD, &opt_tsc, 0, tsc_words },
};

void parse_options(const char *cmdline)
{
    cmdline_parse(cmdline, options, ARRAY_SIZE(options));
}
