/*
 * HYPERVISOR_platform_op: dom0 as the owner of the machine.
 */
#include "control/control.h"
#include "domain/domain.h"
#include "drivers/acpi.h"
#include "lib/env.h"
#include "mm/guest_copy.h"
#include "x86/percpu.h"

static long op_settime64(struct xen_platform_op *op)
{
    if (op->u.settime64.mbz || op->u.settime64.nsecs >= NSEC_PER_SEC)
        return -EINVAL;
    clock_set_wallclock(op->u.settime64.secs, op->u.settime64.nsecs,
                        op->u.settime64.system_time);
    return 0;
}

static long op_get_cpuinfo(struct xen_platform_op *op)
{
    struct xenpf_pcpuinfo *info = &op->u.pcpu_info;
    uint32_t cpu = info->xen_cpuid;

    info->max_present = nr_cpus - 1;
    info->flags = XEN_PCPU_FLAGS_INVALID;
    if (cpu >= NR_CPUS || !percpu_of[cpu])
        return 0;
    info->flags = cpu_online_mask & BIT(cpu) ? XEN_PCPU_FLAGS_ONLINE : 0;
    info->apic_id = percpu_of[cpu]->apic_id;
    for (unsigned int i = 0; i < acpi.nr_cpus; i++)
        if (acpi.apic_id[i] == info->apic_id)
            info->acpi_id = acpi.acpi_id[i];
    return 0;
}

static long op_enter_acpi_sleep(struct xen_platform_op *op)
{
    const struct xenpf_enter_acpi_sleep *s = &op->u.enter_acpi_sleep;

    if (s->flags || s->sleep_state > 5)
        return -EINVAL;
    if (s->sleep_state != 5)
        return -EOPNOTSUPP;          /* sleep is not, only power-off */
    printk(LOG_INFO, "Power off.\n");
    return acpi_enter_sleep(s->val_a, s->val_b);
}

static const struct {
    long (*fn)(struct xen_platform_op *op);
    bool out;                        /* something to copy back */
} table[] = {
    [XENPF_settime64] = { op_settime64, false },
    [XENPF_get_cpuinfo] = { op_get_cpuinfo, true },
    [XENPF_enter_acpi_sleep] = { op_enter_acpi_sleep, false },
};

long do_platform_op(void __guest *uop)
{
    struct xen_platform_op op;
    long rc;

    if (!current->domain->privileged)
        return -EPERM;
    if (copy_from_guest(&op, uop, sizeof(op)))
        return -EFAULT;
    if (op.interface_version != XENPF_INTERFACE_VERSION)
        return -EACCES;
    if (op.cmd >= ARRAY_SIZE(table) || !table[op.cmd].fn)
        return -ENOSYS;
    rc = table[op.cmd].fn(&op);
    if (!rc && table[op.cmd].out && copy_to_guest(uop, &op, sizeof(op)))
        return -EFAULT;
    return rc;
}
