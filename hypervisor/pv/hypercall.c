/*
 * Hypercalls: the table, and the way through it.
 *
 * A call that asks to be executed again (-ERESTART) finds itself before its
 * SYSCALL instruction with the arguments that it left in v->cont.
 */
#include "control/control.h"
#include "lib/zazen_abi.h"
#include "mm/guest_copy.h"
#include "mm/hypercalls.h"
#include "pv/pv.h"

typedef long hypercall_fn(unsigned long, unsigned long, unsigned long,
                          unsigned long, unsigned long, unsigned long);

/* Each handler takes the arguments it needs, in registers: its true type
 * does not matter to the caller (System V ABI, 3.2.3). */
#define CALL(nr, fn) \
    [__HYPERVISOR_##nr] = (hypercall_fn *)(void (*)(void))(fn)

static hypercall_fn *const table[64] = {
    CALL(set_trap_table, do_set_trap_table),
    CALL(mmu_update, do_mmu_update),
    CALL(set_gdt, do_set_gdt),
    CALL(stack_switch, do_stack_switch),
    CALL(set_callbacks, do_set_callbacks),
    CALL(fpu_taskswitch, do_fpu_taskswitch),
    CALL(platform_op, do_platform_op),
    CALL(set_debugreg, do_set_debugreg),
    CALL(get_debugreg, do_get_debugreg),
    CALL(update_descriptor, do_update_descriptor),
    CALL(memory_op, do_memory_op),
    CALL(multicall, do_multicall),
    CALL(update_va_mapping, do_update_va_mapping),
    CALL(set_timer_op, do_set_timer_op),
    CALL(xen_version, do_xen_version),
    CALL(console_io, do_console_io),
    CALL(grant_table_op, do_grant_table_op),
    CALL(vm_assist, do_vm_assist),
    CALL(vcpu_op, do_vcpu_op),
    CALL(set_segment_base, do_set_segment_base),
    CALL(mmuext_op, do_mmuext_op),
    CALL(sched_op, do_sched_op),
    CALL(callback_op, do_callback_op),
    CALL(event_channel_op, do_event_channel_op),
    CALL(physdev_op, do_physdev_op),
    CALL(sysctl, do_sysctl),
    CALL(domctl, do_domctl),
    CALL(zazen_op, do_zazen_op),
};

static long call(unsigned long nr, const unsigned long a[6])
{
    if (nr >= ARRAY_SIZE(table))
        return -ENOSYS;
    stat_inc(STAT_HYPERCALL + nr);
    if (nr == __HYPERVISOR_xenpmu_op)
        return -EOPNOTSUPP;          /* what its callers expect without it */
    if (!table[nr])
        return -ENOSYS;
    return table[nr](a[0], a[1], a[2], a[3], a[4], a[5]);
}

static void hypercall(struct vcpu *v, struct cpu_user_regs *regs)
{
    unsigned long a[6] = { regs->rdi, regs->rsi, regs->rdx,
                           regs->r10, regs->r8, regs->r9 };
    uint64_t *const arg[6] = { &regs->rdi, &regs->rsi, &regs->rdx,
                               &regs->r10, &regs->r8, &regs->r9 };
    long rc = call(regs->rax, a);

    if (likely(rc != -ERESTART)) {
        regs->rax = rc;
        return;
    }
    stat_inc(STAT_CONTINUATION);
    regs->rip -= 2;                  /* SYSCALL is two bytes */
    for (unsigned int n = 0; n < v->cont.nr; n++)
        *arg[n] = v->cont.args[n];
    v->cont.nr = 0;
}

/*
 * SYSCALL from user mode enters the guest's kernel; from its kernel it is a
 * hypercall.  The two that every system call takes run with interrupts off.
 */
void pv_syscall(struct cpu_user_regs *regs)
{
    struct vcpu *v = percpu_of_frame(regs)->curr;

    if (!v->pv.kernel_mode) {
        pv_bounce_syscall(v, regs);
        return;
    }
    if (regs->rax == __HYPERVISOR_iret) {
        pv_iret(v, regs);
        return;
    }
    irq_enable();
    hypercall(v, regs);
}

long do_multicall(void __guest *list, unsigned int nr)
{
    struct multicall_entry __guest *at = list;
    struct vcpu *v = current;
    struct multicall_entry e;
    long rc;

    for (; nr; nr--, at++) {
        if (hypercall_should_yield())
            return hypercall_again(2, at, (unsigned long)nr);
        if (copy_from_guest(&e, at, sizeof(e)))
            return -EFAULT;
        stat_inc(STAT_MULTICALL);
        rc = e.op == __HYPERVISOR_iret || e.op == __HYPERVISOR_multicall
             ? -ENOSYS : call(e.op, e.args);
        if (rc == -ERESTART) {
            if (copy_to_guest(&at->args, v->cont.args,
                              v->cont.nr * sizeof(e.args[0]))) {
                v->cont.nr = 0;
                return -EFAULT;
            }
            return hypercall_again(2, at, (unsigned long)nr);
        }
        e.result = rc;
        if (copy_field_to_guest(at, &e, result))
            return -EFAULT;
    }
    return 0;
}
