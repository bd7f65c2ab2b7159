/*
 * HYPERVISOR_mmu_update and update_va_mapping; batches of requests.
 */
#include "domain/domain.h"
#include "mm/frame_table.h"
#include "mm/guest_copy.h"
#include "mm/hypercalls.h"
#include "mm/page_type.h"
#include "mm/private.h"
#include "mm/pt_update.h"
#include "x86/percpu.h"
#include "x86/tlb.h"

inline int owner_get(domid_t id, struct domain **ret_d)
{
    if (id == DOMID_SELF || id == current->domain->id)
        *ret_d = current->domain;
    else if (id != DOMID_IO && id != DOMID_XEN)
        return domain_get_managed(id, ret_d);
    else if (current->domain->privileged)
        *ret_d = id == DOMID_IO ? dom_io : dom_xen;
    else
        return -EPERM;
    return 0;
}

inline void owner_put(struct domain *d)
{
    if (d != current->domain)
        domain_put(d);
}

inline bool mm_batch_begin(struct mm_batch *b)
{
    bool first = !(b->left & BATCH_CONTINUED);

    if (unlikely(page_deferred(current)) && page_deferred_finish(current)) {
        b->rc = hypercall_again(0);
        return false;
    }
    b->left &= ~BATCH_CONTINUED;
    if (!first && !b->reqs && !b->left) {
        b->rc = (int)b->foreigndom;  /* see mm_batch_end */
        return false;
    }
    if (b->pdone &&
        (first ? copy_to_guest(b->pdone, &b->done, sizeof(b->done))
               : copy_from_guest(&b->done, b->pdone, sizeof(b->done))))
        b->rc = -EFAULT;
    return !b->rc;
}

inline bool mm_batch_next(struct mm_batch *b, void *req, size_t size)
{
    if (b->rc)
        return false;
    if (b->fetched) {
        b->reqs += size;
        b->left--;
        b->done++;
    }
    if (!b->left)
        return false;
    if (b->fetched && (page_deferred(current) || hypercall_should_yield()))
        b->rc = -ERESTART;
    else if (copy_from_guest(req, b->reqs, size))
        b->rc = -EFAULT;
    b->fetched = true;
    return !b->rc;
}

inline long mm_batch_end(const struct mm_batch *b)
{
    long rc = b->rc;

    if (b->pdone && copy_to_guest(b->pdone, &b->done, sizeof(b->done)) &&
        (!rc || rc == -ERESTART))
        rc = -EFAULT;
    if (rc == -ERESTART)
        return hypercall_again(4, b->reqs, b->left | BATCH_CONTINUED, b->pdone,
                               (unsigned long)b->foreigndom);
    /* Come back for the table, with the result in foreigndom's place. */
    if (page_deferred(current))
        return hypercall_again(4, 0UL, BATCH_CONTINUED, 0UL, rc & 0xffffffffUL);
    return rc;
}

/* An entry of a table; in a frame that is none, or not yet: any store. */
static int set_entry(struct page_info *pg, unsigned int index, uint64_t val,
                     pte_t keep, struct domain *pg_owner)
{
    int rc = pt_update(pg, index, val, keep, NULL, pg_owner);

    if (rc != -ENOENT)
        return rc;
    rc = page_type_get(pg, PGT_WRITABLE);
    if (!rc) {
        WRITE_ONCE(((uint64_t *)page_to_virt(pg))[index], val);
        page_type_put(pg);
    }
    return rc;
}

static int update_one(const struct mmu_update *req, struct domain *pg_owner)
{
    unsigned int cmd = req->ptr & 3, at = req->ptr & ~PAGE_MASK & ~3UL;
    mfn_t mfn = PFN_DOWN(req->ptr);
    struct page_info *pg;
    int rc = 0;

    pg = page_get_mfn(mfn, cmd == MMU_MACHPHYS_UPDATE ? pg_owner
                                                      : current->domain);
    if (!pg)
        return -EINVAL;
    if (cmd == MMU_MACHPHYS_UPDATE)
        m2p_set(mfn, req->val);
    else if (at % 8)
        rc = -EINVAL;
    else
        rc = set_entry(pg, at / 8, req->val,
                       cmd == MMU_PT_UPDATE_PRESERVE_AD ? PTE_AD : 0, pg_owner);
    page_put(pg);
    return rc;
}

long do_mmu_update(void __guest *ureqs, unsigned int count,
                   void __guest *pdone, unsigned int foreigndom)
{
    struct mm_batch b = { .reqs = ureqs, .left = count, .pdone = pdone,
                          .foreigndom = foreigndom };
    struct domain *pg_owner;
    struct mmu_update req;
    int rc;

    if (!mm_batch_begin(&b))
        return b.rc;
    if (foreigndom >> 16)
        return -EINVAL;              /* tables of another domain's */
    rc = owner_get(foreigndom, &pg_owner);
    if (rc)
        return rc;
    while (mm_batch_next(&b, &req, sizeof(req)))
        b.rc = update_one(&req, pg_owner);
    owner_put(pg_owner);
    return mm_batch_end(&b);
}

/* Which CPUs a caller of update_va_mapping wants flushed. */
static int flush_targets(unsigned long flags, cpumask_t *ret_cpus)
{
    unsigned long vcpus = flags & ~UVMF_FLUSHTYPE_MASK;

    if ((flags & UVMF_FLUSHTYPE_MASK) == UVMF_NONE)
        *ret_cpus = 0;
    else if (vcpus == UVMF_LOCAL)
        *ret_cpus = BIT(smp_processor_id());
    else if (vcpus == UVMF_ALL)
        *ret_cpus = current->domain->dirty_cpus;
    else
        return vcpus_to_cpus((const void __guest *)vcpus, ret_cpus);
    return 0;
}

long do_update_va_mapping(unsigned long va, uint64_t val, unsigned long flags)
{
    cpumask_t cpus;
    int rc = flush_targets(flags, &cpus);

    if (rc)
        return rc;
    rc = pt_update_at(va, false, val, NULL, current->domain);
    if (rc)
        return rc == -ENOENT || rc == -EFAULT ? -EINVAL : rc;
    if (cpus)
        tlb_flush_mask(cpus, (flags & UVMF_FLUSHTYPE_MASK) == UVMF_INVLPG
                             ? va : FLUSH_ALL);
    return 0;
}
