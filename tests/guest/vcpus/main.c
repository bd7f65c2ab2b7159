/*
 * The context of a vcpu: one that would take the machine down is refused, and
 * a good one reads back as it was given.  One that is preempted is seen to be.
 */
#include "guest.h"

static struct vcpu_guest_context context;

static long initialise(unsigned long kernel_cr3, unsigned long user_cr3,
                       unsigned long flags)
{
    context.ctrlreg[3] = kernel_cr3;
    context.ctrlreg[1] = user_cr3;
    context.flags = flags;
    return HC(vcpu_op, (unsigned long)VCPUOP_initialise, 1UL, &context);
}

/* Frame 0 is "no root": CR3 would be 0. */
static void test_no_root(unsigned long root)
{
    check_eq(initialise(0, 0, VGCF_in_kernel), -XEN_EINVAL,
             "a vcpu without a kernel root");
    check_eq(initialise(0xfff, 0, VGCF_in_kernel), -XEN_EINVAL,
             "a kernel root of frame 0");
    check_eq(initialise(root, 0, 0), -XEN_EINVAL,
             "user mode without a root");
    check_eq(initialise(root, 0xfff, 0), -XEN_EINVAL,
             "user mode on a root of frame 0");
    check_eq(HC(vcpu_op, (unsigned long)VCPUOP_up, 1UL, 0UL), -XEN_EINVAL,
             "so it cannot be started");
}

static void test_bad_values(unsigned long root)
{
    context.failsafe_callback_eip = 1UL << 47;
    check_eq(initialise(root, 0, VGCF_in_kernel), -XEN_EINVAL,
             "a callback that is not canonical");
    context.failsafe_callback_eip = 0;
    context.ldt_base = 0xffff820000200000;
    check_eq(initialise(root, 0, VGCF_in_kernel), -XEN_EINVAL,
             "an LDT in the hypervisor");
    context.ldt_base = 0;
    context.gdt_ents = 513;
    check(initialise(root, 0, VGCF_in_kernel) < 0, "a GDT of frame 0");
    context.gdt_ents = 0;
}

static void test_read_back(void)
{
    struct xen_domctl op = { .u.vcpucontext.vcpu = 0 };
    unsigned long root = make_domain(&op.domain);

    op.u.vcpucontext.ctxt.p = (void *)&context;
    context = (struct vcpu_guest_context){
        .flags = VGCF_in_kernel | VGCF_syscall_disables_events,
        .user_regs = { .rflags = 0x1202, .ds = 0x2b, .r12 = 0x1212 },
        .ctrlreg[3] = root, .gs_base_kernel = 0x1000, .gs_base_user = 0x2000,
        .syscall_callback_eip = 0x3000,
    };
    check_eq(domctl(&op, XEN_DOMCTL_setvcpucontext), 0, "a good context");
    context = (struct vcpu_guest_context){ .flags = 0 };
    check_eq(domctl(&op, XEN_DOMCTL_getvcpucontext), 0, "can be read");
    check_eq(context.ctrlreg[3], root, "its root");
    check_eq(context.user_regs.rflags & 0x3000, 0x1000, "its IOPL");
    check_eq(context.user_regs.ds, 0x2b, "a selector");
    check_eq(context.user_regs.r12, 0x1212, "a register");
    check_eq(context.gs_base_kernel, 0x1000, "the kernel's GS base");
    check_eq(context.gs_base_user, 0x2000, "the user's GS base");
    check_eq(context.syscall_callback_eip, 0x3000, "a callback");
    check_eq(context.flags, VGCF_i387_valid | VGCF_in_kernel |
             VGCF_syscall_disables_events, "the flags");
    check_eq(domctl(&op, XEN_DOMCTL_destroydomain), 0, "the domain ends");
}

static volatile struct vcpu_runstate_info area;
static volatile unsigned long turns;

static void other_vcpu(void)
{
    for (;;)
        turns++;
}

static long pin_to_first_cpu(unsigned int vcpu)
{
    uint8_t first = 1;
    struct xen_domctl op = {
        .u.vcpuaffinity = { .vcpu = vcpu, .flags = XEN_VCPUAFFINITY_HARD },
    };

    op.u.vcpuaffinity.cpumap_hard.bitmap.p = &first;
    op.u.vcpuaffinity.cpumap_hard.nr_bits = 8;
    return domctl(&op, XEN_DOMCTL_setvcpuaffinity);
}

/* Two vcpus on one CPU: while the first looks, the second cannot run. */
static void test_preempted(void)
{
    struct vcpu_register_runstate_memory_area at = { .addr.v = (void *)&area };

    make_vcpu(other_vcpu);
    check_eq(pin_to_first_cpu(0) | pin_to_first_cpu(1), 0, "both on one CPU");
    check_eq(HC(vcpu_op, (unsigned long)VCPUOP_register_runstate_memory_area,
                1UL, &at), 0, "where its state is told");
    check_eq(HC(vcpu_op, (unsigned long)VCPUOP_up, 1UL, 0UL), 0, "it starts");
    while (!turns)
        __asm__ volatile("pause");
    check_eq(area.state, RUNSTATE_runnable, "it could run, and does not");
    check_eq(HC(vcpu_op, (unsigned long)VCPUOP_down, 1UL, 0UL), 0, "it stops");
}

void test_main(void)
{
    unsigned long root = virt_to_mfn((void *)start_info->pt_base) << 12;

    test_no_root(root);
    test_bad_values(root);
    test_read_back();
    test_preempted();
}
