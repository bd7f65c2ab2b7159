/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * xl: a thin client.  It sends words and files' text to xend and prints what
 * comes back; it knows the command line and the columns, nothing else.
 */
#ifndef XL_XL_H
#define XL_XL_H

#include <getopt.h>
#include <json-c/json.h>
#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Exit codes that callers rely on. */
enum { EXIT_OK = 0, EXIT_FAILED = 1, EXIT_USAGE = 2 };

#define MANY INT_MAX            /* as max_args: as many as there are */

struct command {
    const char *name;
    int (*run)(int argc, char **argv);
    const char *args;           /* after the name, in the usage line */
    const char *description;
    const char *options;        /* a line each, or NULL */
    int min_args, max_args;     /* positional ones */
    bool dry_run;               /* works with -N */
};

/* Each file's commands, ended by a row without a name. */
extern const struct command domain_commands[], save_commands[],
                            list_commands[], console_commands[],
                            resource_commands[], device_commands[],
                            sched_commands[], host_commands[],
                            top_commands[];

/* Global options. */
struct globals {
    bool force, dry_run, json, progress;
};
extern struct globals global;

/* NULL, or gives the terminal back before a message is printed. */
extern void (*leave_screen)(void);

/* A line on standard error, begun by "xl: ".  Returns EXIT_FAILED. */
int fail(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* ---- main.c: command lines ---------------------------------------------- */

/*
 * getopt_long for the command that runs: -h shows its help and ends with 0, an
 * unknown option with 2, and so do too few or too many arguments when -1 is
 * reached.
 */
int next_option(int argc, char **argv, const char *letters,
                const struct option *words);

/* Show the running command's usage and end with 2. */
void usage_error(const char *fmt, ...)
    __attribute__((format(printf, 1, 2), noreturn));

/* ---- client.c: requests ------------------------------------------------- */

/* Send a request; params are used up and may be NULL.  Ends the program with
 * a line that says why when xend cannot be reached. */
void client_send(const char *method, struct json_object *params);

/*
 * The next answer: its result, the caller's, or NULL with the error printed,
 * warnings in either case.
 */
struct json_object *client_receive(void);

/* For those who do other things while they wait: the socket to poll, after
 * client_send; and whether client_receive has its answer, without waiting. */
int client_fd(void);
bool client_ready(void);

/* Both. */
struct json_object *client_call(const char *method,
                                struct json_object *params);

/* The same, of one that takes long: meanwhile "what: N %", as the domain's
 * listing has it, on a terminal or with -t. */
struct json_object *client_call_shown(const char *method,
                                      struct json_object *params,
                                      const char *domain, const char *what);

/* An exit code for a result that nothing else is done with, used up; --json
 * prints it.  And a call that ends so. */
int client_done(struct json_object *result);
int client_do(const char *method, struct json_object *params);

/* After domain.console: the socket, with up to *len bytes that followed the
 * answer copied to early. */
int client_take_socket(char *early, size_t *len);

/* ---- table.c: values in JSON, and columns ------------------------------- */

/* An object with one string member. */
struct json_object *params_of(const char *name, const char *value);
void add_str(struct json_object *o, const char *name, const char *value);
void add_int(struct json_object *o, const char *name, int64_t value);
void add_bool(struct json_object *o, const char *name, bool value);
/* Words first to last of argv as an array. */
void add_words(struct json_object *o, const char *name, char **argv, int nr);

/* Members; "" or 0 or false if absent. */
const char *get_str(struct json_object *o, const char *name);
int64_t get_int(struct json_object *o, const char *name);
bool get_bool(struct json_object *o, const char *name);
struct json_object *get_list(struct json_object *o, const char *name,
                             size_t *ret_nr);

/* Print o for scripts. */
void print_json(struct json_object *o);

/* Whether it ended by a crash; a watchdog's end is one. */
bool has_crashed(struct json_object *domain);

/* The six letters of xl list. */
void state_letters(struct json_object *domain, char letters[7]);

/* "N days, HH:MM:SS" and its shorter forms. */
void format_uptime(int64_t seconds, char text[40]);

/* A memory size in KiB: bare numbers are MiB; b k m g t.  -1: none. */
int64_t parse_size(const char *text);

/* A whole decimal number in [min, max]; otherwise false. */
bool parse_number(const char *text, int64_t min, int64_t max, int64_t *ret);

/* ---- cmd_domain.c ------------------------------------------------------- */

/* Add a config file's text to a request; false with a line that says why. */
bool add_config(struct json_object *o, const char *path);

/* ---- cmd_list.c --------------------------------------------------------- */

/* The "domains" of domain.list, the caller's; ends the program on failure. */
struct json_object *all_domains(size_t *ret_nr);

/* What is listed of domains: one line for each, or for each member. */
struct listing {
    const char *method, *heading;
    const char *member;         /* an array of each domain, or NULL */
    void (*row)(struct json_object *domain, struct json_object *member);
};

/* Ask for the named domains, or with none for all, and print what comes, or
 * with --json the answer.  An exit code. */
int show_listing(const struct listing *l, char **names, int nr_names);

/* ---- cmd_console.c ------------------------------------------------------ */

/* Attach the terminal; returns when the user leaves or the console ends. */
int console_attach(const char *domain, int escape);

#endif
