/*
 * HYPERVISOR_mmu_update and update_va_mapping.
 */
#include "domain/domain.h"
#include "mm/frame_table.h"
#include "mm/guest_copy.h"
#include "mm/hypercalls.h"
#include "mm/m2p.h"
#include "mm/page_type.h"
#include "mm/private.h"
#include "mm/pt_update.h"
#include "x86/percpu.h"
#include "x86/tlb.h"

/* The running domain needs no reference of its own: that is the usual case. */
static int owner_get(domid_t id, struct domain **ret_d)
{
    if (id == DOMID_SELF || id == current->domain->id) {
        *ret_d = current->domain;
        return 0;
    }
    return domain_get_owner(id, ret_d);
}

static void owner_put(struct domain *d)
{
    if (d != current->domain)
        domain_put(d);
}

/* Whose tables, whose frames: foreigndom has pt_owner + 1 in its upper half. */
static int owners_get(unsigned int foreigndom, struct domain **ret_pt_owner,
                      struct domain **ret_pg_owner)
{
    struct domain *pt_owner = current->domain;
    int rc = 0;

    if (foreigndom >> 16) {
        domid_t id = (foreigndom >> 16) - 1;

        rc = id < DOMID_FIRST_RESERVED ? owner_get(id, &pt_owner) : -EINVAL;
    }
    if (rc)
        return rc;
    rc = pt_owner->dying ? -EINVAL
                         : owner_get((domid_t)foreigndom, ret_pg_owner);
    if (rc)
        owner_put(pt_owner);
    else
        *ret_pt_owner = pt_owner;
    return rc;
}

static int set_entry(uint64_t ptr, uint64_t val, bool preserve_ad,
                     struct domain *pt_owner, struct domain *pg_owner)
{
    struct page_info *pg = page_get_mfn(PFN_DOWN(ptr), pt_owner);
    unsigned int index = (ptr & ~PAGE_MASK) / 8;
    int rc;

    if (!pg)
        return -EINVAL;
    rc = pt_update(pg, index, val, preserve_ad, pt_owner, pg_owner);
    if (rc == -ENOENT) {
        /* No table, or not yet: an ordinary store. */
        rc = page_type_get(pg, PGT_WRITABLE);
        if (!rc) {
            WRITE_ONCE(((uint64_t *)page_to_virt(pg))[index], val);
            page_type_put(pg);
        }
    }
    page_put(pg);
    return rc;
}

static int set_m2p(uint64_t ptr, uint64_t val, struct domain *pg_owner)
{
    struct page_info *pg = page_get_mfn(PFN_DOWN(ptr), pg_owner);

    if (!pg)
        return -EINVAL;
    m2p_set(PFN_DOWN(ptr), val);
    page_put(pg);
    return 0;
}

static int update_one(const struct mmu_update *req, struct domain *pt_owner,
                      struct domain *pg_owner)
{
    unsigned int cmd = req->ptr & 3;
    uint64_t ptr = req->ptr - cmd;

    if (cmd == MMU_MACHPHYS_UPDATE)
        return set_m2p(ptr, req->val, pg_owner);
    if (ptr % 8)
        return -EINVAL;
    return set_entry(ptr, req->val, cmd == MMU_PT_UPDATE_PRESERVE_AD,
                     pt_owner, pg_owner);
}

/* The requests up to `count`, or one that fails; how many are done. */
static unsigned int update_all(const void __guest *ureqs, unsigned int count,
                               struct domain *pt_owner,
                               struct domain *pg_owner, long *ret_rc)
{
    struct mmu_update req;
    unsigned int i;
    long rc = 0;

    for (i = 0; i < count && !rc; i++) {
        if (i && (page_deferred(current) || hypercall_should_yield()))
            rc = -ERESTART;
        else if (copy_from_guest(&req, (const struct mmu_update __guest *)
                                 ureqs + i, sizeof(req)))
            rc = -EFAULT;
        else
            rc = update_one(&req, pt_owner, pg_owner);
        if (rc)
            break;
    }
    *ret_rc = rc;
    return i;
}

long mm_batch_end(const void __guest *rest, unsigned int left,
                  void __guest *pdone, unsigned int foreigndom,
                  unsigned int done, long rc)
{
    if (pdone && copy_to_guest(pdone, &done, sizeof(done)) &&
        (!rc || rc == -ERESTART))
        rc = -EFAULT;
    if (rc == -ERESTART)
        return hypercall_again(4, (unsigned long)rest, left | BATCH_CONTINUED,
                               (unsigned long)pdone,
                               (unsigned long)foreigndom);
    /* Come back for the table, with the result in foreigndom's place. */
    if (page_deferred(current))
        return hypercall_again(4, 0UL, BATCH_CONTINUED, 0UL,
                               rc & 0xffffffffUL);
    return rc;
}

bool mm_batch_begin(const void __guest *reqs, unsigned int *count,
                    void __guest *pdone, unsigned int foreigndom,
                    unsigned int *ret_done, long *ret_rc)
{
    *ret_done = 0;
    if (unlikely(page_deferred(current)) && page_deferred_finish(current)) {
        *ret_rc = hypercall_again(0);
        return false;
    }
    *ret_rc = -EFAULT;
    if (likely(!(*count & BATCH_CONTINUED)))
        return !pdone || !copy_to_guest(pdone, ret_done, sizeof(*ret_done));
    *count &= ~BATCH_CONTINUED;
    if (reqs || *count)
        return !pdone || !copy_from_guest(ret_done, pdone, sizeof(*ret_done));
    *ret_rc = (int)foreigndom;
    return false;
}

long do_mmu_update(void __guest *ureqs, unsigned int count,
                   void __guest *pdone, unsigned int foreigndom)
{
    struct domain *pt_owner, *pg_owner;
    unsigned int done, n;
    long rc;

    if (!mm_batch_begin(ureqs, &count, pdone, foreigndom, &done, &rc))
        return rc;
    rc = owners_get(foreigndom, &pt_owner, &pg_owner);
    if (rc)
        return rc;
    n = update_all(ureqs, count, pt_owner, pg_owner, &rc);
    owner_put(pg_owner);
    owner_put(pt_owner);
    return mm_batch_end((struct mmu_update __guest *)ureqs + n, count - n,
                        pdone, foreigndom, done + n, rc);
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

static long update_va_mapping(unsigned long va, uint64_t val,
                              unsigned long flags, struct domain *pg_owner)
{
    struct page_info *pg;
    unsigned int index;
    cpumask_t cpus;
    int rc = flush_targets(flags, &cpus);

    if (rc)
        return rc;
    if (pt_walk_l1(current, va, &pg, &index))
        return -EINVAL;
    rc = pt_update(pg, index, val, false, current->domain, pg_owner);
    page_put(pg);
    if (rc)
        return rc == -ENOENT ? -EINVAL : rc;
    if (cpus)
        tlb_flush_mask(cpus, (flags & UVMF_FLUSHTYPE_MASK) == UVMF_INVLPG
                             ? va : FLUSH_ALL);
    return 0;
}

long do_update_va_mapping(unsigned long va, uint64_t val, unsigned long flags)
{
    return update_va_mapping(va, val, flags, current->domain);
}

long do_update_va_mapping_otherdomain(unsigned long va, uint64_t val,
                                      unsigned long flags, domid_t domid)
{
    struct domain *pg_owner;
    long rc = owner_get(domid, &pg_owner);

    if (rc)
        return rc;
    rc = update_va_mapping(va, val, flags, pg_owner);
    owner_put(pg_owner);
    return rc;
}
