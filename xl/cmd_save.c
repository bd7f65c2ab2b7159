/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Writing domains to files, and restoring them. */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "xl.h"

/* xend has another working folder than we. */
static void add_path(struct json_object *o, const char *name, const char *path)
{
    char *dir = *path == '/' ? NULL : getcwd(NULL, 0), *full;

    if (dir && asprintf(&full, "%s/%s", dir, path) > 0) {
        add_str(o, name, full);
        free(full);
    } else {
        add_str(o, name, path);
    }
    free(dir);
}

static int cmd_save(int argc, char **argv)
{
    const char *after = "destroy";
    struct json_object *o;
    int opt;

    while ((opt = next_option(argc, argv, "hcp", NULL)) != -1)
        after = opt == 'c' ? "resume" : "pause";
    if (argc - optind > 3)
        usage_error("'xl save' takes 3 arguments at most.");
    o = params_of("domain", argv[optind]);
    add_path(o, "file", argv[optind + 1]);
    add_str(o, "after", after);
    if (argc - optind == 3 && !add_config(o, argv[optind + 2])) {
        json_object_put(o);
        return EXIT_FAILED;
    }
    return client_done(client_call_shown("domain.save", o, argv[optind],
                                         "saving"));
}

static int cmd_dump_core(int argc, char **argv)
{
    struct json_object *o;

    while (next_option(argc, argv, "h", NULL) != -1)
        ;
    o = params_of("domain", argv[optind]);
    add_path(o, "file", argv[optind + 1]);
    return client_done(client_call_shown("domain.dump_core", o, argv[optind],
                                         "dumping"));
}

static int cmd_restore(int argc, char **argv)
{
    bool paused = false, console = false;
    struct json_object *o, *result;
    int opt, rc = EXIT_OK;
    char id[24];

    while ((opt = next_option(argc, argv, "hpced", NULL)) != -1)
        switch (opt) {
        case 'p': paused = true; break;
        case 'c': console = true; break;
        }
    if (argc - optind > 2)
        usage_error("'xl restore' takes 2 arguments at most.");
    o = json_object_new_object();
    add_path(o, "file", argv[argc - 1]);
    add_bool(o, "paused", paused);
    if (argc - optind == 2 && !add_config(o, argv[optind])) {
        json_object_put(o);
        return EXIT_FAILED;
    }
    result = client_call("domain.restore", o);
    if (!result)
        return EXIT_FAILED;
    if (global.json)
        print_json(result);
    snprintf(id, sizeof(id), "%lld", (long long)get_int(result, "domid"));
    if (console)
        rc = console_attach(id, 0x1d);
    json_object_put(result);
    return rc;
}

const struct command save_commands[] = {
    { "save", cmd_save, "[options] <Domain> <File> [<ConfigFile>]",
      "Save a domain to a file, to be restored later, and end it",
      "-c              let it run on after it has been saved\n"
      "-p              leave it paused after it has been saved\n", 2, false },
    { "restore", cmd_restore, "[options] [<ConfigFile>] <File>",
      "Start a domain from a file that save wrote",
      "-p              leave the domain paused\n"
      "-c              connect to its console\n"
      "-e, -d          accepted, without effect\n", 1, false },
    { "dump-core", cmd_dump_core, "<Domain> <File>",
      "Write a domain's memory and vcpus to a file, for debuggers", NULL, 2,
      false },
    { NULL, NULL, NULL, NULL, NULL, 0, false }
};
