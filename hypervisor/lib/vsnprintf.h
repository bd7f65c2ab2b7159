/*
 * Formatted text: %d %i %u %x %X %o %p %s %c %% with flags "-0+ #", width,
 * precision (also '*'), and the lengths hh h l ll z j t.
 */
#ifndef LIB_VSNPRINTF_H
#define LIB_VSNPRINTF_H

#include <stdarg.h>
#include <stddef.h>

#include "lib/types.h"

/* Into buf[size], terminated when size > 0.  Returns the length that the
 * whole text has. */
int vsnprintf(char *buf, size_t size, const char *fmt, va_list ap);
int snprintf(char *buf, size_t size, const char *fmt, ...) __printf(3, 4);

#endif
