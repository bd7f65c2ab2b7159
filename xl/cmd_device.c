/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Devices of running domains. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "xl.h"

/* The words from first on, joined by commas: one specification. */
static void add_spec(struct json_object *o, char **argv, int nr)
{
    size_t len = 1;
    char *text;

    for (int i = 0; i < nr; i++)
        len += strlen(argv[i]) + 1;
    text = calloc(1, len);
    if (!text)
        exit(fail("out of memory"));
    for (int i = 0; i < nr; i++) {
        strcat(text, i ? "," : "");
        strcat(text, argv[i]);
    }
    add_str(o, "spec", text);
    free(text);
}

static int attach(int argc, char **argv, const char *method)
{
    struct json_object *o, *result;

    while (next_option(argc, argv, "h", NULL) != -1)
        ;
    o = params_of("domain", argv[optind]);
    add_spec(o, argv + optind + 1, argc - optind - 1);
    add_bool(o, "dry_run", global.dry_run);
    result = client_call(method, o);
    if (!result)
        return EXIT_FAILED;
    if (global.dry_run || global.json)
        print_json(result);
    json_object_put(result);
    return EXIT_OK;
}

static int detach(int argc, char **argv, const char *method)
{
    static const struct option words[] = {
        { "force", no_argument, NULL, 'f' },
        { "help", no_argument, NULL, 'h' }, { NULL, 0, NULL, 0 }
    };
    bool force = global.force;
    struct json_object *o;
    int opt;

    while ((opt = next_option(argc, argv, "hf", words)) != -1)
        if (opt == 'f')
            force = true;
    o = params_of("domain", argv[optind]);
    add_str(o, "device", argv[optind + 1]);
    add_bool(o, "force", force);
    return client_do(method, o);
}

static int list(int argc, char **argv, const struct listing *l)
{
    while (next_option(argc, argv, "h", NULL) != -1)
        ;
    return show_listing(l, argv + optind, argc - optind);
}

static void block_row(struct json_object *d, struct json_object *v)
{
    int devid = get_int(v, "devid");

    (void)d;
    printf("%-5d %-3d %-6d %-5d %-6d %-8d %-30s\n", devid,
           (int)get_int(v, "backend_domid"), devid, (int)get_int(v, "state"),
           (int)get_int(v, "event_channel"), (int)get_int(v, "ring_ref"),
           get_str(v, "backend_path"));
}

static int cmd_block_list(int argc, char **argv)
{
    static const struct listing disks = {
        "domain.disks", "Vdev  BE  handle state evt-ch ring-ref BE-path"
        "                       \n", "disks", block_row
    };

    return list(argc, argv, &disks);
}

static int cmd_block_attach(int argc, char **argv)
{
    return attach(argc, argv, "domain.attach_disk");
}

static int cmd_block_detach(int argc, char **argv)
{
    return detach(argc, argv, "domain.detach_disk");
}

static void network_row(struct json_object *d, struct json_object *v)
{
    int devid = get_int(v, "devid");

    (void)d;
    printf("%-3d %-2d %-17s %-6d %-5d %-6d %5d/%-11d %-30s\n", devid,
           (int)get_int(v, "backend_domid"), get_str(v, "mac"), devid,
           (int)get_int(v, "state"), (int)get_int(v, "event_channel"),
           (int)get_int(v, "tx_ring_ref"), (int)get_int(v, "rx_ring_ref"),
           get_str(v, "backend_path"));
}

static int cmd_network_list(int argc, char **argv)
{
    static const struct listing vifs = {
        "domain.vifs", "Idx BE Mac Addr.         handle state evt-ch   tx-/"
        "rx-ring-ref BE-path                       \n", "nics", network_row
    };

    return list(argc, argv, &vifs);
}

static int cmd_network_attach(int argc, char **argv)
{
    return attach(argc, argv, "domain.attach_vif");
}

static int cmd_network_detach(int argc, char **argv)
{
    return detach(argc, argv, "domain.detach_vif");
}

const struct command device_commands[] = {
    { "block-attach", cmd_block_attach, "<Domain> <disk-spec-component(s)>...",
      "Give a running domain one more disk", NULL, 2, MANY, true },
    { "block-list", cmd_block_list, "<Domain(s)>",
      "Show the disks of domains", NULL, 1, MANY, false },
    { "block-detach", cmd_block_detach, "[option] <Domain> <DevId>",
      "Take a disk away from a running domain",
      "-f, --force   cut it off if the guest does not let go of it\n", 2, 2,
      false },
    { "network-attach", cmd_network_attach, "<Domain> [Key=Value ...]",
      "Give a running domain one more network interface", NULL, 1, MANY, true },
    { "network-list", cmd_network_list, "<Domain(s)>",
      "Show the network interfaces of domains", NULL, 1, MANY, false },
    { "network-detach", cmd_network_detach, "[option] <Domain> <DevId|Mac>",
      "Take a network interface away from a running domain",
      "-f, --force   cut it off if the guest does not let go of it\n", 2, 2,
      false },
    { NULL, NULL, NULL, NULL, NULL, 0, 0, false }
};
