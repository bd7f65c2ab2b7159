/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One network interface of a guest, and the notations it is written in. */
#ifndef XEND_CONFIG_CONFIG_VIF_H
#define XEND_CONFIG_CONFIG_VIF_H

#include <stdbool.h>
#include <stdint.h>

struct config_report;
struct json_object;

#define VIF_DEVID_MAX  255
#define VIF_MTU_MIN    68
#define VIF_MTU_MAX    65517    /* what xen-netback can: 65535 - 18 */
#define VIF_RATE_USEC  50000    /* an interval of rate= that names none */

/* Strings are NULL where nothing was given. */
struct vif_config {
    int64_t devid;              /* -1: the first that is free */
    char *mac;                  /* "00:16:3e:aa:bb:cc" */
    char *bridge;               /* NULL: the host's own network */
    char *ifname;               /* in dom0; NULL: vifDOMID.DEVID */
    char *ip;                   /* addresses that it may have, for scripts */
    char *script;               /* of the user; NULL: xend does it all */
    char *gatewaydev;           /* for scripts */
    int64_t mtu;                /* 0: as the bridge has it */
    int64_t rate_bytes;         /* sent in each interval; 0: no limit */
    int64_t rate_usec;
    bool untrusted;             /* the guest does not trust dom0 */
};

/*
 * Read a specification, "mac=..., bridge=..."; an empty one is a vif with
 * every default.  place is what messages begin with.  -EINVAL with r->error;
 * *v is then empty, otherwise the caller's to vif_config_fini().
 */
int vif_config_parse(const char *spec, const char *place,
                     struct config_report *r, struct vif_config *v);

/* The shape of xl list -l's "nics"; reading ignores what it does not know. */
struct json_object *vif_config_to_json(const struct vif_config *v);
int vif_config_from_json(struct json_object *json, const char *place,
                         struct config_report *r, struct vif_config *v);

void vif_config_copy(struct vif_config *to, const struct vif_config *from);
void vif_config_fini(struct vif_config *v);

#endif
