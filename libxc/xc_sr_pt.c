/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Page tables on their way into a stream and out of it.  Pure.
 */
#include "xc_sr.h"

#define ENTRIES     512u
#define PTE_P       0x01u
#define PTE_PSE     0x80u
#define PTE_FRAME   0x000ffffffffff000ULL

/* The hypervisor's entries of a top table. */
#define HV_FIRST    256u
#define HV_LAST     271u

int sr_table_convert(unsigned int level, const uint64_t *from, uint64_t *to,
                     const struct sr_map *m, unsigned int *ret_index)
{
    for (unsigned int i = 0; i < ENTRIES; i++) {
        uint64_t e = from[i], frame;

        if (level == 4 && i >= HV_FIRST && i <= HV_LAST)
            e = 0;
        if (e & PTE_P) {
            frame = m->get(m, (e & PTE_FRAME) >> 12);
            if (frame == SR_NO_PFN || (level > 1 && (e & PTE_PSE))) {
                *ret_index = i;
                return -EINVAL;
            }
            e = (e & ~PTE_FRAME) | frame << 12;
        }
        to[i] = e;
    }
    return 0;
}
