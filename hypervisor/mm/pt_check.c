#include "mm/pt_check.h"
#include "lib/abi.h"
#include "x86/cpu.h"

int pt_check_table(pte_t *e)
{
    if (*e & (PTE_PSE | PTE_GLOBAL | PTE_PCD | PTE_PWT))
        return -EINVAL;
    *e |= PTE_USER;
    if (!cpu_features.nx)
        *e &= ~PTE_NX;
    return 0;
}

int pt_check_leaf(pte_t *e, bool cacheable)
{
    if (cacheable && (*e & (PTE_PWT | PTE_PCD | PTE_PAT)))
        return -EINVAL;
    if (!(*e & PTE_USER))
        *e |= PTE_USER | PTE_GUEST_KERNEL;
    *e |= PTE_GLOBAL;
    if (*e & PTE_GUEST_KERNEL)
        *e &= ~PTE_GLOBAL;
    if (!cpu_features.nx)
        *e &= ~PTE_NX;
    return 0;
}
