/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "util/log.h"

static int log_level = LOG_INFO;

void log_set_level(int level)
{
    log_level = level;
}

/* The journal stamps lines itself; elsewhere each line begins with the time. */
static int put_prefix(char *line, size_t size, int level)
{
    struct timespec now;
    struct tm tm;

    if (getenv("JOURNAL_STREAM"))
        return snprintf(line, size, "<%d>", level);
    clock_gettime(CLOCK_REALTIME, &now);
    gmtime_r(&now.tv_sec, &tm);
    return snprintf(line, size, "%02d:%02d:%02d.%03ld xend%s: ", tm.tm_hour,
                    tm.tm_min, tm.tm_sec, now.tv_nsec / 1000000,
                    level <= LOG_ERR ? " error" :
                    level == LOG_WARNING ? " warning" : "");
}

void log_line(int level, const char *fmt, ...)
{
    int saved = errno, len, n;
    char line[1024];
    va_list ap;

    if (level > log_level)
        return;
    len = put_prefix(line, sizeof(line), level);
    va_start(ap, fmt);
    n = vsnprintf(line + len, sizeof(line) - len - 1, fmt, ap);
    va_end(ap);
    if (n < 0)
        n = 0;
    len += n;
    if (len > (int)sizeof(line) - 2)
        len = sizeof(line) - 2;
    line[len++] = '\n';
    if (write(STDERR_FILENO, line, len) < 0)
        errno = 0;              /* nobody left to tell */
    errno = saved;
}
