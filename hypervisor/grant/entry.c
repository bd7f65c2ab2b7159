/*
 * Claim and release one entry of a grant table.
 */
#include "grant/private.h"
#include "x86/atomic.h"

#define MAX_TRIES 5                  /* a sane guest changes it once */

_Static_assert(offsetof(struct grant_entry_v1, domid) == 2, "ABI");

int grant_entry_claim(struct grant_entry_v1 *e, domid_t by, bool write,
                      uint32_t *ret_frame)
{
    uint32_t *word = (uint32_t *)e, old = READ_ONCE(*word), seen;

    for (unsigned int i = 0; i < MAX_TRIES; i++) {
        if ((old & GTF_type_mask) != GTF_permit_access || old >> 16 != by ||
            (old & GTF_sub_page) || (write && (old & GTF_readonly)))
            return GNTST_general_error;
        seen = cmpxchg(word, old,
                       old | GTF_reading | (write ? GTF_writing : 0));
        if (seen == old) {
            *ret_frame = READ_ONCE(e->frame);
            return GNTST_okay;
        }
        old = seen;
    }
    return GNTST_general_error;
}

void grant_entry_release(struct grant_entry_v1 *e, uint16_t flags)
{
    atomic_and(&e->flags, (uint16_t)~flags);
}
