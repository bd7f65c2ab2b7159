/*
 * CPUID policies: what a domain's CPUs claim to be.
 */
#include "domain/cpu_policy.h"
#include "domain/domain.h"
#include "domain/guest_ops.h"
#include "lib/string.h"
#include "mm/buddy.h"

/* Leaves that tools list: the last subleaf, or NO_SUBLEAF for one alone. */
static const struct {
    uint32_t leaf, last_sub;
} listed[] = {
    { 0x0, XEN_CPUID_NO_SUBLEAF }, { 0x1, XEN_CPUID_NO_SUBLEAF },
    { 0x2, XEN_CPUID_NO_SUBLEAF }, { 0x4, 3 }, { 0x5, XEN_CPUID_NO_SUBLEAF },
    { 0x6, XEN_CPUID_NO_SUBLEAF }, { 0x7, 1 }, { 0xa, XEN_CPUID_NO_SUBLEAF },
    { 0xb, 1 }, { 0xd, 2 }, { 0x80000000, XEN_CPUID_NO_SUBLEAF },
    { 0x80000001, XEN_CPUID_NO_SUBLEAF }, { 0x80000002, XEN_CPUID_NO_SUBLEAF },
    { 0x80000003, XEN_CPUID_NO_SUBLEAF }, { 0x80000004, XEN_CPUID_NO_SUBLEAF },
    { 0x80000005, XEN_CPUID_NO_SUBLEAF }, { 0x80000006, XEN_CPUID_NO_SUBLEAF },
    { 0x80000007, XEN_CPUID_NO_SUBLEAF }, { 0x80000008, XEN_CPUID_NO_SUBLEAF },
};

/* Registers of a leaf that are sets of features: only these are checked. */
#define REG_A 1
#define REG_B 2
#define REG_C 4
#define REG_D 8
static const struct {
    uint32_t leaf, sub;
    unsigned int regs;
} features[] = {
    { 0x1, XEN_CPUID_NO_SUBLEAF, REG_C | REG_D },
    { 0x7, 0, REG_B | REG_C | REG_D }, { 0x7, 1, REG_A },
    { 0xd, 0, REG_A | REG_D }, { 0xd, 1, REG_A },
    { 0x80000001, XEN_CPUID_NO_SUBLEAF, REG_C | REG_D },
    { 0x80000007, XEN_CPUID_NO_SUBLEAF, REG_D },
    { 0x80000008, XEN_CPUID_NO_SUBLEAF, REG_B },
};

static xen_cpuid_leaf_t host_leaf(uint32_t leaf, uint32_t sub)
{
    uint32_t r[4];

    guest_ops->cpuid(NULL, leaf, sub == XEN_CPUID_NO_SUBLEAF ? 0 : sub, r);
    return (xen_cpuid_leaf_t){ leaf, sub, r[0], r[1], r[2], r[3] };
}

bool cpu_policy_host_leaf(unsigned int index, xen_cpuid_leaf_t *ret_leaf)
{
    for (unsigned int i = 0; i < ARRAY_SIZE(listed); i++) {
        bool alone = listed[i].last_sub == XEN_CPUID_NO_SUBLEAF;
        unsigned int n = alone ? 1 : listed[i].last_sub + 1;

        if (index < n) {
            *ret_leaf = host_leaf(listed[i].leaf,
                                  alone ? XEN_CPUID_NO_SUBLEAF : index);
            return true;
        }
        index -= n;
    }
    return false;
}

const xen_cpuid_leaf_t *cpu_policy_find(const struct domain *d, uint32_t leaf,
                                        uint32_t subleaf)
{
    const struct cpu_policy *p = READ_ONCE(d->pv.policy);

    for (unsigned int i = 0; p && i < p->nr && p->leaf[i].leaf <= leaf; i++)
        if (p->leaf[i].leaf == leaf &&
            (p->leaf[i].subleaf == subleaf ||
             p->leaf[i].subleaf == XEN_CPUID_NO_SUBLEAF))
            return &p->leaf[i];
    return NULL;
}

/* Every feature that it claims is one that guests are offered. */
static bool leaf_ok(const xen_cpuid_leaf_t *l)
{
    for (unsigned int i = 0; i < ARRAY_SIZE(features); i++) {
        unsigned int regs = features[i].regs;
        xen_cpuid_leaf_t h;

        if (features[i].leaf != l->leaf || features[i].sub != l->subleaf)
            continue;
        h = host_leaf(l->leaf, l->subleaf);
        return !((regs & REG_A) && (l->a & ~h.a)) &&
               !((regs & REG_B) && (l->b & ~h.b)) &&
               !((regs & REG_C) && (l->c & ~h.c)) &&
               !((regs & REG_D) && (l->d & ~h.d));
    }
    return true;
}

static bool leaf_before(const xen_cpuid_leaf_t *a, const xen_cpuid_leaf_t *b)
{
    return a->leaf < b->leaf || (a->leaf == b->leaf && a->subleaf < b->subleaf);
}

int cpu_policy_set(struct domain *d, xen_cpuid_leaf_t *leaf, unsigned int nr,
                   xen_cpuid_leaf_t *ret_bad)
{
    struct cpu_policy *p;
    unsigned int j;

    if (nr > CPU_POLICY_MAX)
        return -E2BIG;
    for (unsigned int i = 0; i < nr; i++) {
        if (!leaf_ok(&leaf[i])) {
            *ret_bad = leaf[i];
            return -EINVAL;
        }
    }
    p = kzalloc(sizeof(*p) + nr * sizeof(*leaf));
    if (!p)
        return -ENOMEM;
    for (p->nr = 0; p->nr < nr; p->nr++) {
        for (j = p->nr; j && leaf_before(&leaf[p->nr], &p->leaf[j - 1]); j--)
            p->leaf[j] = p->leaf[j - 1];
        p->leaf[j] = leaf[p->nr];
    }
    kfree(d->pv.policy);
    WRITE_ONCE(d->pv.policy, p);
    return 0;
}
