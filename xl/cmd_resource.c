/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Memory and vcpus of running domains. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "xl.h"

static int set_memory(int argc, char **argv, const char *method)
{
    struct json_object *o;
    int64_t kb;

    while (next_option(argc, argv, "h", NULL) != -1)
        ;
    kb = parse_size(argv[optind + 1]);
    if (kb <= 0)
        return fail("invalid memory size: %s (MiB, or with a suffix b k m g "
                    "t)", argv[optind + 1]);
    o = params_of("domain", argv[optind]);
    add_int(o, "memory_kb", kb);
    return client_do(method, o);
}

static int cmd_mem_set(int argc, char **argv)
{
    return set_memory(argc, argv, "domain.set_memory");
}

static int cmd_mem_max(int argc, char **argv)
{
    return set_memory(argc, argv, "domain.set_maxmem");
}

static int cmd_vcpu_set(int argc, char **argv)
{
    static const struct option words[] = {
        { "ignore-host", no_argument, NULL, 'i' },
        { "help", no_argument, NULL, 'h' }, { NULL, 0, NULL, 0 }
    };
    bool ignore_host = false;
    struct json_object *o;
    int64_t vcpus;
    int opt;

    while ((opt = next_option(argc, argv, "hi", words)) != -1)
        if (opt == 'i')
            ignore_host = true;
    if (!parse_number(argv[optind + 1], 1, 100000, &vcpus))
        return fail("invalid number of vcpus: %s", argv[optind + 1]);
    o = params_of("domain", argv[optind]);
    add_int(o, "vcpus", vcpus);
    add_bool(o, "ignore_host", ignore_host);
    return client_do("domain.set_vcpus", o);
}

static int cmd_vcpu_pin(int argc, char **argv)
{
    struct json_object *o;
    int64_t vcpu = -1;

    while (next_option(argc, argv, "hf", NULL) != -1)
        ;
    if (strcmp(argv[optind + 1], "all") &&
        !parse_number(argv[optind + 1], 0, 100000, &vcpu))
        return fail("invalid vcpu: %s (a number or all)", argv[optind + 1]);
    o = params_of("domain", argv[optind]);
    add_int(o, "vcpu", vcpu);
    if (strcmp(argv[optind + 2], "-"))
        add_str(o, "hard", argv[optind + 2]);
    if (optind + 3 < argc && strcmp(argv[optind + 3], "-"))
        add_str(o, "soft", argv[optind + 3]);
    if (global.dry_run) {
        print_json(o);
        json_object_put(o);
        return EXIT_OK;
    }
    return client_do("domain.pin", o);
}

static void vcpu_row(struct json_object *d, struct json_object *v)
{
    printf("%-32s %5d %5d ", get_str(d, "name"), (int)get_int(d, "domid"),
           (int)get_int(v, "vcpu"));
    if (get_bool(v, "online"))
        printf("%5d %3c%c- ", (int)get_int(v, "cpu"),
               get_bool(v, "running") ? 'r' : '-',
               get_bool(v, "blocked") ? 'b' : '-');
    else
        printf("%5c %3c%cp ", '-', '-', '-');
    printf("%9.1f  %s / %s\n", (double)get_int(v, "cpu_time_ns") / 1e9,
           get_str(v, "hard"), get_str(v, "soft"));
}

static int cmd_vcpu_list(int argc, char **argv)
{
    static const struct listing l = {
        "domain.vcpus", "Name                                ID  VCPU   CPU "
        "State   Time(s) Affinity (Hard / Soft)\n", "vcpus", vcpu_row
    };

    while (next_option(argc, argv, "h", NULL) != -1)
        ;
    return show_listing(&l, argv + optind, argc - optind);
}

const struct command resource_commands[] = {
    { "mem-set", cmd_mem_set, "<Domain> <MemMB['b'|'k'|'m'|'g'|'t']>",
      "Tell a domain how much memory to use from now on", NULL, 2, 2, false },
    { "mem-max", cmd_mem_max, "<Domain> <MemMB['b'|'k'|'m'|'g'|'t']>",
      "Limit how much memory a domain can have", NULL, 2, 2, false },
    { "vcpu-set", cmd_vcpu_set, "[option] <Domain> <vCPUs>",
      "Tell a domain how many vcpus to use from now on",
      "-i, --ignore-host   allow more than the host has CPUs\n", 2, 2, false },
    { "vcpu-list", cmd_vcpu_list, "[Domain ...]",
      "Show the vcpus of all domains, or of some", NULL, 0, MANY, false },
    { "vcpu-pin", cmd_vcpu_pin,
      "[option] <Domain> <VCPU|all> <Hard affinity|-|all> "
      "[Soft affinity|-|all]",
      "Choose the CPUs that a vcpu runs on",
      "-f   accepted, without effect\n", 3, 4, true },
    { NULL, NULL, NULL, NULL, NULL, 0, 0, false }
};
