/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Making domains, ending them, and listing them. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "xl.h"

#define MAX_CONFIG (512 * 1024)

/* The whole file, or NULL with a line that says why. */
static char *read_config(const char *path)
{
    FILE *f = fopen(path, "re");
    char *text;
    size_t n;

    if (!f) {
        fail("cannot read the config file %s: %s", path, strerror(errno));
        return NULL;
    }
    text = calloc(1, MAX_CONFIG + 1);
    n = text ? fread(text, 1, MAX_CONFIG + 1, f) : 0;
    if (ferror(f) || n > MAX_CONFIG || (text && strlen(text) != n)) {
        fail("%s: %s", path, ferror(f) ? strerror(errno) : n > MAX_CONFIG ?
             "longer than 512 KiB; this is no config file" :
             "has zero bytes; this is no config file");
        free(text);
        text = NULL;
    }
    fclose(f);
    return text;
}

bool add_config(struct json_object *o, const char *path)
{
    char *text = read_config(path), *dir;

    if (!text)
        return false;
    dir = getcwd(NULL, 0);
    add_str(o, "format", "xl");
    add_str(o, "text", text);
    add_str(o, "path", path);
    if (dir)
        add_str(o, "dir", dir);
    free(dir);
    free(text);
    return true;
}

struct create {
    const char *file;
    bool paused, console, quiet, dry_run, foreground;
};

static struct json_object *create_params(const struct create *c, char **words,
                                         int nr)
{
    struct json_object *o = json_object_new_object();

    if (!add_config(o, c->file)) {
        json_object_put(o);
        return NULL;
    }
    if (!c->quiet)
        fprintf(stderr, "Parsing config from %s\n", c->file);
    add_words(o, "overrides", words, nr);
    add_bool(o, "paused", c->paused);
    add_bool(o, "dry_run", c->dry_run);
    return o;
}

static int wait_gone(int64_t domid)
{
    char id[24];
    struct json_object *o;

    snprintf(id, sizeof(id), "%lld", (long long)domid);
    o = params_of("domain", id);
    add_str(o, "until", "gone");
    return client_do("domain.wait", o);
}

static int create(const struct create *c, char **words, int nr)
{
    struct json_object *params = create_params(c, words, nr), *result;
    char id[24];
    int rc = EXIT_OK;

    if (!params)
        return EXIT_FAILED;
    result = client_call("domain.create", params);
    if (!result)
        return EXIT_FAILED;
    if (c->dry_run)
        print_json(json_object_object_get(result, "config"));
    else if (global.json)
        print_json(result);
    if (c->dry_run)
        goto out;
    snprintf(id, sizeof(id), "%lld", (long long)get_int(result, "domid"));
    if (c->console)
        rc = console_attach(id, 0x1d);
    if (c->foreground)
        rc = wait_gone(get_int(result, "domid"));

 out:
    json_object_put(result);
    return rc;
}

static int cmd_create(int argc, char **argv)
{
    static const struct option words[] = {
        { "dryrun", no_argument, NULL, 'n' },
        { "quiet", no_argument, NULL, 'q' },
        { "defconfig", required_argument, NULL, 'f' },
        { "help", no_argument, NULL, 'h' }, { NULL, 0, NULL, 0 }
    };
    struct create c = { .dry_run = global.dry_run };
    int opt;

    while ((opt = next_option(argc, argv, "hf:pcqneFd", words)) != -1)
        switch (opt) {
        case 'f': c.file = optarg; break;
        case 'p': c.paused = true; break;
        case 'c': c.console = true; break;
        case 'q': c.quiet = true; break;
        case 'n': c.dry_run = true; break;
        case 'F': c.foreground = true; break;
        }
    if (!c.file && optind < argc && !strchr(argv[optind], '='))
        c.file = argv[optind++];
    if (!c.file)
        usage_error("'xl create' needs a config file.");
    return create(&c, argv + optind, argc - optind);
}

static int update(const char *domain, const char *file, char **words, int nr)
{
    struct json_object *o = params_of("domain", domain), *result;

    if (!add_config(o, file)) {
        json_object_put(o);
        return EXIT_FAILED;
    }
    add_words(o, "overrides", words, nr);
    add_bool(o, "dry_run", global.dry_run);
    result = client_call("domain.update_config", o);
    if (result && (global.dry_run || global.json))
        print_json(json_object_object_get(result, "config"));
    json_object_put(result);
    return result ? EXIT_OK : EXIT_FAILED;
}

static int cmd_config_update(int argc, char **argv)
{
    static const struct option words[] = {
        { "defconfig", required_argument, NULL, 'f' },
        { "help", no_argument, NULL, 'h' }, { NULL, 0, NULL, 0 }
    };
    const char *file = NULL, *domain;
    int opt;

    while ((opt = next_option(argc, argv, "hf:d", words)) != -1)
        if (opt == 'f')
            file = optarg;
    domain = argv[optind++];
    if (!file && optind < argc && !strchr(argv[optind], '='))
        file = argv[optind++];
    if (!file)
        usage_error("'xl config-update' needs a config file.");
    return update(domain, file, argv + optind, argc - optind);
}

static const char *only_domain(int argc, char **argv)
{
    while (next_option(argc, argv, "h", NULL) != -1)
        ;
    return argv[optind];
}

static int cmd_destroy(int argc, char **argv)
{
    while (next_option(argc, argv, "hf", NULL) != -1)
        ;
    return client_do("domain.destroy", params_of("domain", argv[optind]));
}

static int cmd_pause(int argc, char **argv)
{
    return client_do("domain.pause",
                     params_of("domain", only_domain(argc, argv)));
}

static int cmd_unpause(int argc, char **argv)
{
    return client_do("domain.unpause",
                     params_of("domain", only_domain(argc, argv)));
}

static int cmd_rename(int argc, char **argv)
{
    struct json_object *o = params_of("domain", only_domain(argc, argv));

    add_str(o, "name", argv[optind + 1]);
    return client_do("domain.rename", o);
}

static int cmd_sysrq(int argc, char **argv)
{
    struct json_object *o = params_of("domain", only_domain(argc, argv));

    add_str(o, "key", argv[optind + 1]);
    return client_do("domain.sysrq", o);
}

static int cmd_trigger(int argc, char **argv)
{
    struct json_object *o = params_of("domain", only_domain(argc, argv));
    int64_t vcpu = 0;

    if (strcmp(argv[optind + 1], "nmi"))
        return fail("trigger %s: only nmi is known for PV guests",
                    argv[optind + 1]);
    if (optind + 2 < argc &&
        !parse_number(argv[optind + 2], 0, 100000, &vcpu))
        return fail("invalid vcpu: %s", argv[optind + 2]);
    add_int(o, "vcpu", vcpu);
    return client_do("domain.send_nmi", o);
}

static void send_ask(const char *method, const char *domain, int wait)
{
    struct json_object *o = params_of("domain", domain);

    add_str(o, "wait", wait == 0 ? "no" : wait == 1 ? "ended" : "gone");
    client_send(method, o);
}

/* All are asked before the first answer is awaited. */
static int ask(int argc, char **argv, const char *method, const char *doing)
{
    bool all = false;
    int wait = 0, opt, rc = EXIT_OK;
    size_t nr = 0, sent = 0;
    struct json_object *list, *result;
    char id[24];

    while ((opt = next_option(argc, argv, "hawF", NULL)) != -1)
        switch (opt) {
        case 'a': all = true; break;
        case 'w': wait++; break;
        }
    if (!all && optind >= argc)
        usage_error("'xl %s' requires at least 1 argument.", argv[0]);
    if (all && optind < argc)
        usage_error("'xl %s -a' takes no arguments.", argv[0]);
    if (!all) {
        fprintf(stderr, "%s domain %s\n", doing, argv[optind]);
        send_ask(method, argv[optind], wait);
        sent = 1;
    } else {
        list = all_domains(&nr);
        for (size_t i = 0; i < nr; i++) {
            struct json_object *d = json_object_array_get_idx(list, i);

            if (!get_int(d, "domid"))
                continue;
            snprintf(id, sizeof(id), "%d", (int)get_int(d, "domid"));
            fprintf(stderr, "%s domain %s\n", doing, id);
            send_ask(method, id, wait);
            sent++;
        }
        json_object_put(list);
    }
    while (sent--) {
        result = client_receive();
        if (!result)
            rc = EXIT_FAILED;
        json_object_put(result);
    }
    return rc;
}

static int cmd_shutdown(int argc, char **argv)
{
    return ask(argc, argv, "domain.shutdown", "Shutting down");
}

static int cmd_reboot(int argc, char **argv)
{
    return ask(argc, argv, "domain.reboot", "Rebooting");
}

#define ASK_OPTIONS \
    "-a              all guest domains\n" \
    "-w              wait until the domain has ended; -ww: until it is gone\n" \
    "-F              accepted, without effect\n"

const struct command domain_commands[] = {
    { "create", cmd_create, "<ConfigFile> [options] [key=value ...]",
      "Build and start a domain as a config file describes it",
      "-f <file>, --defconfig=<file>   the config file\n"
      "-p                              leave the domain paused\n"
      "-c                              connect to its console\n"
      "-q, --quiet                     say less\n"
      "-n, --dryrun                    print the config as JSON, start "
      "nothing\n"
      "-F                              wait until the domain is gone\n"
      "-e, -d                          accepted, without effect\n", 0, MANY,
      true },
    { "config-update", cmd_config_update,
      "<Domain> <ConfigFile> [options] [key=value ...]",
      "Give a domain another definition for its next start",
      "-f <file>, --defconfig=<file>   the config file\n"
      "-d                              accepted, without effect\n", 1, MANY,
      true },
    { "destroy", cmd_destroy, "[option] <Domain>",
      "End a domain at once, without asking its kernel",
      "-f   accepted, without effect\n", 1, 1, false },
    { "shutdown", cmd_shutdown, "[options] <-a|Domain>",
      "Ask a domain's kernel to power off", ASK_OPTIONS, 0, 1, false },
    { "reboot", cmd_reboot, "[options] <-a|Domain>",
      "Ask a domain's kernel to reboot", ASK_OPTIONS, 0, 1, false },
    { "pause", cmd_pause, "<Domain>",
      "Stop a domain's vcpus until it is unpaused", NULL, 1, 1, false },
    { "unpause", cmd_unpause, "<Domain>", "Let a paused domain run on", NULL,
      1, 1, false },
    { "rename", cmd_rename, "<Domain> <NewDomainName>",
      "Give a domain another name", NULL, 2, 2, false },
    { "sysrq", cmd_sysrq, "<Domain> <letter>", "Press a SysRq key in a domain",
      NULL, 2, 2, false },
    { "trigger", cmd_trigger, "<Domain> nmi [VCPU]",
      "Send a non-maskable interrupt to a vcpu", NULL, 2, 3, false },
    { NULL, NULL, NULL, NULL, NULL, 0, 0, false }
};
