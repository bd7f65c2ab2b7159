/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Writing domains to files, and restoring them. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "xl.h"

#define MAX_DEFINITION (16u << 20)

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
    bool keep_id = false;
    int opt;

    while ((opt = next_option(argc, argv, "hcpD", NULL)) != -1)
        switch (opt) {
        case 'c': after = "resume"; break;
        case 'p': after = "pause"; break;
        case 'D': keep_id = true; break;
        }
    if (keep_id)
        fputs("xl: warning: -D: the id is not saved; when it is restored the "
              "domain gets a new one\n", stderr);
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

/* The name in a saved file, whose first record is the guest's definition (its
 * format: docs/stream.md).  NULL: none; xend says why. */
static char *saved_name(const char *path)
{
    struct {
        char magic[16];
        uint32_t version, abi;
        uint64_t zero;
        uint32_t type, no_flags;
        uint64_t size;
    } head;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    char *text = NULL, *name = NULL;
    struct json_object *o;

    if (fd >= 0 && read(fd, &head, sizeof(head)) == sizeof(head) &&
        !memcmp(head.magic, "zazen guest", 12) && head.version == 1 &&
        head.type == 1 && head.size <= MAX_DEFINITION)
        text = calloc(1, head.size + 1);
    if (text && read(fd, text, head.size) == (ssize_t)head.size) {
        o = json_tokener_parse(text);
        name = strdup(get_str(json_object_object_get(o, "c_info"), "name"));
        json_object_put(o);
    }
    free(text);
    if (fd >= 0)
        close(fd);
    return name;
}

static int cmd_restore(int argc, char **argv)
{
    bool paused = false, console = false;
    struct json_object *o, *result;
    int opt, rc = EXIT_OK;
    char id[24], *name;

    while ((opt = next_option(argc, argv, "hpced", NULL)) != -1)
        switch (opt) {
        case 'p': paused = true; break;
        case 'c': console = true; break;
        }
    o = json_object_new_object();
    add_path(o, "file", argv[argc - 1]);
    add_bool(o, "paused", paused);
    if (argc - optind == 2 && !add_config(o, argv[optind])) {
        json_object_put(o);
        return EXIT_FAILED;
    }
    name = saved_name(argv[argc - 1]);
    result = name ? client_call_shown("domain.restore", o, name, "restoring") :
             client_call("domain.restore", o);
    free(name);
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
      "-p              leave it paused after it has been saved\n"
      "-D              accepted with a warning: the id is not saved\n", 2, 3,
      false },
    { "restore", cmd_restore, "[options] [<ConfigFile>] <File>",
      "Start a domain from a file that save wrote",
      "-p              leave the domain paused\n"
      "-c              connect to its console\n"
      "-e, -d          accepted, without effect\n", 1, 2, false },
    { "dump-core", cmd_dump_core, "<Domain> <File>",
      "Write a domain's memory and vcpus to a file, for debuggers", NULL, 2, 2,
      false },
    { NULL, NULL, NULL, NULL, NULL, 0, 0, false }
};
