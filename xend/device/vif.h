/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the rest of the daemon needs to know of network interfaces. */
#ifndef XEND_DEVICE_VIF_H
#define XEND_DEVICE_VIF_H

#include <stdbool.h>
#include <stdint.h>

struct device_config;
struct domain_config;
struct vif_config;

/*
 * Give a vif what it lacks, for good: an address, and this host's defaults.
 * Other devices stay.
 */
void vif_complete(struct device_config *dc);

/* Fill what v lacks with the defaults of path, a file like xl.conf. */
void vif_defaults(const char *path, struct vif_config *v);

/* The vif of c that name means: its number or its hardware address. */
bool vif_find(const struct domain_config *c, const char *name,
              int64_t *ret_devid);

#endif
