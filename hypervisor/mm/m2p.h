/*
 * The machine-to-physical table: what a frame's owner calls it.  Guests read
 * it at RO_M2P_START; we write it at RW_M2P_START.
 */
#ifndef MM_M2P_H
#define MM_M2P_H

#include "lib/types.h"
#include "x86/addrmap.h"

#define M2P_INVALID  (~0UL)

static inline void m2p_set(mfn_t mfn, unsigned long pfn)
{
    ((unsigned long *)RW_M2P_START)[mfn] = pfn;
}

static inline unsigned long m2p_get(mfn_t mfn)
{
    return ((const unsigned long *)RW_M2P_START)[mfn];
}

#endif
