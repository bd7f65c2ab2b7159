/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef BENCH_H
#define BENCH_H

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

/* Microseconds of a clock that only goes forward. */
static inline double now(void)
{
    struct timespec ts;

    clock_gettime(CLOCK_MONOTONIC, &ts);
    return ts.tv_sec * 1e6 + ts.tv_nsec / 1e3;
}

/* Without this nothing can be measured: say what failed, and end. */
static inline void must(bool good, const char *what)
{
    if (!good) {
        perror(what);
        exit(1);
    }
}

#endif
