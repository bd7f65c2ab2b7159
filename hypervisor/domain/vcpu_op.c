/*
 * HYPERVISOR_vcpu_op.  The dispatcher copies the argument in.
 */
#include "domain/domain.h"
#include "mm/guest_copy.h"
#include "x86/paging.h"
#include "x86/percpu.h"

union vcpu_arg {
    struct vcpu_register_runstate_memory_area runstate;
    struct vcpu_register_time_memory_area time;
    struct vcpu_register_vcpu_info info;
    struct vcpu_set_singleshot_timer singleshot;
};

static const uint8_t sizes[] = {
    [VCPUOP_register_runstate_memory_area] =
        sizeof(struct vcpu_register_runstate_memory_area),
    [VCPUOP_register_vcpu_time_memory_area] =
        sizeof(struct vcpu_register_time_memory_area),
    [VCPUOP_register_vcpu_info] = sizeof(struct vcpu_register_vcpu_info),
    [VCPUOP_set_singleshot_timer] = sizeof(struct vcpu_set_singleshot_timer),
};

/* Let *area be at va, and write it if it can be reached now. */
static long set_area(struct vcpu *v, void __guest **area, unsigned long va,
                     size_t size)
{
    if (!guest_range_ok(va, size))
        return -EFAULT;
    *area = (void __guest *)va;
    clock_areas_changed(v);
    return 0;
}

long do_vcpu_op(unsigned int cmd, unsigned int vcpuid, void __guest *arg)
{
    struct vcpu *v = domain_vcpu(current->domain, vcpuid);
    union vcpu_arg a;

    if (!v)
        return -ENOENT;
    if (cmd < ARRAY_SIZE(sizes) && sizes[cmd] &&
        copy_from_guest(&a, arg, sizes[cmd]))
        return -EFAULT;
    switch (cmd) {
    case VCPUOP_is_up:
        return !(READ_ONCE(v->sched.pause_flags) & VPF_DOWN);
    case VCPUOP_initialise:
        return vcpu_has_info(v) ? vcpu_set_context(v, arg, false) : -EINVAL;
    case VCPUOP_up:                  return vcpu_up(v);
    case VCPUOP_down:                return vcpu_down(v);
    case VCPUOP_register_runstate_memory_area:
        return set_area(v, &v->clock.runstate_area, a.runstate.addr.p,
                        sizeof(struct vcpu_runstate_info));
    case VCPUOP_register_vcpu_time_memory_area:
        return set_area(v, &v->clock.time_area, a.time.addr.p,
                        sizeof(struct vcpu_time_info));
    case VCPUOP_register_vcpu_info:
        return vcpu_register_info(v, a.info.mfn, a.info.offset);
    case VCPUOP_send_nmi:            return arg ? -EINVAL : vcpu_send_nmi(v);
    case VCPUOP_stop_periodic_timer: return 0;   /* there is none */
    case VCPUOP_set_singleshot_timer:
        return vcpu_set_singleshot(v, a.singleshot.timeout_abs_ns);
    case VCPUOP_stop_singleshot_timer:
        return vcpu_set_singleshot(v, S_TIME_MAX);
    default:                         return -ENOSYS;
    }
}
