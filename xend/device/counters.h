/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What has gone through devices, as dom0's drivers count it. */
#ifndef XEND_DEVICE_COUNTERS_H
#define XEND_DEVICE_COUNTERS_H

#include <stdbool.h>
#include <stdint.h>

/* Where the kernel shows the back ends. */
#define BACK_ENDS "/sys/bus/xen-backend/devices"

struct vbd_counters {
    uint64_t out_of_requests;   /* times that dom0's driver had none free */
    uint64_t reads, writes, flushes, discards;      /* requests */
    uint64_t read_sectors, written_sectors;         /* of 512 bytes */
};

/* From the back end's folder below dir.  False: it has none (yet). */
bool vbd_counters(const char *dir, unsigned int domid, int64_t devid,
                  struct vbd_counters *ret_counters);

/* Interfaces of the host, by name. */
struct link_counters;
struct traffic {
    struct link_counters *link;
    unsigned int nr;
};

/* All of them in one question to the kernel; -errno: none are known. */
int traffic_read(struct traffic *ret_t);
void traffic_fini(struct traffic *t);

/* NULL: there is no such interface. */
const struct link_counters *traffic_find(const struct traffic *t,
                                         const char *name);

#endif
