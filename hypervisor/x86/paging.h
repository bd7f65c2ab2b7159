/*
 * Page-table entries: formats and arithmetic (Intel SDM 3A, chapter 4).
 */
#ifndef X86_PAGING_H
#define X86_PAGING_H

#include "lib/types.h"
#include "x86/addrmap.h"

typedef uint64_t pte_t;              /* an entry of any level */

#define PTE_PRESENT    0x001UL
#define PTE_RW         0x002UL
#define PTE_USER       0x004UL
#define PTE_PWT        0x008UL
#define PTE_PCD        0x010UL
#define PTE_ACCESSED   0x020UL
#define PTE_DIRTY      0x040UL
#define PTE_PSE        0x080UL       /* levels 2 and 3 */
#define PTE_PAT        0x080UL       /* level 1 */
#define PTE_GLOBAL     0x100UL
#define PTE_AVAIL      0xe00UL
#define PTE_GNTTAB     (1UL << 62)   /* ABI: maps a granted frame */
#define PTE_GUEST_KERNEL (1UL << 52) /* leaf of a guest's kernel: not global */
#define PTE_NX         (1UL << 63)
#define PTE_ADDR_MASK  0x000ffffffffff000UL

#define PTES_PER_TABLE 512
#define PT_SHIFT(lvl)  (12 + 9 * ((lvl) - 1))
#define PT_INDEX(va, lvl) (((va) >> PT_SHIFT(lvl)) & 511)

static inline mfn_t pte_mfn(pte_t e)
{
    return (e & PTE_ADDR_MASK) >> PAGE_SHIFT;
}

static inline pte_t pte_make(mfn_t mfn, uint64_t flags)
{
    return (mfn << PAGE_SHIFT) | flags;
}

static inline bool va_canonical(unsigned long va)
{
    return (unsigned long)((long)(va << 16) >> 16) == va;
}

/* True where a guest may not reach: the hypervisor's slots. */
static inline bool va_is_hypervisor(unsigned long va)
{
    return va >= HV_VIRT_START && va < HV_VIRT_END;
}

/* [va, va + n) lies wholly in canonical space outside the hypervisor's. */
static inline bool guest_range_ok(unsigned long va, unsigned long n)
{
    unsigned long last = va + n - (n != 0);

    if (last < va)
        return false;
    return (last < 0x800000000000UL) || (va >= HV_VIRT_END);
}

#endif
