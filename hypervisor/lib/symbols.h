/*
 * Names for addresses of code: a table that the build makes with nm.
 */
#ifndef LIB_SYMBOLS_H
#define LIB_SYMBOLS_H

#include "lib/types.h"

/* offsets[i], ascending, belongs to the i-th of the NUL-separated names. */
struct symbol_table {
    unsigned long base, end;         /* the code that is covered */
    unsigned int nr;
    const uint32_t *offsets;
    const char *names;
};

/* The function that holds addr, and how far in; NULL. */
const char *symbol_lookup(const struct symbol_table *t, unsigned long addr,
                          unsigned long *ret_offset);

#endif
