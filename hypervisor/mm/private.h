/*
 * Between the files of mm/.
 */
#ifndef MM_PRIVATE_H
#define MM_PRIVATE_H

#include "mm/page_info.h"
#include "x86/paging.h"

struct domain;

/* The last reference to a frame of a domain has gone: off its books. */
void domain_frame_gone(struct page_info *pg);

/* The domain that a guest names in a hypercall on memory, with a reference:
 * itself, one that it may manage, DOMID_IO or DOMID_XEN.  -ESRCH, -EPERM. */
int domain_get_owner(domid_t id, struct domain **ret_d);

/* A cleared page for a table of the hypervisor's; NULL.  At boot, too. */
void *hv_table_alloc(void);
/* Set the hypervisor's entry of level lvl for va.  With map_lock, or at boot.
 * -ENOMEM. */
int hv_set_entry(unsigned long va, unsigned int lvl, pte_t val);

int window_init(struct domain *d);
void window_destroy(struct domain *d);

#endif
