/*
 * The CPUID leaves that the tool stack chose for a domain.  They may only
 * drop features of what the machine offers to guests.
 */
#ifndef DOMAIN_CPU_POLICY_H
#define DOMAIN_CPU_POLICY_H

#include "lib/abi.h"

struct domain;

#define CPU_POLICY_MAX   136         /* leaves */
#define CPU_POLICY_WORDS 13          /* of a featureset */

struct cpu_policy {
    unsigned int nr;
    xen_cpuid_leaf_t leaf[];         /* in any order */
};

/* The leaf as d's policy has it (subleaf XEN_CPUID_NO_SUBLEAF matches any);
 * NULL: not in it, or d has no policy. */
const xen_cpuid_leaf_t *cpu_policy_find(const struct domain *d, uint32_t leaf,
                                        uint32_t subleaf);

/*
 * Write the leaves of d's policy (NULL: of the most that a guest gets) to the
 * caller's array of *nr.  *nr becomes the number written; with a null handle
 * the most that a policy may have.  -ENOBUFS: not all had room; -EFAULT.
 */
int cpu_policy_to_guest(const struct domain *d,
                        xen_cpuid_leaf_t __guest *leaves, uint32_t *nr);

/* Word i of the featureset of what a guest gets at most. */
uint32_t cpu_policy_host_word(unsigned int i);

/*
 * Give d, which has not run, a policy of nr leaves in any order, from the
 * caller's memory.  A feature that the machine does not offer is -EINVAL with
 * the leaf in ret_bad.  -E2BIG, -ENOMEM, -EFAULT.
 */
int cpu_policy_set(struct domain *d, const xen_cpuid_leaf_t __guest *leaves,
                   unsigned int nr, xen_cpuid_leaf_t *ret_bad);

#endif
