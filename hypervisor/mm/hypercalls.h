/*
 * Hypercalls of memory management.
 */
#ifndef MM_HYPERCALLS_H
#define MM_HYPERCALLS_H

#include "lib/abi.h"

struct domain;
struct vcpu;

long do_mmu_update(void __guest *ureqs, unsigned int count,
                   void __guest *pdone, unsigned int foreigndom);
long do_update_va_mapping(unsigned long va, uint64_t val, unsigned long flags);
long do_mmuext_op(void __guest *uops, unsigned int count, void __guest *pdone,
                  unsigned int foreigndom);
long do_memory_op(unsigned long cmd, void __guest *arg);

/*
 * Make mfn the vcpu's kernel (which 0) or user (1) root; for MMUEXT and for
 * pv/context.c.  mfn 0 drops it; the kernel's only where v never runs again.
 * v is the running vcpu, or runs nowhere and no CPU holds its roots.
 * -EINVAL: no such table; -ERESTART: call again with the same.
 */
int vcpu_set_root(struct vcpu *v, unsigned int which, mfn_t mfn);

/*
 * Load what CR3 must hold for v, the running vcpu, and tell the entry code;
 * flushes everything, global entries too.  Whenever a root of it changed, and
 * when another vcpu starts to run here.
 */
void vcpu_load_roots(struct vcpu *v);

/* Take v's LDT pages out of its window and give up their uses. */
void vcpu_unmap_ldt(struct vcpu *v);

#endif
