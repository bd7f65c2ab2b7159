/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <malloc.h>
#include <stdarg.h>

#include "util/cleanup.h"
#include "util/log.h"

void xmalloc_init(void)
{
    mallopt(M_MMAP_THRESHOLD, 256 * 1024);
}

static void *check(void *p)
{
    if (!p) {
        log_err("out of memory");
        abort();
    }
    return p;
}

void *xmalloc(size_t size)
{
    return check(malloc(size ? size : 1));
}

void *xcalloc(size_t count, size_t size)
{
    return check(calloc(count ? count : 1, size ? size : 1));
}

void *xrealloc(void *p, size_t size)
{
    return check(realloc(p, size ? size : 1));
}

char *xstrdup(const char *s)
{
    return check(strdup(s));
}

char *xstrndup(const char *s, size_t n)
{
    return check(strndup(s, n));
}

char *xasprintf(const char *fmt, ...)
{
    va_list ap;
    char *s;
    int n;

    va_start(ap, fmt);
    n = vasprintf(&s, fmt, ap);
    va_end(ap);
    return check(n < 0 ? NULL : s);
}

void strset(char **s, const char *value)
{
    char *copy = value ? xstrdup(value) : NULL;

    free(*s);
    *s = copy;
}
