/*
 * CPUID policies: what a domain's CPUs claim to be.
 */
#include "domain/cpu_policy.h"
#include "domain/domain.h"
#include "domain/guest_ops.h"
#include "mm/buddy.h"
#include "mm/guest_copy.h"

#define NO_SUB   XEN_CPUID_NO_SUBLEAF
#define EXTENDED 0x80000000U         /* the second range of leaves */

/* The words of a featureset, in its order (cpufeatureset.h); behind them, what
 * else is a set of features. */
static const struct {
    uint32_t leaf, sub;
    unsigned int reg;                /* 0 to 3: A to D */
} words[] = {
    { 1, NO_SUB, 3 }, { 1, NO_SUB, 2 }, { 0x80000001, NO_SUB, 3 },
    { 0x80000001, NO_SUB, 2 }, { 0xd, 1, 0 }, { 7, 0, 1 }, { 7, 0, 2 },
    { 0x80000007, NO_SUB, 3 }, { 0x80000008, NO_SUB, 1 }, { 7, 0, 3 },
    { 7, 1, 0 }, { 0x80000021, NO_SUB, 0 }, { 7, 1, 1 },
    { 0xd, 0, 0 }, { 0xd, 0, 3 },
};
_Static_assert(ARRAY_SIZE(words) == CPU_POLICY_WORDS + 2, "a featureset's");

static xen_cpuid_leaf_t host_leaf(uint32_t leaf, uint32_t sub)
{
    struct cpuid_regs r = guest_ops->cpuid(NULL, leaf, sub == NO_SUB ? 0 : sub);

    return (xen_cpuid_leaf_t){ leaf, sub, r.a, r.b, r.c, r.d };
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

const xen_cpuid_leaf_t *cpu_policy_find(const struct domain *d, uint32_t leaf,
                                        uint32_t subleaf)
{
    const struct cpu_policy *p = READ_ONCE(d->pv.policy);

    for (unsigned int i = 0; p && i < p->nr; i++)
        if (p->leaf[i].leaf == leaf && (p->leaf[i].subleaf == subleaf ||
                                        p->leaf[i].subleaf == NO_SUB))
            return &p->leaf[i];
    return NULL;
}

static uint32_t word_of(const xen_cpuid_leaf_t *l, unsigned int i)
{
    const uint32_t regs[4] = { l->a, l->b, l->c, l->d };

    return regs[words[i].reg];
}

uint32_t cpu_policy_host_word(unsigned int i)
{
    xen_cpuid_leaf_t l = host_leaf(words[i].leaf, words[i].sub);

    return word_of(&l, i);
}

/* Every feature that it claims is one that guests are offered. */
static bool leaf_ok(const xen_cpuid_leaf_t *l)
{
    for (unsigned int i = 0; i < ARRAY_SIZE(words); i++)
        if (words[i].leaf == l->leaf && words[i].sub == l->subleaf &&
            word_of(l, i) & ~cpu_policy_host_word(i))
            return false;
    return true;
}

int cpu_policy_to_guest(const struct domain *d,
                        xen_cpuid_leaf_t __guest *leaves, uint32_t *nr)
{
    uint32_t n = 0, room = *nr, leaf = 0, last = host_leaf(0, 0).a, sub;

    *nr = CPU_POLICY_MAX;
    while (leaves && leaf <= last) {
        uint32_t subs = nr_subleaves(leaf);

        for (sub = 0; sub < MAX(subs, 1U); sub++, *nr = ++n) {
            uint32_t as = subs ? sub : NO_SUB;
            xen_cpuid_leaf_t l = host_leaf(leaf, as);
            const xen_cpuid_leaf_t *own = d ? cpu_policy_find(d, leaf, as)
                                            : NULL;
            if (n == room)
                return -ENOBUFS;
            if (copy_to_guest(&leaves[n], own ? own : &l, sizeof(l)))
                return -EFAULT;
        }
        if (leaf++ == last && leaf < EXTENDED) {
            leaf = EXTENDED;
            last = host_leaf(leaf, 0).a;
        }
    }
    return 0;
}

int cpu_policy_set(struct domain *d, const xen_cpuid_leaf_t __guest *leaves,
                   unsigned int nr, xen_cpuid_leaf_t *ret_bad)
{
    struct cpu_policy *p;
    int rc = 0;

    if (nr > CPU_POLICY_MAX)
        return -E2BIG;
    p = kzalloc(sizeof(*p) + nr * sizeof(*leaves));
    if (!p)
        return -ENOMEM;
    if (copy_from_guest(p->leaf, leaves, nr * sizeof(*leaves)))
        rc = -EFAULT;
    for (; !rc && p->nr < nr; p->nr++) {
        if (!leaf_ok(&p->leaf[p->nr])) {
            *ret_bad = p->leaf[p->nr];
            rc = -EINVAL;
        }
    }
    if (!rc) {
        kfree(d->pv.policy);
        WRITE_ONCE(d->pv.policy, p);
    } else {
        kfree(p);
    }
    return rc;
}
