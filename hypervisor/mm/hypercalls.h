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
long do_update_va_mapping_otherdomain(unsigned long va, uint64_t val,
                                      unsigned long flags, domid_t domid);
long do_mmuext_op(void __guest *uops, unsigned int count, void __guest *pdone,
                  unsigned int foreigndom);
long do_memory_op(unsigned long cmd, void __guest *arg);

/*
 * Make mfn the vcpu's kernel (which 0) or user (1) root; for MMUEXT and for
 * pv/context.c.  mfn 0 drops the user root.  -ERESTART: call again.
 */
int vcpu_set_root(struct vcpu *v, unsigned int which, mfn_t mfn);

#endif
