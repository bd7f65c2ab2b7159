/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Enough of libxc to put guests' rings under xend on any machine: pages and
 * event channels in memory that is shared with child processes, so that one of
 * them can be the daemon, and be killed, while the test plays the guests.
 */
#ifndef TESTS_UNIT_FAKE_RINGS_H
#define TESTS_UNIT_FAKE_RINGS_H

#include <stdbool.h>

#include "xc.h"

#define FAKE_DOMAINS 8
#define FAKE_PORT_STORE 1u
#define FAKE_PORT_CONSOLE 2u

/* Fresh pages and no channels; before the first use, and for a new test. */
void fake_reset(void);

struct xc *fake_xc(void);

/* The guest's sides. */
struct xenstore_domain_interface *fake_store(unsigned int domid);
struct xencons_interface *fake_console(unsigned int domid);

/* The guest sends an event: lost if nobody has bound the port. */
void fake_send(unsigned int domid, unsigned int port);

/* Has the guest been sent one since the last call? */
bool fake_notified(unsigned int domid, unsigned int port);

/* Whether a guest can be mapped at all. */
void fake_refuse(unsigned int domid, bool refuse);

/* Called in the daemon's process with each event that it sends or takes. */
extern void (*fake_hook)(void);

/* The daemon's process is dead: its channels close. */
void fake_killed(void);

#endif
