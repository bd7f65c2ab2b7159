/*
 * A vcpu's roots: the frames that the guest named, and what CR3 holds.
 */
#include "domain/domain.h"
#include "mm/frame_table.h"
#include "mm/hypercalls.h"
#include "mm/page_type.h"
#include "mm/pagetable.h"
#include "mm/private.h"
#include "x86/cpu.h"
#include "x86/percpu.h"
#include "x86/tlb.h"

void vcpu_load_roots(struct vcpu *v)
{
    struct percpu *pc = this_percpu();
    unsigned int mode = !v->pv.kernel_mode;
    unsigned long flags = irq_save(), cr3;

    pc->entry->full_cr3 = v->guest_root[0] << PAGE_SHIFT;
    pc->entry->exit_cr3 = (cpu_features.isolate ? v->hw_root
                                                : v->guest_root)[mode]
                          << PAGE_SHIFT;
    cr3 = v->guest_root[cpu_features.isolate ? 0 : mode] << PAGE_SHIFT;
    tlb_load_root(cr3, true);
    irq_restore(flags);
}

int root_set(struct vcpu *v, unsigned int which, mfn_t mfn, bool *flushed)
{
    struct domain *d = v->domain;
    mfn_t old = v->guest_root[which];
    struct page_info *pg;
    int rc = 0;

    if (page_deferred(current) && page_deferred_finish(current))
        return -ERESTART;
    if (mfn && mfn != old)
        rc = page_get_typed(mfn, PGT_L4, d, &pg);
    if (rc)
        return rc;
    if (mfn != old) {
        spin_lock(&d->mm.root_lock);
        v->guest_root[which] = mfn;
        if (cpu_features.isolate)
            isolate_copy_root(v, which);
        spin_unlock(&d->mm.root_lock);
    }
    if (v != current) {
        /* A CPU that idles on the old root lets it go. */
        if (old && old != mfn)
            tlb_flush_mask(d->dirty_cpus & ~BIT(smp_processor_id()),
                           FLUSH_ALL);
    } else if (which == !v->pv.kernel_mode || which == 0) {
        vcpu_unmap_ldt(v);
        vcpu_load_roots(v);
        *flushed = true;
    } else if (!*flushed) {
        /* User leaves are global, and this root's are another's now. */
        tlb_flush_local(FLUSH_ALL);
        *flushed = true;
    }
    if (old && old != mfn)
        page_put_typed(mfn_to_page(old));
    return 0;
}

int vcpu_set_root(struct vcpu *v, unsigned int which, mfn_t mfn)
{
    bool flushed = false;
    int rc = root_set(v, which, mfn, &flushed);

    if (!rc && page_deferred(current))
        rc = -ERESTART;
    return rc;
}

void vcpu_unmap_ldt(struct vcpu *v)
{
    for (unsigned int n = 0; v->pv.ldt_mapped >> n; n++) {
        unsigned long va = LDT_VADDR(v->id) + n * PAGE_SIZE;
        mfn_t mfn = window_mfn(v->domain, va);

        if (!(v->pv.ldt_mapped & BIT(n)))
            continue;
        window_map(v->domain, va, INVALID_MFN, 0);
        tlb_flush_local(va);
        page_put_typed(mfn_to_page(mfn));
    }
    v->pv.ldt_mapped = 0;
}
