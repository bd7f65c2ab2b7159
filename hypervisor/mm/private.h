/*
 * Between the files of mm/.
 */
#ifndef MM_PRIVATE_H
#define MM_PRIVATE_H

#include "mm/frame_table.h"
#include "x86/paging.h"

struct domain;
struct vcpu;

#define TABLE_FLAGS (PTE_PRESENT | PTE_RW | PTE_ACCESSED | PTE_DIRTY)

/* Parts of memory_op: op is XENMEM_*, start the extents done by earlier calls
 * of the same request. */
#define MEMOP_EXTENT_SHIFT 6         /* of cmd: they are above */
long op_reservation(unsigned int op, unsigned long start, void __guest *arg);
long op_exchange(struct xen_memory_exchange __guest *arg);

/*
 * Check *e for level lvl of a table of pt_owner and take what it refers to:
 * of a leaf, a reference to the frame and a writable use with PTE_RW; of
 * others, a reference and a use as the next lower table.  Frames belong to
 * pg_owner; frames that are no RAM may be mapped by who has hardware.  *e then
 * reads as it is to be stored.  -EINVAL; -ERESTART.
 */
int pt_entry_get(pte_t *e, unsigned int lvl, const struct domain *pt_owner,
                 const struct domain *pg_owner);
/* Give it back.  owner: the table's. */
void pt_entry_put(pte_t e, unsigned int lvl, domid_t owner);

/* The last reference to a frame of a domain has gone: off its books. */
void domain_frame_gone(struct page_info *pg);

/* Move a frame that nobody uses off d's list, or a free one onto it; d's
 * count of frames stays as it is.  Take: false if it is in use or not d's. */
bool domain_frame_take(struct domain *d, struct page_info *pg);
void domain_frame_give(struct domain *d, struct page_info *pg);

/* The domain that a guest names in a hypercall on memory: itself (without a
 * reference: the usual case), one that it may manage, DOMID_IO or DOMID_XEN.
 * -ESRCH, -EPERM. */
int owner_get(domid_t id, struct domain **ret_d);
void owner_put(struct domain *d);

/* CPUs where vcpus of the running domain may have translations: those in the
 * guest's bitmap. */
int vcpus_to_cpus(const void __guest *vcpus, cpumask_t *ret_cpus);

/* A cleared page for a table of the hypervisor's; NULL.  At boot, too. */
void *hv_table_alloc(void);
/* Set the hypervisor's entry of level lvl for va.  With map_lock, or at boot.
 * -ENOMEM. */
int hv_set_entry(unsigned long va, unsigned int lvl, pte_t val);

/* The entry of level lvl for va below the table t of level `from`; missing
 * tables are made with these flags; NULL: no memory, or no flags and none. */
pte_t *hv_entry_at(pte_t *t, unsigned int from, unsigned long va,
                   unsigned int lvl, uint64_t table_flags);

/*
 * Requests of mmu_update and mmuext_op, one after the other.  Begin: finish a
 * table that is left to take apart, find out where to go on; false: b->rc is
 * the result.  Next: the next request, unless the last one failed (b->rc, set
 * by the caller) or there is more urgent work.  End: store how many are done,
 * and see to it that the rest follows; the result.
 */
#define BATCH_CONTINUED 0x80000000UL     /* in count: an earlier call began */
struct mm_batch {
    const char __guest *reqs;            /* the next, and `left` of them */
    unsigned int left, done, foreigndom;
    bool fetched;
    void __guest *pdone;
    long rc;
};
bool mm_batch_begin(struct mm_batch *b);
bool mm_batch_next(struct mm_batch *b, void *req, size_t size);
long mm_batch_end(const struct mm_batch *b);

/* vcpu_set_root; *flushed: this CPU's TLB has nothing of an old root, in and
 * out.  Check page_deferred afterwards. */
int root_set(struct vcpu *v, unsigned int which, mfn_t mfn, bool *flushed);

#endif
