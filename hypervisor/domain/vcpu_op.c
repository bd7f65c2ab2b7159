/*
 * HYPERVISOR_vcpu_op.
 */
#include "domain/domain.h"
#include "domain/guest_ops.h"
#include "mm/buddy.h"
#include "mm/guest_copy.h"
#include "x86/paging.h"
#include "x86/percpu.h"
#include "x86/tsc.h"

static long op_initialise(struct vcpu *v, void __guest *arg)
{
    struct vcpu_guest_context *c;
    long rc = -EFAULT;

    if (!vcpu_has_info(v))
        return -EINVAL;
    c = kzalloc(sizeof(*c));
    if (!c)
        return -ENOMEM;
    if (!copy_from_guest(c, arg, sizeof(*c))) {
        spin_lock(&v->domain->lock);
        rc = v->initialised ? -EEXIST : guest_ops->set_context(v, c);
        if (!rc)
            v->initialised = true;
        spin_unlock(&v->domain->lock);
    }
    kfree(c);
    return rc;
}

static long op_register_runstate(struct vcpu *v, void __guest *arg)
{
    struct vcpu_register_runstate_memory_area area;

    if (copy_from_guest(&area, arg, sizeof(area)) ||
        !guest_range_ok(area.addr.p, sizeof(struct vcpu_runstate_info)))
        return -EFAULT;
    v->clock.runstate_area = (void __guest *)area.addr.p;
    if (v == current) {
        runstate_write_area(v);
        return 0;
    }
    copy_to_guest(v->clock.runstate_area, &v->clock.runstate,
                  sizeof(v->clock.runstate));
    return 0;
}

static long op_register_time(struct vcpu *v, void __guest *arg)
{
    struct vcpu_register_time_memory_area area;

    if (copy_from_guest(&area, arg, sizeof(area)) ||
        !guest_range_ok(area.addr.p, sizeof(struct vcpu_time_info)))
        return -EFAULT;
    v->clock.time_area = (void __guest *)area.addr.p;
    v->clock.time_area_stale = true;
    if (v == current)
        runstate_write_area(v);
    else
        copy_to_guest(v->clock.time_area, &v->info->time,
                      sizeof(v->info->time));
    return 0;
}

static long op_register_info(struct vcpu *v, void __guest *arg)
{
    struct vcpu_register_vcpu_info info;

    if (copy_from_guest(&info, arg, sizeof(info)))
        return -EFAULT;
    return vcpu_register_info(v, info.mfn, info.offset);
}

static long op_set_singleshot(struct vcpu *v, void __guest *arg)
{
    struct vcpu_set_singleshot_timer t;

    if (v != current)
        return -EINVAL;
    if (copy_from_guest(&t, arg, sizeof(t)))
        return -EFAULT;
    return vcpu_set_singleshot(v, t.timeout_abs_ns, t.flags);
}

static long op_stop_singleshot(struct vcpu *v)
{
    if (v != current)
        return -EINVAL;
    timer_stop(&v->clock.singleshot);
    return 0;
}

static long op_down(struct vcpu *v)
{
    vcpu_down(v);
    return 0;
}

long do_vcpu_op(unsigned int cmd, unsigned int vcpuid, void __guest *arg)
{
    struct vcpu *v = domain_vcpu(current->domain, vcpuid);

    if (!v)
        return -ENOENT;
    switch (cmd) {
    case VCPUOP_is_up:
        return !(READ_ONCE(v->sched.pause_flags) & VPF_DOWN);
    case VCPUOP_initialise:             return op_initialise(v, arg);
    case VCPUOP_up:                     return vcpu_up(v);
    case VCPUOP_down:                   return op_down(v);
    case VCPUOP_register_runstate_memory_area:
        return op_register_runstate(v, arg);
    case VCPUOP_register_vcpu_time_memory_area:
        return op_register_time(v, arg);
    case VCPUOP_register_vcpu_info:     return op_register_info(v, arg);
    case VCPUOP_stop_periodic_timer:    return 0;    /* there is none */
    case VCPUOP_set_singleshot_timer:   return op_set_singleshot(v, arg);
    case VCPUOP_stop_singleshot_timer:  return op_stop_singleshot(v);
    default:                            return -ENOSYS;
    }
}
