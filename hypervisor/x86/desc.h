/*
 * Segment descriptors (SDM 3A, 3.4.5), and which of them guests may have.
 */
#ifndef X86_DESC_H
#define X86_DESC_H

#include "lib/types.h"
#include "x86/regs.h"

#define DESC_P       (1ULL << 47)
#define DESC_S       (1ULL << 44)
#define DESC_DPL     (3ULL << 45)
#define DESC_L       (1ULL << 53)
#define DESC_D       (1ULL << 54)
#define DESC_CODE    (1ULL << 43)

/*
 * May a guest have this descriptor?  Code and data may be anything of ring 3
 * (*desc gets DPL 3); gates and system segments may not be present.
 */
static inline bool desc_check(uint64_t *desc)
{
    uint64_t d = *desc;

    if (!(d & DESC_P))
        return true;
    if (!(d & DESC_S))
        return false;
    if ((d & DESC_CODE) && (d & DESC_L) && (d & DESC_D))
        return false;
    *desc = d | DESC_DPL;
    return true;
}

#endif
