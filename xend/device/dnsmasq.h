/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * dnsmasq, which gives the guests of the host's own network their addresses
 * and resolves names for them.  It is a process of its own that outlives this
 * daemon; what it has lies in the folder network/ of the daemon's run_dir.
 */
#ifndef XEND_DEVICE_DNSMASQ_H
#define XEND_DEVICE_DNSMASQ_H

#include <sys/types.h>

#include "device/netlink.h"
#include "util/err.h"

/* The one that serves run_dir's network; 0: there is none. */
pid_t dnsmasq_pid(const char *run_dir);

/* Start it on an interface with this network, unless it runs. */
int dnsmasq_start(const char *run_dir, const char *interface,
                  const struct ipv4_net *net, struct err *err);

/* Let it read the reservations again. */
void dnsmasq_reread(const char *run_dir);

/* The file of an address that is kept for a hardware address: "MAC,IP". */
char *dnsmasq_reservation(const char *run_dir, const char *mac);

#endif
