/*
 * Isolated roots: what CR3 holds while a guest runs on a CPU that leaks what
 * is mapped (Meltdown).
 *
 * A copy has the guest's slots, the read-only M2P and the window.  In the slot
 * of our image is a table of the CPU that runs the vcpu: entry text and that
 * CPU's entry block, nothing else.
 */
#include "domain/domain.h"
#include "lib/string.h"
#include "mm/buddy.h"
#include "mm/frame_table.h"
#include "mm/pagetable.h"
#include "mm/private.h"
#include "x86/image.h"

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
    for (unsigned int i = 0; i < 2; i++) {
        void *root = hv_page_alloc();

        if (!root) {
            isolate_vcpu_destroy(v);
            return -ENOMEM;
        }
        v->hw_root[i] = virt_to_mfn(root);
    }
    return 0;
}

void isolate_vcpu_destroy(struct vcpu *v)
{
    for (unsigned int i = 0; i < 2; i++) {
        if (v->hw_root[i])
            hv_page_free(mfn_to_virt(v->hw_root[i]));
        v->hw_root[i] = 0;
    }
}

static void copy_slots(pte_t *dst, const pte_t *src, unsigned int first,
                       unsigned int end)
{
    memcpy(dst + first, src + first, (end - first) * sizeof(*dst));
}

void isolate_copy_root(struct vcpu *v, unsigned int which)
{
    pte_t *dst = mfn_to_virt(v->hw_root[which]), entry = dst[IMAGE_SLOT];
    const pte_t *src;

    if (!v->guest_root[which]) {
        memset(dst, 0, PAGE_SIZE);
        dst[IMAGE_SLOT] = entry;
        return;
    }
    src = mfn_to_virt(v->guest_root[which]);
    copy_slots(dst, src, 0, WINDOW_SLOT + 1);
    copy_slots(dst, src, HV_LAST_SLOT + 1, PTES_PER_TABLE);
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
