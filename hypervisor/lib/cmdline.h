/*
 * Boot options: a table of names and typed variables, filled from a command
 * line such as "dom0_mem=1G,max:2G noreboot loglvl=all".
 */
#ifndef LIB_CMDLINE_H
#define LIB_CMDLINE_H

#include "lib/types.h"

enum option_type {
    OPT_BOOL,                        /* bool: name, name=on|off, no-name */
    OPT_UINT,                        /* unsigned int; 0x and decimal */
    OPT_SIZE,                        /* uint64_t bytes; K, M, G, T follow; a
                                        plain number counts KiB */
    OPT_STRING,                      /* char[size], cut to fit */
    OPT_TRISTATE,                    /* int: -1 not given, 0 off, 1 on */
};

struct boot_option {
    const char *name;
    enum option_type type;
    void *var;
    size_t size;                     /* OPT_STRING: of the array */
};

/*
 * Set the variables from cmdline.  What is not in the table, or has no valid
 * value, is reported by complain(word) and skipped.
 */
void cmdline_parse(const char *cmdline, const struct boot_option *opts,
                   size_t nr, void (*complain)(const char *word));

/* "12M" or the like: bytes, *ret_end behind it; false: no number there. */
bool parse_size(const char *s, const char **ret_end, uint64_t *ret_bytes);
/* A number with optional 0x; false: none there, or too large. */
bool parse_number(const char *s, const char **ret_end, uint64_t *ret_n);

#endif
