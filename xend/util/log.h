/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The daemon's log: one line per message on standard error, with a syslog
 * priority prefix when a service manager reads it.  A line is one write(2), so
 * threads do not mix; a full or closed log never stops the daemon.
 */
#ifndef XEND_UTIL_LOG_H
#define XEND_UTIL_LOG_H

#include <syslog.h>

/* Choose what is printed: LOG_ERR ... LOG_DEBUG; the default is LOG_INFO. */
void log_set_level(int level);

/* Write one line at level; a trailing newline is added.  Keeps errno. */
void log_line(int level, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

#define log_err(...)   log_line(LOG_ERR, __VA_ARGS__)
#define log_warn(...)  log_line(LOG_WARNING, __VA_ARGS__)
#define log_info(...)  log_line(LOG_INFO, __VA_ARGS__)
#define log_debug(...) log_line(LOG_DEBUG, __VA_ARGS__)

#endif
