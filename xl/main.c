/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "xl.h"

struct globals global;

static int cmd_help(int argc, char **argv);

static const struct command main_commands[] = {
    { "help", cmd_help, "[SUBCOMMAND]", "Show this list, or a subcommand's "
      "usage", NULL, 0, 1, false },
    { NULL, NULL, NULL, NULL, NULL, 0, 0, false }
};

static const struct command *const tables[] = {
    domain_commands, save_commands, list_commands, console_commands,
    resource_commands, device_commands, sched_commands, host_commands,
    top_commands, main_commands,
};

#define NR_TABLES (sizeof(tables) / sizeof(tables[0]))

static const struct command *running;

void (*leave_screen)(void);

int fail(const char *fmt, ...)
{
    va_list ap;

    if (leave_screen)
        leave_screen();
    fputs("xl: ", stderr);
    va_start(ap, fmt);
    vfprintf(stderr, fmt, ap);
    va_end(ap);
    fputc('\n', stderr);
    return EXIT_FAILED;
}

/* An exact name wins; otherwise the only one that it is the beginning of. */
static const struct command *find_command(const char *name)
{
    const struct command *found = NULL, *c;
    int matches = 0;

    for (size_t i = 0; i < NR_TABLES; i++)
        for (c = tables[i]; c->name; c++) {
            if (!strcmp(c->name, name))
                return c;
            if (!strncmp(c->name, name, strlen(name))) {
                found = c;
                matches++;
            }
        }
    return matches == 1 && *name ? found : NULL;
}

/* The layout is what the bash completion of xl parses. */
static void print_help(FILE *to)
{
    const struct command *c;

    fputs("Usage xl [-vfNtT] [--json] <subcommand> [args]\n\n"
          "xl full list of subcommands:\n\n", to);
    for (size_t i = 0; i < NR_TABLES; i++)
        for (c = tables[i]; c->name; c++) {
            fprintf(to, " %-19s ", c->name);
            if (strlen(c->name) > 19)
                fprintf(to, "\n %19s ", "");
            fprintf(to, "%s\n", c->description);
        }
}

static void print_usage(const struct command *c, FILE *to)
{
    fprintf(to, "Usage: xl [-v]%s %s %s\n\n%s.\n\n", c->dry_run ? " [-N]" : "",
            c->name, c->args, c->description);
    if (c->options)
        fprintf(to, "Options:\n\n%s\n", c->options);
}

static int cmd_help(int argc, char **argv)
{
    const struct command *c;

    while (next_option(argc, argv, "h", NULL) != -1)
        ;
    if (optind >= argc) {
        print_help(stdout);
        return EXIT_OK;
    }
    c = find_command(argv[optind]);
    if (!c) {
        fputs("command not implemented\n", stderr);
        return EXIT_FAILED;
    }
    print_usage(c, stdout);
    return EXIT_OK;
}

void usage_error(const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    vfprintf(stderr, fmt, ap);
    va_end(ap);
    fputs("\n\n", stderr);
    print_usage(running, stderr);
    exit(EXIT_USAGE);
}

/* Whether there are as many words as the running command takes. */
static void check_words(int nr)
{
    int min = running->min_args, max = running->max_args;

    if (nr < min)
        usage_error("'xl %s' requires at least %d argument%s.", running->name,
                    min, min > 1 ? "s" : "");
    if (nr > max && !max)
        usage_error("'xl %s' takes no arguments.", running->name);
    if (nr > max)
        usage_error("'xl %s' takes %d argument%s at most.", running->name,
                    max, max > 1 ? "s" : "");
}

int next_option(int argc, char **argv, const char *letters,
                const struct option *words)
{
    static const struct option only_help[] = {
        { "help", no_argument, NULL, 'h' }, { NULL, 0, NULL, 0 }
    };
    int opt = getopt_long(argc, argv, letters, words ? words : only_help,
                          NULL);

    if (opt == 'h') {
        print_usage(running, stdout);
        exit(EXIT_OK);
    }
    if (opt == '?') {
        print_usage(running, stderr);
        exit(EXIT_USAGE);
    }
    if (opt == -1)
        check_words(argc - optind);
    return opt;
}

/* Options before the subcommand.  Returns its index, or -1. */
static int global_options(int argc, char **argv)
{
    static const struct option words[] = {
        { "json", no_argument, NULL, 'J' }, { "help", no_argument, NULL, 'h' },
        { NULL, 0, NULL, 0 }
    };
    int opt;

    while ((opt = getopt_long(argc, argv, "+vfNtTh", words, NULL)) != -1)
        switch (opt) {
        case 'f': global.force = true; break;
        case 'N': global.dry_run = true; break;
        case 't': global.progress = true; break;
        case 'v': case 'T': break;      /* xend's log has more, with times */
        case 'J': global.json = true; break;
        case 'h':
            print_help(stdout);
            exit(EXIT_OK);
        default: return -1;
        }
    return optind;
}

/* Programs that look for xentop find it as another name of this one. */
static bool is_xentop(const char *name)
{
    const char *slash = strrchr(name, '/');

    return !strcmp(slash ? slash + 1 : name, "xentop");
}

int main(int argc, char **argv)
{
    bool xentop = argc > 0 && is_xentop(argv[0]);
    int first = xentop ? 0 : global_options(argc, argv), rc;

    if (first < 0)
        return EXIT_FAILED;
    if (first >= argc) {
        print_help(stdout);
        return EXIT_FAILED;
    }
    running = find_command(xentop ? "top" : argv[first]);
    if (!running) {
        fputs("command not implemented\n", stderr);
        return EXIT_FAILED;
    }
    if (global.dry_run && !running->dry_run)
        return fail("command does not support -N (dry run): %s",
                    running->name);
    optind = 0;                 /* glibc: begin anew, with another argv */
    rc = running->run(argc - first, argv + first);
    if (fflush(stdout) || ferror(stdout))
        return fail("cannot write the output");
    return rc;
}
