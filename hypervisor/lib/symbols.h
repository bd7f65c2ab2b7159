/*
 * Names for addresses of code: a table that the build makes with nm.
 */
#ifndef LIB_SYMBOLS_H
#define LIB_SYMBOLS_H

#include "lib/types.h"

/* "function+0x12" for an address in the code of the image, into buf. */
void symbol_format(char *buf, size_t size, unsigned long addr);

#endif
