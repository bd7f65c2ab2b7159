/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The host's network interfaces, by rtnetlink: each function asks the kernel
 * and waits for its answer, so it belongs in a thread where it matters.  They
 * share nothing and may run at the same time.  0 or -errno.
 */
#ifndef XEND_DEVICE_NETLINK_H
#define XEND_DEVICE_NETLINK_H

#include <net/if.h>
#include <stdbool.h>
#include <stdint.h>

struct link {
    unsigned int index;
    char name[IFNAMSIZ];
    char kind[IFNAMSIZ];        /* "bridge"; "": a plain one */
    unsigned int master;        /* index of the bridge that it is a port of */
    unsigned int mtu;
    unsigned int group;
    bool up;
};

/* What has gone through an interface, as dom0 sees it. */
struct link_counters {
    char name[IFNAMSIZ];
    uint64_t rx_bytes, rx_packets, rx_dropped;
    uint64_t tx_bytes, tx_packets, tx_dropped;
};

struct ipv4_net {
    uint32_t addr;              /* host byte order */
    unsigned int prefix;        /* bits of the network */
    unsigned int index;         /* of the interface */
};

/* -ENODEV: there is no such interface.  ret_link may be NULL. */
int link_find(const char *name, struct link *ret_link);

/* As link_find, but wait for it to appear.  -ETIMEDOUT: it has not. */
int link_wait(const char *name, unsigned int seconds, struct link *ret_link);

/* Wait for it to vanish. */
int link_wait_gone(const char *name, unsigned int seconds);

/*
 * Make a bridge in a group of interfaces.  Its address stays as it is, whatever
 * ports it gets.  -EEXIST: the name is taken.
 */
int link_add_bridge(const char *name, unsigned int group,
                    const uint8_t mac[6]);
int link_delete(unsigned int index);

/* Change one thing. */
int link_set_master(unsigned int index, unsigned int master);   /* 0: none */
int link_set_up(unsigned int index, bool up);
int link_set_mtu(unsigned int index, unsigned int mtu);
int link_set_name(unsigned int index, const char *name);

/* Give an interface an address.  -EEXIST: it has it. */
int link_add_address(const struct ipv4_net *net);

/* All IPv4 addresses of the host; the array is the caller's. */
int link_addresses(struct ipv4_net **ret_list, unsigned int *ret_nr);

/* Counters of all interfaces, in no order; the array is the caller's. */
int link_counters(struct link_counters **ret_list, unsigned int *ret_nr);

/* A random hardware address of Xen's range, 00:16:3e. */
void mac_new(uint8_t mac[6]);

#endif
