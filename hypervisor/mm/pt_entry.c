#include "mm/private.h"
#include "domain/domain.h"
#include "drivers/acpi.h"
#include "mm/frame_table.h"
#include "mm/page_type.h"
#include "mm/pt_check.h"
#include "x86/atomic.h"
#include "x86/cpu.h"

/* Devices and firmware tables: what no RAM is, for who owns the hardware.  It
 * drives them all, but for the interrupt controllers, which are ours. */
static int io_frame_check(mfn_t mfn, const struct domain *pt_owner,
                          const struct domain *pg_owner)
{
    if (!pt_owner->hardware || (pg_owner != pt_owner && pg_owner != dom_io) ||
        mfn >> (cpu_features.phys_bits - PAGE_SHIFT) ||
        mfn == PFN_DOWN(acpi.lapic_maddr))
        return -EINVAL;
    for (unsigned int i = 0; i < acpi.nr_ioapics; i++)
        if (mfn == PFN_DOWN(acpi.ioapic[i].maddr))
            return -EINVAL;
    return 0;
}

static int leaf_get(pte_t *e, const struct domain *pt_owner,
                    const struct domain *pg_owner)
{
    mfn_t mfn = pte_mfn(*e);
    struct page_info *pg;
    int rc = pt_check_leaf(e, !pt_owner->hardware);

    if (rc)
        return rc;
    if (!mfn_valid(mfn))
        return io_frame_check(mfn, pt_owner, pg_owner);
    pg = mfn_to_page(mfn);
    if (!page_get(pg, pg_owner))
        return -EINVAL;
    if (*e & PTE_RW)
        rc = page_type_get(pg, PGT_WRITABLE);
    if (rc)
        page_put(pg);
    return rc;
}

int pt_entry_get(pte_t *e, unsigned int lvl, const struct domain *pt_owner,
                 const struct domain *pg_owner)
{
    struct page_info *pg;
    int rc;

    if (!(*e & PTE_PRESENT))
        return 0;
    if (lvl == 1)
        return leaf_get(e, pt_owner, pg_owner);
    rc = pt_check_table(e);
    /* A lower level of the same owner: so there are no circles, and whoever
     * loads the root sees tables of one domain. */
    if (!rc)
        rc = page_get_typed(pte_mfn(*e), PGT_L1 + lvl - 2, pt_owner, &pg);
    return rc;
}

void pt_entry_put(pte_t e, unsigned int lvl, domid_t owner)
{
    mfn_t mfn = pte_mfn(e);
    struct page_info *pg;

    if (!(e & PTE_PRESENT) || !mfn_valid(mfn))
        return;
    pg = mfn_to_page(mfn);
    if (lvl > 1) {
        page_put_typed(pg);
        return;
    }
    /* TLBs of another domain than the owner may hold it: see page_type.c. */
    if (pg->owner != owner && !(READ_ONCE(pg->count) & PGC_FOREIGN))
        atomic_or(&pg->count, PGC_FOREIGN);
    if (e & PTE_RW)
        page_type_put(pg);
    page_put(pg);
}
