/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Other programs, run to their end. */
#ifndef XEND_UTIL_RUN_H
#define XEND_UTIL_RUN_H

#include "util/err.h"

/*
 * Run argv[0] (searched for in PATH) with the environment and env's "NAME=..."
 * besides, both ended by NULL; env may be NULL.  Blocks: for threads.  0 when
 * it ended with 0; otherwise *err names the program and has the last line that
 * it wrote to standard error.  After seconds it is killed with all that it
 * started: -ETIMEDOUT.
 */
int run_program(const char *const argv[], const char *const env[],
                unsigned int seconds, struct err *err);

#endif
