#include "mm/pt_check.h"
#include "lib/abi.h"
#include "x86/cpu.h"

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
