/*
 * One entry of a version 1 grant table: memory that the granting guest writes
 * at any time, and whose flags we change under its hands.
 *
 * The guest may take an entry back as long as neither GTF_reading nor
 * GTF_writing is set; it does so with one compare-and-exchange of the flags.
 * So we claim it in the same way: flags and domid together, in one word.
 */
#ifndef GRANT_ENTRY_H
#define GRANT_ENTRY_H

#include "lib/abi.h"

/*
 * Claim the entry for `by`, for reading, and also for writing if write.
 * GNTST_okay, with the granted frame; GNTST_general_error: not granted to it,
 * or not in this way, or the guest changes it all the time.
 */
int grant_entry_claim(struct grant_entry_v1 *e, domid_t by, bool write,
                      uint32_t *ret_frame);

/* The last use of a kind has gone: give the flags (GTF_*) back. */
void grant_entry_release(struct grant_entry_v1 *e, uint16_t flags);

#endif
