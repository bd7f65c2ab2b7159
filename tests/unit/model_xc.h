/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A model of the hypervisor behind libxc's interface: domains, memory and
 * ends, in memory shared with child processes, so that one of them can be
 * xend, and be killed at any of its hypercalls.  Rings are fake_rings.c's.
 */
#ifndef TESTS_UNIT_MODEL_XC_H
#define TESTS_UNIT_MODEL_XC_H

#include "fake_rings.h"

#define MODEL_TOTAL_KB (1024 * 1024)

/* An empty machine; call fake_reset() before it. */
void model_reset(void);

/* Figures of the machine, by which tests see what was left behind. */
unsigned int model_domains(void);       /* without domain 0 */
uint64_t model_free_kb(void);

/* The state of a domain; false if there is none. */
bool model_get(unsigned int domid, struct xc_domain_info *ret_info);

/* The guest shuts down by itself. */
void model_shutdown(unsigned int domid, unsigned int reason);

/* The process that makes the nth hypercall from now on that changes something
 * is killed, before or after it takes effect; 0: none is. */
void model_kill_at(unsigned int n, bool after);
/* Whether that has happened. */
bool model_has_killed(void);

/* Saving a domain fails, as if the disk were full. */
void model_set_bad_file(bool bad);

/* Building, saving, reading and dumping a domain takes until this is taken
 * back, or until it is cancelled. */
void model_hold(bool hold);
/* Whether a thread has come so far since. */
bool model_is_holding(void);

#endif
