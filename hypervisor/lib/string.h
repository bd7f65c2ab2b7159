/*
 * Memory, strings and formatted text, with the C library's meaning.
 */
#ifndef LIB_STRING_H
#define LIB_STRING_H

#include <stdarg.h>
#include <stddef.h>

void *memcpy(void *dst, const void *src, size_t n);
void *memmove(void *dst, const void *src, size_t n);
void *memset(void *dst, int c, size_t n);
int memcmp(const void *a, const void *b, size_t n);
size_t strlen(const char *s);
int strcmp(const char *a, const char *b);
int strncmp(const char *a, const char *b, size_t n);

/* Copy as much of src as fits into dst[size], always terminated; size > 0.
 * Returns strlen(src). */
size_t strlcpy(char *dst, const char *src, size_t size);

/*
 * Into buf[size], terminated when size > 0; the length that the whole text
 * has.  What our messages need and no more: %d %u %x %lx and so on, %#x, a
 * width for numbers (%8u, %016lx), %s, %%.
 */
int vsnprintf(char *buf, size_t size, const char *fmt, va_list ap)
    __attribute__((format(printf, 3, 0)));
int snprintf(char *buf, size_t size, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

#endif
