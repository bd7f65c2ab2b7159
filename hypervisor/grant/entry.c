/*
 * Claim and release one entry of a grant table.
 */
#include "grant/private.h"
#include "x86/atomic.h"

#define MAX_TRIES 5                  /* a sane guest changes it once */

union flags_domid {
    uint32_t word;
    struct {
        uint16_t flags;
        domid_t domid;
    };
};
_Static_assert(offsetof(struct grant_entry_v1, domid) == 2, "ABI");

int grant_entry_claim(struct grant_entry_v1 *e, domid_t by, bool write,
                      uint32_t *ret_frame)
{
    uint32_t *word = (uint32_t *)e;
    union flags_domid old = { .word = READ_ONCE(*word) }, new, seen;

    for (unsigned int i = 0; i < MAX_TRIES; i++) {
        if ((old.flags & GTF_type_mask) != GTF_permit_access ||
            (old.flags & GTF_sub_page) || old.domid != by ||
            (write && (old.flags & GTF_readonly)))
            return GNTST_general_error;
        new = old;
        new.flags |= GTF_reading | (write ? GTF_writing : 0);
        seen.word = cmpxchg(word, old.word, new.word);
        if (seen.word == old.word) {
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
