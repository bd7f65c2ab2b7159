/*
 * What pure code asks of whoever links it: the hypervisor's console and crash
 * path, or the host's stdio and abort in unit tests.
 */
#ifndef LIB_ENV_H
#define LIB_ENV_H

#include "lib/types.h"

enum log_level { LOG_ERR, LOG_WARN, LOG_INFO, LOG_DEBUG, LOG_GUEST };

/* One line (with its '\n') into the log ring and to the console. */
void printk(enum log_level level, const char *fmt, ...) __printf(2, 3);

/* The hypervisor cannot go on: message, registers, backtrace, halt/reboot. */
void panic(const char *fmt, ...) __printf(1, 2) __noreturn;

#define BUG() panic("BUG at %s:%d", __FILE__, __LINE__)

#ifdef ZAZEN_DEBUG
#define DEBUG_BUILD true
#else
#define DEBUG_BUILD false
#endif

/* Our own logic only; never on a guest's value. */
#define ASSERT(x) \
    do { \
        if (DEBUG_BUILD && !(x)) \
            panic("%s:%d: " #x, __FILE__, __LINE__); \
    } while (0)

#endif
