/*
 * Boot options: a table of names and typed variables, filled from a command
 * line such as "dom0_mem=1G,max:2G noreboot loglvl=all".
 */
#ifndef LIB_CMDLINE_H
#define LIB_CMDLINE_H

#include "lib/types.h"

enum option_type {
    OPT_FLAG,                        /* int: name, name=on|off, no-name */
    OPT_WORD,                        /* int: which of words */
    OPT_UINT,                        /* unsigned int; 0x and decimal */
    OPT_STRING,                      /* char[size], cut to fit */
};

struct boot_option {
    const char *name;
    enum option_type type;
    void *var;
    size_t size;                     /* OPT_STRING: of the array */
    const char *const *words;        /* OPT_WORD: ends with NULL */
};

/*
 * Set the variables from cmdline.  What is not in the table, or has no valid
 * value, is skipped with a warning.
 */
void cmdline_parse(const char *cmdline, const struct boot_option *opts,
                   size_t nr);

/* The word is there, alone or with a value. */
bool cmdline_has(const char *cmdline, const char *name);

/* "12M" or the like (K, M, G, T, B; a plain number counts KiB): bytes, and
 * *ret_end behind it; false: no number there. */
bool parse_size(const char *s, const char **ret_end, uint64_t *ret_bytes);
/* A number with optional 0x; false: none there, or too large. */
bool parse_number(const char *s, const char **ret_end, uint64_t *ret_n);

#endif
