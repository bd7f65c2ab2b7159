/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Ownership: memory that frees itself at the end of its scope, and allocation
 * that does not return NULL.  Out of memory the daemon ends: its restart loses
 * nothing, and no path is left half done by an untested error branch.
 */
#ifndef XEND_UTIL_CLEANUP_H
#define XEND_UTIL_CLEANUP_H

#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Call fn with the variable's address when the scope ends. */
#define _cleanup_(fn) __attribute__((cleanup(fn)))

/* Hand a pointer on: the variable no longer owns it. */
#define TAKE_PTR(p) \
    ({ __typeof__(p) _taken = (p); (p) = NULL; _taken; })
#define TAKE_FD(fd) \
    ({ int _taken = (fd); (fd) = -1; _taken; })

static inline void freep(void *p)
{
    free(*(void **)p);
}

static inline void closep(int *fd)
{
    if (*fd >= 0)
        close(*fd);
}

static inline void fclosep(FILE **f)
{
    if (*f)
        fclose(*f);
}

#define _cleanup_free_ _cleanup_(freep)
#define _cleanup_close_ _cleanup_(closep)
#define _cleanup_fclose_ _cleanup_(fclosep)

/* Once at start: large blocks (kernels of 60 MB come and go) are given back
 * to the system when they are freed. */
void xmalloc_init(void);

/* As the C library's functions of the same names; they end the daemon. */
void *xmalloc(size_t size);
void *xcalloc(size_t count, size_t size);
void *xrealloc(void *p, size_t size);
char *xstrdup(const char *s);
char *xstrndup(const char *s, size_t n);
char *xasprintf(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* Replace an owned string: free the old one, copy the new one (or NULL). */
void strset(char **s, const char *value);

static inline int streq(const char *a, const char *b)
{
    return strcmp(a, b) == 0;
}

#endif
