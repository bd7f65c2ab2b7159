/*
 * HYPERVISOR_platform_op: dom0 as the owner of the machine.
 */
#include "control/control.h"
#include "domain/domain.h"
#include "drivers/acpi.h"
#include "lib/env.h"
#include "mm/guest_copy.h"
#include "x86/percpu.h"

static long settime64(const struct xenpf_settime64 *t)
{
    if (t->mbz || t->nsecs >= NSEC_PER_SEC)
        return -EINVAL;
    clock_set_wallclock(t->secs, t->nsecs, t->system_time);
    return 0;
}

static void get_cpuinfo(struct xenpf_pcpuinfo *info)
{
    uint32_t cpu = info->xen_cpuid;

    info->max_present = nr_cpus - 1;
    info->flags = XEN_PCPU_FLAGS_INVALID;
    if (cpu >= NR_CPUS || !percpu_of[cpu])
        return;
    info->flags = cpu_online_mask & BIT(cpu) ? XEN_PCPU_FLAGS_ONLINE : 0;
    info->apic_id = percpu_of[cpu]->apic_id;
    for (unsigned int i = 0; i < acpi.nr_cpus; i++)
        if (acpi.apic_id[i] == info->apic_id)
            info->acpi_id = acpi.acpi_id[i];
}

static long enter_sleep(const struct xenpf_enter_acpi_sleep *s)
{
    if (s->flags || s->sleep_state > 5)
        return -EINVAL;
    if (s->sleep_state != 5)
        return -EOPNOTSUPP;          /* sleep is not, only power-off */
    printk(LOG_INFO, "Power off.\n");
    return acpi_enter_sleep(s->val_a, s->val_b);
}

long do_platform_op(void __guest *uop)
{
    struct xen_platform_op op;

    if (!current->domain->privileged)
        return -EPERM;
    if (copy_from_guest(&op, uop, sizeof(op)))
        return -EFAULT;
    if (op.interface_version != XENPF_INTERFACE_VERSION)
        return -EACCES;
    switch (op.cmd) {
    case XENPF_settime64:        return settime64(&op.u.settime64);
    case XENPF_enter_acpi_sleep: return enter_sleep(&op.u.enter_acpi_sleep);
    case XENPF_get_cpuinfo:
        get_cpuinfo(&op.u.pcpu_info);
        return copy_to_guest(uop, &op, sizeof(op)) ? -EFAULT : 0;
    default:                     return -ENOSYS;
    }
}
