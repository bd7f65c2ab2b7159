/*
 * What an entry of a page table refers to: take it, give it back.
 */
#ifndef MM_PT_ENTRY_H
#define MM_PT_ENTRY_H

#include "lib/abi.h"
#include "x86/paging.h"

struct domain;

/*
 * Check *e for level lvl of a table of pt_owner and take what it refers to:
 * of a leaf, a reference to the frame and a writable use with PTE_RW; of
 * others, a reference and a use as the next lower table.  Frames belong to
 * pg_owner; frames that are no RAM may be mapped by who has hardware.  *e then
 * reads as it is to be stored.  -EINVAL; -ERESTART.
 */
int pt_entry_get(pte_t *e, unsigned int lvl, const struct domain *pt_owner,
                 const struct domain *pg_owner);
/* Give it back.  owner: the table's. */
void pt_entry_put(pte_t e, unsigned int lvl, domid_t owner);

/* Keep guests from mapping a frame that is no RAM (I/O APIC, ...). At boot. */
void io_frame_deny(mfn_t mfn);

#endif
