/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The host: what it is, what it says, how long it has been up. */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <time.h>

#include "xl.h"

/* What of xl info is to be shown: all keys, or those that begin with this. */
static const char *wanted;

static void line(const char *key, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

static void line(const char *key, const char *fmt, ...)
{
    va_list ap;

    if (wanted && strncmp(key, wanted, strlen(wanted)))
        return;
    if (!wanted)
        printf("%-23s: ", key);
    va_start(ap, fmt);
    vprintf(fmt, ap);
    va_end(ap);
    putchar('\n');
}

static void text_line(struct json_object *i, const char *key)
{
    line(key, "%s", get_str(i, key));
}

static void int_line(struct json_object *i, const char *key)
{
    line(key, "%lld", (long long)get_int(i, key));
}

static void info_machine(struct json_object *i)
{
    struct json_object *caps;
    char hw[8 * 9 + 1] = "";
    struct utsname u;
    size_t nr;

    if (!uname(&u)) {
        line("host", "%s", u.nodename);
        line("release", "%s", u.release);
        line("version", "%s", u.version);
        line("machine", "%s", u.machine);
    }
    int_line(i, "nr_cpus");
    int_line(i, "max_cpu_id");
    int_line(i, "nr_nodes");
    int_line(i, "cores_per_socket");
    int_line(i, "threads_per_core");
    line("cpu_mhz", "%.3f", (double)get_int(i, "cpu_khz") / 1000);
    caps = get_list(i, "hw_caps", &nr);
    for (size_t n = 0; n < nr && n < 8; n++)
        sprintf(hw + n * 9, n + 1 < nr && n < 7 ? "%08x:" : "%08x",
                (uint32_t)json_object_get_int64(
                    json_object_array_get_idx(caps, n)));
    line("hw_caps", "%s", hw);
    text_line(i, "virt_caps");
    line("total_memory", "%lld", (long long)get_int(i, "total_kb") / 1024);
    line("free_memory", "%lld", (long long)get_int(i, "free_kb") / 1024);
    line("sharing_freed_memory", "0");
    line("sharing_used_memory", "0");
    line("outstanding_claims", "%lld",
         (long long)get_int(i, "outstanding_kb") / 1024);
    line("free_cpus", "0");
}

static void info_hypervisor(struct json_object *i)
{
    int_line(i, "xen_major");
    int_line(i, "xen_minor");
    text_line(i, "xen_extra");
    line("xen_version", "%d.%d%s", (int)get_int(i, "xen_major"),
         (int)get_int(i, "xen_minor"), get_str(i, "xen_extra"));
    text_line(i, "xen_caps");
    text_line(i, "xen_scheduler");
    int_line(i, "xen_pagesize");
    line("platform_params", "virt_start=0x%llx",
         (unsigned long long)get_int(i, "virt_start"));
    text_line(i, "xen_changeset");
    text_line(i, "xen_commandline");
    text_line(i, "cc_compiler");
    text_line(i, "cc_compile_by");
    text_line(i, "cc_compile_domain");
    text_line(i, "cc_compile_date");
    text_line(i, "build_id");
    line("xend_config_format", "4");
}

/* The tables of xl info -n; one node holds everything. */
static int info_topology(struct json_object *i)
{
    struct json_object *result = client_call("host.cpus", NULL), *list;
    size_t nr;

    if (!result)
        return EXIT_FAILED;
    puts("cpu_topology           :");
    puts("cpu:    core    socket     node");
    list = get_list(result, "cpus", &nr);
    for (size_t n = 0; n < nr; n++) {
        struct json_object *c = json_object_array_get_idx(list, n);

        printf("%3d:    %4d     %4d     %4d\n", (int)get_int(c, "cpu"),
               (int)get_int(c, "core"), (int)get_int(c, "socket"),
               (int)get_int(c, "node"));
    }
    puts("numa_info              :");
    puts("node:    memsize    memfree    distances");
    printf("%4d:    %6lld     %6lld      10\n", 0,
           (long long)get_int(i, "total_kb") / 1024,
           (long long)get_int(i, "free_kb") / 1024);
    json_object_put(result);
    return EXIT_OK;
}

static int cmd_info(int argc, char **argv)
{
    static const struct option words[] = {
        { "numa", no_argument, NULL, 'n' },
        { "help", no_argument, NULL, 'h' }, { NULL, 0, NULL, 0 }
    };
    struct json_object *i;
    bool numa = false;
    int opt, rc = EXIT_OK;

    while ((opt = next_option(argc, argv, "hn", words)) != -1)
        if (opt == 'n')
            numa = true;
    if (optind < argc)
        wanted = argv[optind];
    i = client_call("host.info", NULL);
    if (!i)
        return EXIT_FAILED;
    if (global.json) {
        print_json(i);
    } else {
        info_machine(i);
        if (numa && !wanted)
            rc = info_topology(i);
        info_hypervisor(i);
    }
    json_object_put(i);
    return rc;
}

static int cmd_dmesg(int argc, char **argv)
{
    static const struct option words[] = {
        { "clear", no_argument, NULL, 'c' },
        { "help", no_argument, NULL, 'h' }, { NULL, 0, NULL, 0 }
    };
    struct json_object *o = json_object_new_object(), *result;
    bool clear = false;
    int opt;

    while ((opt = next_option(argc, argv, "hc", words)) != -1)
        if (opt == 'c')
            clear = true;
    add_bool(o, "clear", clear);
    result = client_call("host.dmesg", o);
    if (!result)
        return EXIT_FAILED;
    if (global.json)
        print_json(result);
    else
        fputs(get_str(result, "text"), stdout);
    json_object_put(result);
    return EXIT_OK;
}

static void uptime_of(struct json_object *d, char text[40])
{
    strcpy(text, "-");
    if (json_object_object_get_ex(d, "uptime", NULL))
        format_uptime(get_int(d, "uptime"), text);
}

static void uptime_row(struct json_object *d, struct json_object *unused)
{
    char up[40];

    (void)unused;
    uptime_of(d, up);
    printf("%-33s %4d %s\n", get_str(d, "name"), (int)get_int(d, "domid"),
           up);
}

static void short_row(struct json_object *d, struct json_object *unused)
{
    char up[40], now[16];
    time_t t = time(NULL);
    struct tm tm;

    (void)unused;
    uptime_of(d, up);
    localtime_r(&t, &tm);
    strftime(now, sizeof(now), "%H:%M:%S", &tm);
    printf(" %s up %s, %s (%d)\n", now, up, get_str(d, "name"),
           (int)get_int(d, "domid"));
}

static int cmd_uptime(int argc, char **argv)
{
    static const struct option words[] = {
        { "short", no_argument, NULL, 's' },
        { "help", no_argument, NULL, 'h' }, { NULL, 0, NULL, 0 }
    };
    static const struct listing forms[] = {
        { "domain.list", "Name                                ID Uptime\n",
          NULL, uptime_row },
        { "domain.list", "", NULL, short_row },
    };
    bool brief = false;
    int opt;

    while ((opt = next_option(argc, argv, "hs", words)) != -1)
        if (opt == 's')
            brief = true;
    return show_listing(&forms[brief], argv + optind, argc - optind);
}

static int cmd_debug_keys(int argc, char **argv)
{
    while (next_option(argc, argv, "h", NULL) != -1)
        ;
    return client_do("host.debug_keys", params_of("keys", argv[optind]));
}

static int cmd_cpupool_list(int argc, char **argv)
{
    static const struct option words[] = {
        { "cpus", no_argument, NULL, 'c' },
        { "help", no_argument, NULL, 'h' }, { NULL, 0, NULL, 0 }
    };
    struct json_object *info, *list;
    bool cpus = false;
    size_t nr;
    int opt;

    while ((opt = next_option(argc, argv, "hc", words)) != -1)
        if (opt == 'c')
            cpus = true;
    if (optind < argc && strcmp(argv[optind], "Pool-0"))
        return fail("there is no CPU pool %s, only Pool-0", argv[optind]);
    info = client_call("host.info", NULL);
    if (!info)
        return EXIT_FAILED;
    printf("%-19s", "Name");
    if (cpus) {
        printf("CPU list\n%-19s", "Pool-0");
        for (int i = 0; i < get_int(info, "nr_cpus"); i++)
            printf(i ? ",%d" : "%d", i);
        putchar('\n');
    } else {
        list = all_domains(&nr);
        json_object_put(list);
        puts("CPUs   Sched     Active   Domain count");
        printf("%-19s%3d %9s       y       %4zu\n", "Pool-0",
               (int)get_int(info, "nr_cpus"), get_str(info, "xen_scheduler"),
               nr);
    }
    json_object_put(info);
    return EXIT_OK;
}

const struct command host_commands[] = {
    { "info", cmd_info, "[-n|--numa] [Key]",
      "Show what the host has, or one value of it",
      "-n, --numa   also CPU topology and NUMA nodes\n", 0, 1, false },
    { "dmesg", cmd_dmesg, "[-c]", "Show the hypervisor's log",
      "-c, --clear   empty it afterwards\n", 0, 0, false },
    { "uptime", cmd_uptime, "[-s] [Domain ...]",
      "Show how long domains have been running",
      "-s, --short   a shorter form\n", 0, MANY, false },
    { "debug-keys", cmd_debug_keys, "<Keys>",
      "Press keys on the hypervisor's console", NULL, 1, 1, false },
    { "cpupool-list", cmd_cpupool_list, "[-c] [Pool]", "Show the CPU pool",
      "-c, --cpus   its CPUs\n", 0, 1, false },
    { NULL, NULL, NULL, NULL, NULL, 0, 0, false }
};
