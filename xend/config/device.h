/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The notations of devices, a source file each. */
#ifndef XEND_CONFIG_DEVICE_H
#define XEND_CONFIG_DEVICE_H

#include "config/config.h"

extern const struct device_notation vbd_notation, vif_notation;

#endif
