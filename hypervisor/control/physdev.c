/*
 * HYPERVISOR_physdev_op: interrupts and devices for the hardware domain, and
 * the I/O privilege level of any vcpu.
 */
#include "domain/domain.h"
#include "mm/guest_copy.h"
#include "x86/irq.h"
#include "x86/percpu.h"

/* Registers of an I/O APIC as the guest may see them. */
#define IOAPIC_ID       0
#define IOAPIC_VERSION  1
#define IOAPIC_ARB      2

union physdev_arg {
    struct physdev_eoi eoi;
    struct physdev_irq_status_query query;
    struct physdev_set_iopl iopl;
    struct physdev_apic apic;
    struct physdev_irq vector;
    struct physdev_map_pirq map;
    struct physdev_unmap_pirq unmap;
    struct physdev_setup_gsi gsi;
    struct physdev_pci_device device;
};

static int op_query(struct domain *d, struct physdev_irq_status_query *op)
{
    int needs = pirq_needs_eoi_locked(d, op->irq);

    op->flags = needs > 0 ? XENIRQSTAT_needs_eoi : 0;
    return MIN(needs, 0);
}

static int op_set_iopl(unsigned int iopl)
{
    if (iopl > 3)
        return -EINVAL;
    current->pv.iopl = iopl;
    return 0;
}

/* dom0 looks at its first I/O APIC: version 0x20 and the number of pins. */
static int op_apic_read(struct physdev_apic *op)
{
    if (op->reg > IOAPIC_ARB)
        return -EINVAL;              /* routing is ours */
    op->value = op->reg == IOAPIC_VERSION
                ? ((MIN(nr_gsis, 24U) - 1) << 16) | 0x20 : 0;
    return 0;
}

static int map_msi(struct domain *d, struct physdev_map_pirq *op)
{
    struct msi_desc m = {
        .bus = op->bus, .devfn = op->devfn, .msix = op->table_base != 0,
        .entry = op->entry_nr, .table = op->table_base,
    };
    unsigned int pirq;
    int rc;

    if (op->type == MAP_PIRQ_TYPE_MSI_SEG)
        m.segment = (unsigned int)op->bus >> 16;
    else if (op->bus & ~0xff)
        return -EINVAL;
    if (op->pirq >= 0 || op->devfn & ~0xff || op->entry_nr & ~0x7ff)
        return -EINVAL;              /* we choose the number */
    rc = pirq_map_msi_locked(d, &m, &pirq);
    if (!rc)
        op->pirq = pirq;
    return rc;
}

static int op_map_pirq(struct domain *d, struct physdev_map_pirq *op)
{
    if (op->domid != DOMID_SELF && op->domid != d->id)
        return -EPERM;
    if (op->type == MAP_PIRQ_TYPE_MSI || op->type == MAP_PIRQ_TYPE_MSI_SEG)
        return map_msi(d, op);
    if (op->type != MAP_PIRQ_TYPE_GSI || op->index < 0 ||
        (op->pirq >= 0 && op->pirq != op->index))
        return -EINVAL;              /* several vectors: one by one */
    op->pirq = op->index;
    return pirq_map_gsi_locked(d, op->index);
}

static int op_unmap_pirq(struct domain *d, const struct physdev_unmap_pirq *op)
{
    if (op->domid != DOMID_SELF && op->domid != d->id)
        return -EPERM;
    return pirq_unmap_locked(d, op->pirq);
}

static int op_setup_gsi(const struct physdev_setup_gsi *op)
{
    if (op->gsi < 0 || op->triggering > 1 || op->polarity > 1)
        return -EINVAL;
    return irq_setup_gsi(op->gsi, op->triggering, op->polarity);
}

/* Under d->lock. */
static int act(struct domain *d, unsigned int cmd, union physdev_arg *a)
{
    switch (cmd) {
    case PHYSDEVOP_eoi:              return pirq_eoi_locked(d, a->eoi.irq);
    case PHYSDEVOP_irq_status_query: return op_query(d, &a->query);
    case PHYSDEVOP_set_iopl:         return op_set_iopl(a->iopl.iopl);
    case PHYSDEVOP_apic_read:        return op_apic_read(&a->apic);
    case PHYSDEVOP_alloc_irq_vector:     /* bound later: the irq's own number */
        a->vector.vector = a->vector.irq;
        return a->vector.irq < nr_gsis ? 0 : -EINVAL;
    case PHYSDEVOP_map_pirq:         return op_map_pirq(d, &a->map);
    case PHYSDEVOP_unmap_pirq:       return op_unmap_pirq(d, &a->unmap);
    case PHYSDEVOP_setup_gsi:        return op_setup_gsi(&a->gsi);
    default:                         return 0;   /* see rows */
    }
}

#define ROW(op, member, reports, for_all) \
    [PHYSDEVOP_##op] = { sizeof(((union physdev_arg *)0)->member), reports, \
                         for_all }

static const struct {
    uint8_t size;
    bool reports;                    /* the argument goes back */
    bool for_all;                    /* not only for the hardware domain */
} rows[] = {
    ROW(eoi, eoi, false, false),
    ROW(irq_status_query, query, true, false),
    ROW(set_iopl, iopl, false, true),
    ROW(apic_read, apic, true, false),
    ROW(alloc_irq_vector, vector, true, false),
    ROW(map_pirq, map, true, false),
    ROW(unmap_pirq, unmap, false, false),
    ROW(setup_gsi, gsi, false, false),
    /* We find devices by their MSIs alone and keep no list of them. */
    ROW(pci_device_add, device, false, false),
    ROW(pci_device_remove, device, false, false),
};

long do_physdev_op(int cmd, void __guest *arg)
{
    struct domain *d = current->domain;
    unsigned int i = cmd;
    union physdev_arg a;
    int rc;

    if (i >= ARRAY_SIZE(rows) || !rows[i].size)
        return -ENOSYS;
    if (!rows[i].for_all && !d->hardware)
        return -EPERM;
    if (copy_from_guest(&a, arg, rows[i].size))
        return -EFAULT;
    spin_lock(&d->lock);
    rc = act(d, i, &a);
    spin_unlock(&d->lock);
    if (!rc && rows[i].reports && copy_to_guest(arg, &a, rows[i].size)) {
        /* The guest never learnt the number of its MSI; a GSI's it knew. */
        if (i == PHYSDEVOP_map_pirq && a.map.type != MAP_PIRQ_TYPE_GSI) {
            spin_lock(&d->lock);
            pirq_unmap_locked(d, a.map.pirq);
            spin_unlock(&d->lock);
        }
        rc = -EFAULT;
    }
    return rc;
}
