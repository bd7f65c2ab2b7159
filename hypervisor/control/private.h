/*
 * Between the files of control/: the operations of domctl, one function each.
 */
#ifndef CONTROL_PRIVATE_H
#define CONTROL_PRIVATE_H

#include "lib/abi.h"

struct domain;
struct vcpu;

/* d is the domain that the operation names, referenced, NULL if it needs
 * none.  -ERESTART: to be called again with op as it is left. */
typedef long domctl_fn(struct domain *d, struct xen_domctl *op);

domctl_fn domctl_max_mem, domctl_getpageframeinfo3, domctl_hypercall_init,
    domctl_setvcpucontext, domctl_getvcpucontext, domctl_getvcpuinfo,
    domctl_max_vcpus, domctl_vcpuaffinity, domctl_scheduler_op,
    domctl_sendtrigger, domctl_set_ext_vcpucontext, domctl_get_ext_vcpucontext,
    domctl_setvcpuextstate, domctl_getvcpuextstate,
    domctl_get_cpu_policy, domctl_set_cpu_policy;

/* What tools are told of a domain. */
void domain_info(struct domain *d, struct xen_domctl_getdomaininfo *info);

/* Bitmaps of tools: the first 64 bits; what is longer is cleared. -EFAULT. */
int bitmap_from_guest(uint64_t *ret_bits, const struct xenctl_bitmap *map);
int bitmap_to_guest(const struct xenctl_bitmap *map, uint64_t bits);

#endif
