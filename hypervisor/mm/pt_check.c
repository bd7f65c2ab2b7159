#include "mm/pt_check.h"
#include "lib/abi.h"
#include "x86/cpu.h"

/* Bits of a descriptor (Intel SDM 3A, 3.4.5). */
#define DESC_PRESENT  (1UL << 47)
#define DESC_DPL3     (3UL << 45)
#define DESC_SEGMENT  (1UL << 44)    /* code or data */
#define DESC_TYPE     (15UL << 40)

static pte_t without_nx(pte_t e)
{
    return cpu_features.nx ? e : e & ~PTE_NX;
}

int pt_check_table(pte_t *e)
{
    if (*e & (PTE_PSE | PTE_GLOBAL | PTE_PCD | PTE_PWT))
        return -EINVAL;
    *e = without_nx(*e) | PTE_USER;
    return 0;
}

int pt_check_leaf(pte_t *e, bool cacheable)
{
    if (cacheable && (*e & (PTE_PWT | PTE_PCD | PTE_PAT)))
        return -EINVAL;
    if (!(*e & PTE_USER))
        *e |= PTE_USER | PTE_GUEST_KERNEL;
    if (*e & PTE_GUEST_KERNEL)
        *e &= ~PTE_GLOBAL;
    else
        *e |= PTE_GLOBAL;
    *e = without_nx(*e);
    return 0;
}

bool desc_check(uint64_t *desc)
{
    /* One that is not present faults when it is loaded. */
    if (!(*desc & DESC_PRESENT))
        return true;
    if (*desc & DESC_SEGMENT) {
        *desc |= DESC_DPL3;
        return true;
    }
    /* Gates, TSSs and LDTs are ours; type 0 cannot be loaded at all. */
    return !(*desc & DESC_TYPE);
}
