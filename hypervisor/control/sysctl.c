/*
 * HYPERVISOR_sysctl: the machine, for the tool stack.
 */
#include "control/control.h"
#include "control/private.h"
#include "domain/domain.h"
#include "domain/cpu_policy.h"
#include "drivers/console.h"
#include "mm/buddy.h"
#include "mm/frame_table.h"
#include "mm/guest_copy.h"
#include "x86/cpu.h"
#include "x86/percpu.h"

typedef long sysctl_fn(struct xen_sysctl *op);

static long op_readconsole(struct xen_sysctl *op)
{
    struct xen_sysctl_readconsole *rc = &op->u.readconsole;
    bool incremental = rc->incremental;
    uint32_t done = 0, unused = 0;
    char text[512];
    size_t n;

    do {
        n = console_ring_read(text, MIN(rc->count - done, sizeof(text)),
                              &rc->index, incremental, false);
        if (copy_to_guest(rc->buffer.p + done, text, n))
            return -EFAULT;
        done += n;
        incremental = true;          /* go on behind it */
    } while (n && done < rc->count);
    if (rc->clear)
        console_ring_read(text, 0, &unused, false, true);
    rc->count = done;
    return 0;
}

/* How many low bits of an APIC id number the threads, and the cores too.  CPUs
 * without leaf 0xb say how many a package may have: these pass for cores. */
static void topology(unsigned int *ret_thread_bits, unsigned int *ret_bits)
{
    bool levels = cpu_features.max_leaf >= 0xb && cpuid(0xb, 0).b;
    unsigned int bits = 0, many = cpuid(1, 0).d & BIT(28)
                                  ? (cpuid(1, 0).b >> 16) & 0xff : 1;

    while (BIT(bits) < many)
        bits++;
    *ret_thread_bits = levels ? cpuid(0xb, 0).a & 31 : 0;
    *ret_bits = levels ? cpuid(0xb, 1).a & 31 : bits;
}

/* CPUs online with the same APIC id above the lowest `bits`, as this CPU. */
static unsigned int siblings(unsigned int bits)
{
    unsigned int n = 0, mine = this_percpu()->apic_id >> bits;

    for (unsigned int cpu = 0; cpu < NR_CPUS; cpu++)
        n += (cpu_online_mask & BIT(cpu)) &&
             percpu_of[cpu]->apic_id >> bits == mine;
    return n;
}

static long op_physinfo(struct xen_sysctl *op)
{
    struct xen_sysctl_physinfo *info = &op->u.physinfo;
    unsigned int thread_bits, bits;

    topology(&thread_bits, &bits);
    *info = (struct xen_sysctl_physinfo){
        .threads_per_core = siblings(thread_bits),
        .nr_cpus = nr_cpus,
        .max_cpu_id = 63 - __builtin_clzl(cpu_online_mask),
        .nr_nodes = 1,
        .cpu_khz = cpu_features.tsc_hz / 1000,
        .capabilities = XEN_SYSCTL_PHYSCAP_pv | XEN_SYSCTL_PHYSCAP_gnttab_v1,
        .total_pages = total_frames,
        .free_pages = frames_free_count(),
        .outstanding_pages = frames_claimed_count(),
        .max_mfn = max_mfn,
    };
    info->cores_per_socket = siblings(bits) / info->threads_per_core;
    for (unsigned int i = 0; i < ARRAY_SIZE(info->hw_cap); i++)
        info->hw_cap[i] = cpu_policy_host_word(i);
    return 0;
}

static long op_sched_id(struct xen_sysctl *op)
{
    op->u.sched_id.sched_id = XEN_SCHEDULER_CREDIT2;
    return 0;
}

static long op_getdomaininfolist(struct xen_sysctl *op)
{
    struct xen_sysctl_getdomaininfolist *list = &op->u.getdomaininfolist;
    struct xen_domctl_getdomaininfo info;
    struct domain *d;
    uint32_t n = 0;
    unsigned int id = list->first_domain;
    int rc = 0;

    while (!rc && n < list->max_domains && (d = domain_next(id))) {
        domain_info(d, &info);
        id = d->id + 1U;
        domain_put(d);
        if (copy_to_guest(list->buffer.p + n, &info, sizeof(info)))
            rc = -EFAULT;
        n++;
    }
    list->num_domains = n;
    return rc;
}

static long op_debug_keys(struct xen_sysctl *op)
{
    uint32_t n = MIN(op->u.debug_keys.nr_keys, 16U);
    char keys[16];

    if (copy_from_guest(keys, op->u.debug_keys.keys.p, n))
        return -EFAULT;
    for (uint32_t i = 0; i < n; i++)
        key_pressed(keys[i]);
    return 0;
}

static long op_cputopoinfo(struct xen_sysctl *op)
{
    struct xen_sysctl_cputopoinfo *t = &op->u.cputopoinfo;
    unsigned int thread_bits, bits;
    uint32_t n = t->cputopo.p ? MIN(t->num_cpus, nr_cpus) : 0;

    topology(&thread_bits, &bits);
    for (uint32_t cpu = 0; cpu < n; cpu++) {
        struct xen_sysctl_cputopo e = { XEN_INVALID_CORE_ID,
                                        XEN_INVALID_SOCKET_ID,
                                        XEN_INVALID_NODE_ID };
        if (cpu_online_mask & BIT(cpu)) {
            uint32_t id = percpu_of[cpu]->apic_id;

            e.core = (id & (BIT(bits) - 1)) >> thread_bits;
            e.socket = id >> bits;
            e.node = 0;
        }
        if (copy_to_guest(t->cputopo.p + cpu, &e, sizeof(e)))
            return -EFAULT;
    }
    t->num_cpus = nr_cpus;
    return 0;
}

static long op_numainfo(struct xen_sysctl *op)
{
    struct xen_sysctl_numainfo *n = &op->u.numainfo;
    struct xen_sysctl_meminfo mem = {
        .memsize = (max_mfn + 1) << PAGE_SHIFT,
        .memfree = frames_free_count() << PAGE_SHIFT,
    };
    uint32_t distance = 10;          /* ACPI's SLIT: to itself */

    if (n->num_nodes && n->meminfo.p &&
        copy_to_guest(n->meminfo.p, &mem, sizeof(mem)))
        return -EFAULT;
    if (n->num_nodes && n->distance.p &&
        copy_to_guest(n->distance.p, &distance, sizeof(distance)))
        return -EFAULT;
    n->num_nodes = 1;
    return 0;
}

/* There is one pool, number 0, with all CPUs. */
static long op_cpupool(struct xen_sysctl *op)
{
    struct xen_sysctl_cpupool_op *c = &op->u.cpupool_op;

    switch (c->op) {
    case XEN_SYSCTL_CPUPOOL_OP_INFO:
        if (c->cpupool_id)
            return -ENOENT;
        c->sched_id = XEN_SCHEDULER_CREDIT2;
        c->n_dom = READ_ONCE(nr_domains);
        return bitmap_to_guest(&c->cpumap, cpu_online_mask);
    case XEN_SYSCTL_CPUPOOL_OP_FREEINFO:
        return bitmap_to_guest(&c->cpumap, 0);
    case XEN_SYSCTL_CPUPOOL_OP_CREATE:
        return -EOPNOTSUPP;
    default:
        return c->cpupool_id ? -ENOENT : -EOPNOTSUPP;
    }
}

static long op_scheduler(struct xen_sysctl *op)
{
    struct xen_sysctl_scheduler_op *s = &op->u.scheduler_op;

    if (s->cpupool_id)
        return -ESRCH;
    if (s->sched_id != XEN_SCHEDULER_CREDIT2)
        return -EINVAL;
    if (s->cmd != XEN_SYSCTL_SCHEDOP_getinfo)
        return -EOPNOTSUPP;
    s->u.sched_credit2.ratelimit_us = 0;     /* none */
    return 0;
}

static long op_featureset(struct xen_sysctl *op)
{
    struct xen_sysctl_cpu_featureset *f = &op->u.cpu_featureset;
    uint32_t n = MIN(f->nr_features, CPU_POLICY_WORDS), word;

    if (f->index > XEN_SYSCTL_cpu_featureset_hvm_max)
        return -EINVAL;
    if (f->index == XEN_SYSCTL_cpu_featureset_hvm ||
        f->index == XEN_SYSCTL_cpu_featureset_hvm_max)
        return -EOPNOTSUPP;
    f->nr_features = f->features.p ? n : CPU_POLICY_WORDS;
    for (uint32_t i = 0; f->features.p && i < n; i++) {
        word = cpu_policy_host_word(i);
        if (copy_to_guest(f->features.p + i, &word, sizeof(word)))
            return -EFAULT;
    }
    return f->nr_features < CPU_POLICY_WORDS ? -ENOBUFS : 0;
}

static long op_get_cpu_policy(struct xen_sysctl *op)
{
    struct xen_sysctl_cpu_policy *p = &op->u.cpu_policy;

    if (p->_rsvd || p->index > XEN_SYSCTL_cpu_policy_hvm_default)
        return -EINVAL;
    if (p->index == XEN_SYSCTL_cpu_policy_hvm_max ||
        p->index == XEN_SYSCTL_cpu_policy_hvm_default)
        return -EOPNOTSUPP;
    p->nr_msrs = 0;                  /* none that a policy decides */
    return cpu_policy_to_guest(NULL, p->leaves.p, &p->nr_leaves);
}

static sysctl_fn *const table[] = {
    [XEN_SYSCTL_readconsole] = op_readconsole,
    [XEN_SYSCTL_physinfo] = op_physinfo,
    [XEN_SYSCTL_sched_id] = op_sched_id,
    [XEN_SYSCTL_getdomaininfolist] = op_getdomaininfolist,
    [XEN_SYSCTL_debug_keys] = op_debug_keys,
    [XEN_SYSCTL_cputopoinfo] = op_cputopoinfo,
    [XEN_SYSCTL_numainfo] = op_numainfo,
    [XEN_SYSCTL_cpupool_op] = op_cpupool,
    [XEN_SYSCTL_scheduler_op] = op_scheduler,
    [XEN_SYSCTL_get_cpu_featureset] = op_featureset,
    [XEN_SYSCTL_get_cpu_policy] = op_get_cpu_policy,
};

long do_sysctl(void __guest *uop)
{
    struct xen_sysctl op;
    long rc;

    if (!current->domain->privileged)
        return -EPERM;
    if (copy_from_guest(&op, uop, sizeof(op)))
        return -EFAULT;
    if (op.interface_version != XEN_SYSCTL_INTERFACE_VERSION)
        return -EACCES;
    if (op.cmd >= ARRAY_SIZE(table) || !table[op.cmd])
        return -ENOSYS;
    rc = table[op.cmd](&op);
    if ((!rc || rc == -ENOBUFS) && copy_to_guest(uop, &op, sizeof(op)))
        return -EFAULT;
    return rc;
}
