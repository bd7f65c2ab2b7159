/*
 * Between the files of grant/.
 *
 * An entry is pinned while a mapping or a copy uses it: the pin holds a
 * reference to the frame, and a use of it as writable if it may be written.
 * A mapping's page-table entry has a reference (and use) of its own.
 */
#ifndef GRANT_PRIVATE_H
#define GRANT_PRIVATE_H

#include "grant/table.h"

#define GRANTS_PER_FRAME   (PAGE_SIZE / sizeof(struct grant_entry_v1))

/* Pins of one entry. (g) */
struct active_entry {
    uint32_t readers, writers;
    uint32_t mfn;                    /* while pinned */
    domid_t domid;                   /* who pins it; while pinned */
    uint16_t pad;
};
#define ACTIVE_PER_PAGE    (PAGE_SIZE / sizeof(struct active_entry))
#define ACTIVE_PAGES_PER_FRAME (GRANTS_PER_FRAME / ACTIVE_PER_PAGE)

/* A mapping that this domain has made, by its handle. (g) of the mapper */
struct maptrack {
    struct domain *rd;               /* who granted it, referenced */
    grant_ref_t ref;                 /* free: handle of the next free one */
    uint16_t flags;                  /* GNTMAP_*; 0: free; BUSY: in change */
    uint16_t pad;
};
#define MAPTRACK_PER_PAGE  (PAGE_SIZE / sizeof(struct maptrack))
#define MAPTRACK_BUSY      0x8000
#define NO_HANDLE          (~0U)

/* How many operations go between looks at more urgent work, and with one
 * flush of the TLBs. */
#define GRANT_BATCH        32

/* Pin rd's entry for domain `by`. GNTST_*. */
int grant_pin(struct domain *rd, grant_ref_t ref, domid_t by, bool write,
              mfn_t *ret_mfn);
void grant_unpin(struct domain *rd, grant_ref_t ref, bool write);
/* Grow the table up to nr frames. -EINVAL: over the limit; -ENOMEM. */
int grant_grow(struct domain *d, unsigned int nr);
/* Exchange two entries that are not pinned. GNTST_*. */
int grant_swap(struct domain *d, grant_ref_t a, grant_ref_t b);

/* The operations on one element: status is set. */
void grant_map_one(struct gnttab_map_grant_ref *op);
void grant_copy_one(struct gnttab_copy *op);

/* An unmapping in two phases, with a flush of the TLBs between them. */
struct grant_unmap {
    uint64_t host_addr, dev_bus_addr, new_addr;
    grant_handle_t handle;
    struct domain *rd;               /* set when the second is needed */
    grant_ref_t ref;
    bool write;
};
int grant_unmap_begin(struct grant_unmap *u);      /* GNTST_* */
void grant_unmap_end(struct grant_unmap *u);

/* The domain that an operation names, referenced, if the caller may act on
 * it: DOMID_SELF is itself.  Else a GNTST_* error in ret_status. */
struct domain *grant_target(domid_t id, int16_t *ret_status);

#endif
