/*
 * A vcpu's roots: the frames that the guest named, and what CR3 holds.
 *
 * On a CPU that leaks what is mapped (Meltdown) that is a copy while the guest
 * runs.  It has the guest's slots, the read-only M2P and the window.  In the
 * slot of our image is a table of the CPU that runs the vcpu: entry text and
 * that CPU's entry block, nothing else.
 */
#include "domain/domain.h"
#include "lib/string.h"
#include "mm/buddy.h"
#include "mm/frame_table.h"
#include "mm/hypercalls.h"
#include "mm/page_type.h"
#include "mm/pagetable.h"
#include "mm/private.h"
#include "x86/cpu.h"
#include "x86/image.h"
#include "x86/percpu.h"
#include "x86/tlb.h"

static mfn_t entry_l3[NR_CPUS];      /* (c) after the CPU's start */

int isolate_cpu_map(unsigned int cpu, unsigned long va, mfn_t mfn,
                    uint64_t flags)
{
    pte_t *e = hv_entry_at(mfn_to_virt(entry_l3[cpu]), 3, va, 1, TABLE_FLAGS);

    if (!e)
        return -ENOMEM;
    *e = pte_make(mfn, flags | PTE_ACCESSED | PTE_DIRTY);
    return 0;
}

int isolate_cpu_init(unsigned int cpu)
{
    void *l3 = hv_page_alloc();
    char *p;
    int rc = 0;

    if (!l3)
        return -ENOMEM;
    entry_l3[cpu] = virt_to_mfn(l3);
    for (p = entry_text_start; !rc && p < entry_text_end; p += PAGE_SIZE)
        rc = isolate_cpu_map(cpu, (unsigned long)p, PFN_DOWN(image_maddr(p)),
                             PTE_PRESENT);
    return rc;
}

int isolate_vcpu_init(struct vcpu *v)
{
    void *roots = kzalloc(2 * PAGE_SIZE);

    if (!roots)
        return -ENOMEM;
    v->hw_root[0] = virt_to_mfn(roots);
    v->hw_root[1] = v->hw_root[0] + 1;
    return 0;
}

void isolate_vcpu_destroy(struct vcpu *v)
{
    if (v->hw_root[0])
        kfree(mfn_to_virt(v->hw_root[0]));
    v->hw_root[0] = v->hw_root[1] = 0;
}

/* guest_root[which] changed: copy it.  Holds d->mm.root_lock. */
static void copy_root(struct vcpu *v, unsigned int which)
{
    pte_t *dst = mfn_to_virt(v->hw_root[which]), entry = dst[IMAGE_SLOT];
    const pte_t *src;

    if (!v->guest_root[which]) {
        memset(dst, 0, PAGE_SIZE);
        dst[IMAGE_SLOT] = entry;
        return;
    }
    src = mfn_to_virt(v->guest_root[which]);
    memcpy(dst, src, (WINDOW_SLOT + 1) * sizeof(*dst));
    memcpy(dst + HV_LAST_SLOT + 1, src + HV_LAST_SLOT + 1,
           (PTES_PER_TABLE - HV_LAST_SLOT - 1) * sizeof(*dst));
}

void isolate_write_through(struct domain *d, mfn_t l4, unsigned int slot,
                           pte_t val)
{
    unsigned int i, which;

    spin_lock(&d->mm.root_lock);
    for (i = 0; i < d->max_vcpus; i++)
        for (which = 0; which < 2; which++) {
            struct vcpu *v = d->vcpu[i];

            if (v && v->guest_root[which] == l4)
                WRITE_ONCE(((pte_t *)mfn_to_virt(v->hw_root[which]))[slot],
                           val);
        }
    spin_unlock(&d->mm.root_lock);
}

void isolate_enter_cpu(struct vcpu *v, unsigned int cpu)
{
    for (unsigned int i = 0; i < 2; i++)
        WRITE_ONCE(((pte_t *)mfn_to_virt(v->hw_root[i]))[IMAGE_SLOT],
                   pte_make(entry_l3[cpu], TABLE_FLAGS));
}

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
            copy_root(v, which);
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
