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

static long op_eoi(struct domain *d, void __guest *arg)
{
    struct physdev_eoi op;

    if (copy_from_guest(&op, arg, sizeof(op)))
        return -EFAULT;
    return pirq_eoi(d, op.irq);
}

static long op_irq_status_query(struct domain *d, void __guest *arg)
{
    struct physdev_irq_status_query op;
    bool needs;
    int rc;

    if (copy_from_guest(&op, arg, sizeof(op)))
        return -EFAULT;
    rc = pirq_needs_eoi(d, op.irq, &needs);
    if (rc)
        return rc;
    op.flags = needs ? XENIRQSTAT_needs_eoi : 0;
    return copy_to_guest(arg, &op, sizeof(op)) ? -EFAULT : 0;
}

static long op_pirq_eoi_gmfn(struct domain *d, void __guest *arg)
{
    struct physdev_pirq_eoi_gmfn op;

    if (copy_from_guest(&op, arg, sizeof(op)))
        return -EFAULT;
    return pirq_set_eoi_page(d, op.gmfn);
}

static long op_set_iopl(struct domain *d, void __guest *arg)
{
    struct physdev_set_iopl op;

    (void)d;
    if (copy_from_guest(&op, arg, sizeof(op)))
        return -EFAULT;
    if (op.iopl > 3)
        return -EINVAL;
    current->pv.iopl = op.iopl;
    return 0;
}

static long op_apic_read(struct domain *d, void __guest *arg)
{
    struct physdev_apic op;

    (void)d;
    if (copy_from_guest(&op, arg, sizeof(op)))
        return -EFAULT;
    /* Version 0x20; the last pin: dom0 asks for its first I/O APIC. */
    if (op.reg == IOAPIC_VERSION)
        op.value = ((MIN(nr_gsis, 24U) - 1) << 16) | 0x20;
    else if (op.reg == IOAPIC_ID || op.reg == IOAPIC_ARB)
        op.value = 0;
    else
        return -EINVAL;              /* routing is ours */
    return copy_to_guest(arg, &op, sizeof(op)) ? -EFAULT : 0;
}

/* A vector is bound later; until then the ABI's number is the irq's own. */
static long op_alloc_irq_vector(struct domain *d, void __guest *arg)
{
    struct physdev_irq op;

    (void)d;
    if (copy_from_guest(&op, arg, sizeof(op)))
        return -EFAULT;
    if (op.irq >= nr_gsis)
        return -EINVAL;
    op.vector = op.irq;
    return copy_to_guest(arg, &op, sizeof(op)) ? -EFAULT : 0;
}

static long map_msi(struct domain *d, struct physdev_map_pirq *op)
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
    rc = pirq_map_msi(d, &m, &pirq);
    if (!rc)
        op->pirq = pirq;
    return rc;
}

static long op_map_pirq(struct domain *d, void __guest *arg)
{
    struct physdev_map_pirq op;
    bool gsi;
    long rc;

    if (copy_from_guest(&op, arg, sizeof(op)))
        return -EFAULT;
    if (op.domid != DOMID_SELF && op.domid != d->id)
        return -EPERM;
    gsi = op.type == MAP_PIRQ_TYPE_GSI;
    if (gsi) {
        if (op.index < 0 || (op.pirq >= 0 && op.pirq != op.index))
            return -EINVAL;
        rc = pirq_map_gsi(d, op.index);
        op.pirq = op.index;
    } else if (op.type == MAP_PIRQ_TYPE_MSI ||
               op.type == MAP_PIRQ_TYPE_MSI_SEG) {
        rc = map_msi(d, &op);
    } else {
        return -EINVAL;              /* several vectors: one by one */
    }
    if (!rc && copy_to_guest(arg, &op, sizeof(op))) {
        if (!gsi)
            pirq_unmap(d, op.pirq);  /* the guest never learnt its number */
        rc = -EFAULT;
    }
    return rc;
}

static long op_unmap_pirq(struct domain *d, void __guest *arg)
{
    struct physdev_unmap_pirq op;

    if (copy_from_guest(&op, arg, sizeof(op)))
        return -EFAULT;
    if (op.domid != DOMID_SELF && op.domid != d->id)
        return -EPERM;
    return pirq_unmap(d, op.pirq);
}

static long op_setup_gsi(struct domain *d, void __guest *arg)
{
    struct physdev_setup_gsi op;

    (void)d;
    if (copy_from_guest(&op, arg, sizeof(op)))
        return -EFAULT;
    if (op.gsi < 0 || op.triggering > 1 || op.polarity > 1)
        return -EINVAL;
    return irq_setup_gsi(op.gsi, op.triggering, op.polarity);
}

/* We find devices by their MSIs alone and keep no list of them. */
static long op_pci_device(struct domain *d, void __guest *arg)
{
    struct physdev_pci_device op;

    (void)d;
    return copy_from_guest(&op, arg, sizeof(op)) ? -EFAULT : 0;
}

static long op_manage_pci(struct domain *d, void __guest *arg)
{
    struct physdev_manage_pci op;

    (void)d;
    return copy_from_guest(&op, arg, sizeof(op)) ? -EFAULT : 0;
}

static const struct {
    long (*fn)(struct domain *d, void __guest *arg);
    bool for_all;                    /* not only for the hardware domain */
} ops[] = {
    [PHYSDEVOP_eoi] = { .fn = op_eoi },
    [PHYSDEVOP_irq_status_query] = { .fn = op_irq_status_query },
    [PHYSDEVOP_pirq_eoi_gmfn_v2] = { .fn = op_pirq_eoi_gmfn, .for_all = true },
    [PHYSDEVOP_set_iopl] = { .fn = op_set_iopl, .for_all = true },
    [PHYSDEVOP_apic_read] = { .fn = op_apic_read },
    [PHYSDEVOP_alloc_irq_vector] = { .fn = op_alloc_irq_vector },
    [PHYSDEVOP_map_pirq] = { .fn = op_map_pirq },
    [PHYSDEVOP_unmap_pirq] = { .fn = op_unmap_pirq },
    [PHYSDEVOP_setup_gsi] = { .fn = op_setup_gsi },
    [PHYSDEVOP_pci_device_add] = { .fn = op_pci_device },
    [PHYSDEVOP_pci_device_remove] = { .fn = op_pci_device },
    [PHYSDEVOP_manage_pci_add] = { .fn = op_manage_pci },
    [PHYSDEVOP_manage_pci_remove] = { .fn = op_manage_pci },
};

long do_physdev_op(int cmd, void __guest *arg)
{
    struct domain *d = current->domain;
    unsigned int i = cmd;

    if (i >= ARRAY_SIZE(ops) || !ops[i].fn)
        return -ENOSYS;
    if (!ops[i].for_all && !d->hardware)
        return -EPERM;
    return ops[i].fn(d, arg);
}
