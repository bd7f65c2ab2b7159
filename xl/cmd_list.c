/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Listings of domains, in the columns that scripts split. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "xl.h"

struct columns {
    bool verbose, label, pool, numa;
};

static void list_heading(const struct columns *c)
{
    printf("%-40s %5s %5s %5s\t%s\t%s", "Name", "ID", "Mem", "VCPUs", "State",
           "Time(s)");
    if (c->verbose)
        printf("   UUID                            Reason-Code\t"
               "Security Label");
    else if (c->label)
        printf("   Security Label");
    if (c->pool)
        printf("         Cpupool");
    if (c->numa)
        printf(" NODE Affinity");
    putchar('\n');
}

static int reason_code(const char *reason)
{
    static const char *const words[] = {
        "poweroff", "reboot", "suspend", "crash", "watchdog", "soft-reset",
    };

    for (int i = 0; i < 6; i++)
        if (!strcmp(reason, words[i]))
            return i;
    return 0xff;
}

static void list_row(struct json_object *d, const struct columns *c)
{
    char state[7];

    state_letters(d, state);
    printf("%-40s %5d %5lu %5d     %s  %8.1f", get_str(d, "name"),
           (int)get_int(d, "domid"),
           (unsigned long)get_int(d, "memory_kb") / 1024,
           (int)get_int(d, "vcpus"), state,
           (double)get_int(d, "cpu_time_ns") / 1e9);
    if (c->verbose) {
        printf(" %s", get_str(d, "uuid"));
        if (get_bool(d, "shutdown"))
            printf(" %8x", reason_code(get_str(d, "reason")));
        else
            printf(" %8s", "-");
    }
    if (c->verbose || c->label)
        printf(" %16s", "-");
    if (c->pool)
        printf("%16s", "Pool-0");
    if (c->numa)
        printf(" all");
    putchar('\n');
}

/* xl list -l: only domains whose config is known. */
static void list_long(struct json_object *list, size_t nr)
{
    struct json_object *out = json_object_new_array(), *o, *config;

    for (size_t i = 0; i < nr; i++) {
        struct json_object *d = json_object_array_get_idx(list, i);

        if (!json_object_object_get_ex(d, "config", &config))
            continue;
        o = json_object_new_object();
        add_int(o, "domid", get_int(d, "domid"));
        json_object_object_add(o, "config", json_object_get(config));
        json_object_array_add(out, o);
    }
    print_json(out);
    json_object_put(out);
}

static int cmd_list(int argc, char **argv)
{
    static const struct option words[] = {
        { "long", no_argument, NULL, 'l' },
        { "verbose", no_argument, NULL, 'v' },
        { "context", no_argument, NULL, 'Z' },
        { "cpupool", no_argument, NULL, 'c' },
        { "numa", no_argument, NULL, 'n' },
        { "help", no_argument, NULL, 'h' }, { NULL, 0, NULL, 0 }
    };
    struct json_object *params = json_object_new_object(), *result, *list;
    struct columns c = { false, false, false, false };
    bool details = false;
    size_t nr;
    int opt;

    while ((opt = next_option(argc, argv, "hlvZcn", words)) != -1)
        switch (opt) {
        case 'l': details = true; break;
        case 'v': c.verbose = true; break;
        case 'Z': c.label = true; break;
        case 'c': c.pool = true; break;
        case 'n': c.numa = true; break;
        }
    if (optind < argc)
        add_words(params, "domains", argv + optind, 1);
    add_bool(params, "config", details);
    result = client_call("domain.list", params);
    if (!result)
        return EXIT_FAILED;
    list = get_list(result, "domains", &nr);
    if (global.json) {
        print_json(result);
    } else if (details) {
        list_long(list, nr);
    } else {
        list_heading(&c);
        for (size_t i = 0; i < nr; i++)
            list_row(json_object_array_get_idx(list, i), &c);
    }
    json_object_put(result);
    return EXIT_OK;
}

struct json_object *all_domains(size_t *ret_nr)
{
    struct json_object *result = client_call("domain.list", NULL), *list;

    if (!result)
        exit(EXIT_FAILED);
    list = json_object_get(get_list(result, "domains", ret_nr));
    json_object_put(result);
    return list;
}

static void print_rows(const struct listing *l, struct json_object *domain)
{
    struct json_object *members;
    size_t nr;

    if (!l->member) {
        l->row(domain, NULL);
        return;
    }
    members = get_list(domain, l->member, &nr);
    for (size_t i = 0; i < nr; i++)
        l->row(domain, json_object_array_get_idx(members, i));
}

int show_listing(const struct listing *l, char **names, int nr_names)
{
    struct json_object *params = json_object_new_object(), *result, *list;
    size_t nr;

    add_words(params, "domains", names, nr_names);
    result = client_call(l->method, params);
    if (!result)
        return EXIT_FAILED;
    list = get_list(result, "domains", &nr);
    if (global.json)
        print_json(result);
    else
        fputs(l->heading, stdout);
    for (size_t i = 0; i < nr && !global.json; i++)
        print_rows(l, json_object_array_get_idx(list, i));
    json_object_put(result);
    return EXIT_OK;
}

static int cmd_vm_list(int argc, char **argv)
{
    struct json_object *list;
    size_t nr;

    while (next_option(argc, argv, "h", NULL) != -1)
        ;
    list = all_domains(&nr);
    if (global.json)
        print_json(list);
    else
        puts("UUID                                  ID    name");
    for (size_t i = 0; i < nr && !global.json; i++) {
        struct json_object *d = json_object_array_get_idx(list, i);

        printf("%s  %d    %s\n", get_str(d, "uuid"),
               (int)get_int(d, "domid"), get_str(d, "name"));
    }
    json_object_put(list);
    return EXIT_OK;
}

/* The one domain, or NULL silently: these commands print nothing else. */
static struct json_object *one_domain(int argc, char **argv)
{
    struct json_object *params = json_object_new_object(), *result, *list;
    struct json_object *d;
    size_t nr;

    while (next_option(argc, argv, "h", NULL) != -1)
        ;
    add_words(params, "domains", argv + optind, 1);
    result = client_call("domain.list", params);
    if (!result)
        return NULL;
    list = get_list(result, "domains", &nr);
    d = nr ? json_object_get(json_object_array_get_idx(list, 0)) : NULL;
    json_object_put(result);
    return d;
}

static int cmd_domid(int argc, char **argv)
{
    struct json_object *d = one_domain(argc, argv);

    if (!d)
        return EXIT_FAILED;
    printf("%d\n", (int)get_int(d, "domid"));
    json_object_put(d);
    return EXIT_OK;
}

static int cmd_domname(int argc, char **argv)
{
    struct json_object *d = one_domain(argc, argv);

    if (!d)
        return EXIT_FAILED;
    printf("%s\n", get_str(d, "name"));
    json_object_put(d);
    return EXIT_OK;
}

const struct command list_commands[] = {
    { "list", cmd_list, "[options] [Domain]",
      "Show all domains, or one, with what they have and do",
      "-l, --long      the configuration, as JSON\n"
      "-v, --verbose   uuid, reason of the end, label\n"
      "-Z, --context   security label\n"
      "-c, --cpupool   CPU pool\n"
      "-n, --numa      NUMA node affinity\n", 0, 1, false },
    { "vm-list", cmd_vm_list, "", "Show uuid, id and name of each domain",
      NULL, 0, 0, false },
    { "domid", cmd_domid, "<DomainName>", "Print the id of a domain", NULL, 1,
      1, false },
    { "domname", cmd_domname, "<DomainId>", "Print the name of a domain",
      NULL, 1, 1, false },
    { NULL, NULL, NULL, NULL, NULL, 0, 0, false }
};
