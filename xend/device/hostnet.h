/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The host's own network: what an interface without bridge= is connected to.
 *
 * It is the bridge xenbr0.  If the operator has made one, it is used as it is.
 * Otherwise xend makes it when it is first needed: the bridge with a private
 * network that the host is not in yet, NAT to the outside, and dnsmasq, which
 * gives guests their addresses and resolves names for them.  It is kept while
 * the host is up, as its address is what guests and programs of the host know.
 *
 * The kernel has the record of it: a bridge of ours is in an interface group
 * that tells so.  Nothing is lost when the daemon is killed; what is missing is
 * made up for at the next need.
 */
#ifndef XEND_DEVICE_HOSTNET_H
#define XEND_DEVICE_HOSTNET_H

#include <stdbool.h>

#include "util/err.h"

#define HOSTNET_BRIDGE "xenbr0"

/*
 * Make sure that the bridge is there and, if it is ours, that it has all of
 * the above.  run_dir: the daemon's.  For threads; one at a time does it, the
 * others wait.  On failure a bridge that was made is gone again.
 */
int hostnet_need(const char *run_dir, struct err *err);

/*
 * Let DHCP give the address ip to whoever has the hardware address mac; nothing
 * happens if the bridge is the operator's.  -EINVAL: ip is no address of the
 * network.
 */
int hostnet_reserve(const char *run_dir, const char *mac, const char *ip,
                    struct err *err);
void hostnet_unreserve(const char *run_dir, const char *mac);

/* After a restart: drop the reservations of all that keep does not know. */
void hostnet_sweep(const char *run_dir,
                   bool (*keep)(void *ctx, const char *mac), void *ctx);

/* Whether there is a bridge that xend has made. */
bool hostnet_is_ours(void);

/* After a restart: complete a bridge of ours, if there is one. */
int hostnet_resume(const char *run_dir, struct err *err);

#endif
