/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Watches over the host's own network: when dnsmasq ends, it is started again,
 * at once if it had run for a while, else after a time that doubles.
 */
#ifndef XEND_DEVICE_HOSTNET_GUARD_H
#define XEND_DEVICE_HOSTNET_GUARD_H

struct hostnet_guard;
struct sd_event;
struct workers;

/*
 * A guard of the network that has its files in run_dir, which is copied.  It
 * does nothing until it is told to look; then its events are loop's, and a
 * thread of workers starts dnsmasq.  Failures are logged.
 */
struct hostnet_guard *hostnet_guard_create(struct sd_event *loop,
                                           struct workers *workers,
                                           const char *run_dir);
/* After workers_destroy(), as a thread may be at it.  dnsmasq runs on.  NULL is
 * fine. */
void hostnet_guard_destroy(struct hostnet_guard *g);

/* The network is complete, perhaps: follow the dnsmasq that runs now. */
void hostnet_guard_look(struct hostnet_guard *g);

#endif
