/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A network namespace of the test's own, and what such tests include. */
#ifndef TESTS_UNIT_NETNS_H
#define TESTS_UNIT_NETNS_H

#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

/* Containers without the right to do so have nothing that can be tested. */
static inline void need_namespace(void)
{
    if (unshare(CLONE_NEWNET) && unshare(CLONE_NEWUSER | CLONE_NEWNET)) {
        print_message("no network namespaces here: skipped\n");
        skip();
    }
}

#endif
