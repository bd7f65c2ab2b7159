/*
 * A guest's descriptor tables, shown to the CPU through the vcpu's window.
 */
#include "mm/frame_table.h"
#include "mm/guest_copy.h"
#include "mm/hypercalls.h"
#include "mm/page_type.h"
#include "mm/pagetable.h"
#include "mm/pt_update.h"
#include "pv/pv.h"
#include "x86/desc.h"

#define DESCS_PER_PAGE   512
#define GUEST_GDT_ENTS   (GUEST_GDT_PAGES * DESCS_PER_PAGE)
#define LDT_MAX_ENTS     8192
#define WINDOW_FLAGS     (PTE_PRESENT | PTE_RW | PTE_ACCESSED | PTE_DIRTY | \
                          PTE_NX)

static void gdt_put(struct vcpu *v)
{
    unsigned int n;

    for (n = 0; n < GUEST_GDT_PAGES && v->pv.gdt_mfn[n]; n++) {
        window_map(v->domain, GDT_VADDR(v->id) + n * PAGE_SIZE, INVALID_MFN,
                   0);
        invlpg(GDT_VADDR(v->id) + n * PAGE_SIZE);
        page_put_typed(mfn_to_page(v->pv.gdt_mfn[n]));
        v->pv.gdt_mfn[n] = 0;
    }
    v->pv.gdt_ents = 0;
}

int pv_gdt_set(struct vcpu *v, const unsigned long *frames, unsigned int ents)
{
    unsigned int nr = (ents + DESCS_PER_PAGE - 1) / DESCS_PER_PAGE, n;
    struct page_info *pg;
    int rc;

    if (ents > GUEST_GDT_ENTS)
        return -EINVAL;
    for (n = 0; n < nr; n++) {
        rc = page_get_typed(frames[n], PGT_SEG_DESC, v->domain, &pg);
        if (rc)
            goto fail;
    }
    gdt_put(v);
    for (n = 0; n < nr; n++) {
        v->pv.gdt_mfn[n] = frames[n];
        window_map(v->domain, GDT_VADDR(v->id) + n * PAGE_SIZE, frames[n],
                   WINDOW_FLAGS);
    }
    v->pv.gdt_ents = ents;
    return 0;

 fail:
    while (n--)
        page_put_typed(mfn_to_page(frames[n]));
    return rc;
}

long do_set_gdt(void __guest *frames, unsigned int entries)
{
    unsigned long list[GUEST_GDT_PAGES];
    unsigned int nr = (entries + DESCS_PER_PAGE - 1) / DESCS_PER_PAGE;

    if (entries > GUEST_GDT_ENTS)
        return -EINVAL;
    if (copy_from_guest(list, frames, nr * sizeof(list[0])))
        return -EFAULT;
    return pv_gdt_set(current, list, entries);
}

/*
 * One descriptor of a table in use, or of a page that may become one: then
 * it is an ordinary store.
 */
long do_update_descriptor(uint64_t maddr, uint64_t desc)
{
    struct domain *d = current->domain;
    mfn_t mfn = maddr >> PAGE_SHIFT;
    struct page_info *pg;
    uint64_t *at;

    if ((maddr & 7) || !desc_check(&desc))
        return -EINVAL;
    if (page_get_typed(mfn, PGT_SEG_DESC, d, &pg) &&
        page_get_typed(mfn, PGT_WRITABLE, d, &pg))
        return -EINVAL;
    at = mfn_to_virt(mfn);
    WRITE_ONCE(at[(maddr & ~PAGE_MASK) / 8], desc);
    page_put_typed(pg);
    return 0;
}

/* The frame that the guest maps there is taken as descriptors. */
static bool ldt_map_page(struct vcpu *v, unsigned int n)
{
    struct page_info *pg;
    pte_t e;

    if (n * DESCS_PER_PAGE >= v->pv.ldt_ents || (v->pv.ldt_mapped & BIT(n)))
        return false;
    e = pt_walk(v, v->pv.ldt_base + n * PAGE_SIZE);
    if (!(e & PTE_PRESENT) ||
        page_get_typed(pte_mfn(e), PGT_SEG_DESC, v->domain, &pg))
        return false;
    window_map(v->domain, LDT_VADDR(v->id) + n * PAGE_SIZE, pte_mfn(e),
               WINDOW_FLAGS);
    v->pv.ldt_mapped |= BIT(n);
    return true;
}

bool pv_ldt_fault(struct vcpu *v, unsigned long va)
{
    unsigned long base = LDT_VADDR(v->id);

    if (va < base || va >= base + LDT_PAGES * PAGE_SIZE)
        return false;
    return ldt_map_page(v, (va - base) / PAGE_SIZE);
}

bool pv_ldt_map_all(struct vcpu *v)
{
    bool changed = false;
    unsigned int n;

    for (n = 0; n < LDT_PAGES; n++)
        changed |= ldt_map_page(v, n);
    return changed;
}

void pv_tables_drop(struct vcpu *v)
{
    vcpu_unmap_ldt(v);
    v->pv.ldt_ents = 0;
    gdt_put(v);
}
