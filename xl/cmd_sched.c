/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Shares of CPU time. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "xl.h"

/* Rows of weight and cap: of one domain, or of all (NULL). */
static void print_sched(struct json_object *d, struct json_object *unused)
{
    (void)unused;
    printf("%-33s %4d %6d %4d\n", get_str(d, "name"),
           (int)get_int(d, "domid"), (int)get_int(d, "weight"),
           (int)get_int(d, "cap"));
}

static int show(char *domain)
{
    static const char heading[] = "Cpupool Pool-0: ratelimit=1000us\n"
        "Name                                ID Weight  Cap\n";

    const struct listing l = {
        "domain.sched", domain ? strchr(heading, '\n') + 1 : heading, NULL,
        print_sched
    };

    return show_listing(&l, &domain, domain ? 1 : 0);
}

static int show_pool(const char *pool, bool change)
{
    if (pool && strcmp(pool, "Pool-0"))
        return fail("there is no CPU pool %s, only Pool-0", pool);
    if (change)
        return fail("the rate limit cannot be changed");
    puts("Cpupool Pool-0: ratelimit=1000us");
    return EXIT_OK;
}

static int cmd_sched_credit2(int argc, char **argv)
{
    static const struct option words[] = {
        { "domain", required_argument, NULL, 'd' },
        { "weight", required_argument, NULL, 'w' },
        { "cap", required_argument, NULL, 'c' },
        { "schedparam", no_argument, NULL, 's' },
        { "ratelimit_us", required_argument, NULL, 'r' },
        { "cpupool", required_argument, NULL, 'p' },
        { "help", no_argument, NULL, 'h' }, { NULL, 0, NULL, 0 }
    };
    char *domain = NULL, *weight = NULL, *cap = NULL, *pool = NULL;
    bool params = false, rate = false;
    struct json_object *o;
    int64_t n;
    int opt;

    while ((opt = next_option(argc, argv, "hd:w:c:sr:p:", words)) != -1)
        switch (opt) {
        case 'd': domain = optarg; break;
        case 'w': weight = optarg; break;
        case 'c': cap = optarg; break;
        case 's': params = true; break;
        case 'r': rate = true; break;
        case 'p': pool = optarg; break;
        }
    if (params || rate)
        return show_pool(pool, rate);
    if (!domain && (weight || cap))
        usage_error("Must specify a domain.");
    if (!weight && !cap)
        return show(domain);
    o = params_of("domain", domain);
    if (weight && !parse_number(weight, 1, 65535, &n))
        return fail("invalid weight: %s (1 to 65535)", weight);
    if (weight)
        add_int(o, "weight", n);
    if (cap && !parse_number(cap, 0, 65535, &n))
        return fail("invalid cap: %s (percent of one CPU, 0: none)", cap);
    if (cap)
        add_int(o, "cap", n);
    return client_do("domain.set_sched", o);
}

static void print_bvt(struct json_object *d, struct json_object *unused)
{
    (void)unused;
    printf("%-33s %4d %6d %8d %9d %10d\n", get_str(d, "name"),
           (int)get_int(d, "domid"), (int)get_int(d, "weight"),
           (int)get_int(d, "warp_us"), (int)get_int(d, "limit_us"),
           (int)get_int(d, "unwarp_us"));
}

static int show_bvt(char *domain)
{
    static const struct listing l = {
        "domain.bvt", "Name                                ID Weight Warp(us) "
        "Limit(us) Unwarp(us)\n", NULL, print_bvt
    };

    return show_listing(&l, &domain, domain ? 1 : 0);
}

static int cmd_sched_bvt(int argc, char **argv)
{
    static const struct option words[] = {
        { "domain", required_argument, NULL, 'd' },
        { "weight", required_argument, NULL, 'w' },
        { "warp", required_argument, NULL, 'W' },
        { "limit", required_argument, NULL, 'l' },
        { "unwarp", required_argument, NULL, 'u' },
        { "help", no_argument, NULL, 'h' }, { NULL, 0, NULL, 0 }
    };
    struct json_object *o = json_object_new_object();
    const char *name, *what;
    char *domain = NULL;
    bool set = false;
    int64_t n;
    int opt;

    while ((opt = next_option(argc, argv, "hd:w:W:l:u:", words)) != -1) {
        if (opt == 'd') {
            domain = optarg;
            continue;
        }
        name = opt == 'w' ? "weight" : opt == 'W' ? "warp_us" :
               opt == 'l' ? "limit_us" : "unwarp_us";
        what = opt == 'w' ? "weight" : "time in microseconds";
        if (!parse_number(optarg, opt == 'w', opt == 'w' ? 65535 : 1000000,
                          &n))
            return fail("invalid %s: %s (%s)", what, optarg,
                        opt == 'w' ? "1 to 65535" : "0 to 1000000");
        add_int(o, name, n);
        set = true;
    }
    if (!domain && set)
        usage_error("Must specify a domain.");
    if (!set) {
        json_object_put(o);
        return show_bvt(domain);
    }
    add_str(o, "domain", domain);
    return client_do("domain.set_bvt", o);
}

const struct command sched_commands[] = {
    { "sched-credit2", cmd_sched_credit2,
      "[-d <Domain> [-w WEIGHT] [-c CAP]] [-s] [-p <Pool>]",
      "Show or set domains' weights and caps",
      "-d DOMAIN, --domain=DOMAIN     the domain; without it: show all\n"
      "-w WEIGHT, --weight=WEIGHT     share against others (1 to 65535)\n"
      "-c CAP, --cap=CAP              percent of one CPU, 0: no limit\n"
      "-s, --schedparam               show the scheduler's own values\n"
      "-p POOL, --cpupool=POOL        Pool-0\n"
      "-r US, --ratelimit_us=US       refused: it cannot be changed\n", 0, 0,
      false },
    { "sched-bvt", cmd_sched_bvt,
      "[-d <Domain> [-w WEIGHT] [-W US] [-l US] [-u US]]",
      "Show or set domains' weights and warps (zazen only)",
      "-d DOMAIN, --domain=DOMAIN   the domain; without it: show all\n"
      "-w WEIGHT, --weight=WEIGHT   share against others (1 to 65535)\n"
      "-W US, --warp=US             how far ahead it runs when it wakes; 0: "
      "not\n"
      "-l US, --limit=US            for how long at once; 0: no limit\n"
      "-u US, --unwarp=US           not again within this time\n", 0, 0,
      false },
    { NULL, NULL, NULL, NULL, NULL, 0, 0, false }
};
