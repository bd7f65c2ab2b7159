/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the rest of the daemon needs to know of network interfaces. */
#ifndef XEND_DEVICE_VIF_H
#define XEND_DEVICE_VIF_H

#include <stdbool.h>
#include <stdint.h>

struct device_config;
struct domain_config;

/* Give a vif that has no address one, for good; other devices stay. */
void vif_complete(struct device_config *dc);

/* The vif of c that name means: its number or its hardware address. */
bool vif_find(const struct domain_config *c, const char *name,
              int64_t *ret_devid);

#endif
