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
};

/* A frame of the table; both have GRANTS_PER_FRAME entries. */
struct grant_frame {
    struct grant_entry_v1 *shared;   /* with the guest */
    struct active_entry *active;
};

/* A mapping that this domain has made, by its handle. (g) of the mapper */
struct maptrack {
    struct domain *rd;               /* who granted it, referenced */
    grant_ref_t ref;                 /* free: handle of the next free one */
    uint16_t flags;                  /* GNTMAP_*; 0: free; BUSY: in change */
};
#define MAPTRACK_PER_PAGE  (PAGE_SIZE / sizeof(struct maptrack))
#define MAPTRACK_BUSY      0x8000
#define NO_HANDLE          (~0U)

/* How many operations go between looks at more urgent work, and with one
 * flush of the TLBs. */
#define GRANT_BATCH        32

/* The operation at hand, and mappings that end with the next flush. */
struct grant_call {
    union {
        struct gnttab_map_grant_ref map;
        struct gnttab_unmap_grant_ref unmap;
        struct gnttab_copy copy;
        struct gnttab_swap_grant_ref swap;
        struct gnttab_cache_flush cache;
        struct gnttab_setup_table setup;
        struct gnttab_query_size size;
    };
    unsigned int nr_ended;
    grant_handle_t ended[GRANT_BATCH];
};

/*
 * The operations.  GNTST_*.  An unmapping has a second phase, after a flush of
 * the TLBs, for the handles that it leaves in `ended`.
 */
int grant_map(struct grant_call *c);
int grant_unmap(struct grant_call *c);
void grant_unmap_end(grant_handle_t handle);
int grant_copy(struct grant_call *c);
/* Exchange two entries that are not pinned. */
int grant_swap(struct grant_call *c);
/* Write part of a frame, the caller's or one that it maps, back from caches.
 * An errno: -EINVAL; -EPERM: no domain's frame; -EOPNOTSUPP: x86 cannot. */
int grant_cache_flush(struct grant_call *c);

/* The entry of a reference below nr_frames * GRANTS_PER_FRAME. */
static inline struct active_entry *active_of(const struct grant_table *t,
                                             grant_ref_t ref)
{
    return &t->frames[ref / GRANTS_PER_FRAME].active[ref % GRANTS_PER_FRAME];
}

/* Pin rd's entry for domain `by`. GNTST_*. */
int grant_pin(struct domain *rd, grant_ref_t ref, domid_t by, bool write,
              mfn_t *ret_mfn);
void grant_unpin(struct domain *rd, grant_ref_t ref, bool write);

/*
 * One entry in memory that the granting guest writes at any time, and whose
 * flags we change under its hands.  It may take an entry back as long as
 * neither GTF_reading nor GTF_writing is set; it does so with one
 * compare-and-exchange of the flags.  So we claim it in the same way: flags
 * and domid together, in one word.
 *
 * Claim the entry for `by`, for reading, and also for writing if write.
 * GNTST_okay, with the granted frame; GNTST_general_error: not granted to it,
 * or not in this way, or the guest changes it all the time.
 */
int grant_entry_claim(struct grant_entry_v1 *e, domid_t by, bool write,
                      uint32_t *ret_frame);
/* The last use of a kind has gone: give the flags (GTF_*) back. */
void grant_entry_release(struct grant_entry_v1 *e, uint16_t flags);

#endif
