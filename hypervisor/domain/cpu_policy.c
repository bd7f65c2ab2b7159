/*
 * CPUID policies: what a domain's CPUs claim to be.
 */
#include "domain/cpu_policy.h"
#include "domain/domain.h"
#include "domain/guest_ops.h"
#include "lib/string.h"
#include "mm/buddy.h"

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

/* Subleaves that tools list of a leaf; 0: it has none. */
static uint32_t nr_subleaves(uint32_t leaf)
{
    xen_cpuid_leaf_t l;

    switch (leaf) {
    case 0x4:           return 6;
    case 0x7: case 0xb: return 2;
    case 0xd:
        l = host_leaf(leaf, 0);      /* a bit for each state component */
        return l.a ? MAX(32 - (unsigned int)__builtin_clz(l.a), 2U) : 2;
    default:            return 0;
    }
}

/* Three ranges: those with subleaves count each of them. */
bool cpu_policy_host_leaf(unsigned int index, xen_cpuid_leaf_t *ret_leaf)
{
    uint32_t last = host_leaf(0, 0).a, leaf, subs;

    for (leaf = 0; leaf <= last; leaf++) {
        subs = nr_subleaves(leaf);
        if (index < MAX(subs, 1U)) {
            *ret_leaf = host_leaf(leaf, subs ? index : XEN_CPUID_NO_SUBLEAF);
            return true;
        }
        index -= MAX(subs, 1U);
    }
    if (index < 2) {                 /* limits of hypervisor leaves */
        *ret_leaf = (xen_cpuid_leaf_t){ 0x40000000 + index * 0x100,
                                        XEN_CPUID_NO_SUBLEAF, 0, 0, 0, 0 };
        return true;
    }
    leaf = 0x80000000 + index - 2;
    if (leaf > host_leaf(0x80000000, 0).a)
        return false;
    *ret_leaf = host_leaf(leaf, XEN_CPUID_NO_SUBLEAF);
    return true;
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
