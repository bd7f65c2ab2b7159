/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a domain finds about itself in xenstore. */
#ifndef XEND_DOMAIN_NODES_H
#define XEND_DOMAIN_NODES_H

#include <stddef.h>

struct domain;
struct xend;

/* Write all nodes of d, which has its domid and rings, as one change. */
int nodes_write(struct domain *d);

/* What the guest itself has written there, for another domain: a block of
 * *ret_size bytes, the caller's.  -EBADMSG: saved holds something else. */
void *nodes_save(const struct domain *d, size_t *ret_size);
int nodes_restore(struct domain *d, const void *saved, size_t size);

/* Remove them; what is not there is no error. */
void nodes_remove(struct domain *d);

/* Remove what a domain that nobody knows any more has left. */
void nodes_remove_domid(struct xend *x, unsigned int domid);

/* What is there without any guest: domain 0, the tools' own corner. */
int nodes_write_host(struct xend *x);

#endif
