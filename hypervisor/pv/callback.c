/*
 * Where a guest wants to be entered: trap table, callbacks, kernel stack,
 * segment bases; and the assists it asks for.
 */
#include "domain/domain.h"
#include "mm/guest_copy.h"
#include "pv/pv.h"
#include "x86/atomic.h"
#include "x86/cpu.h"
#include "x86/extable.h"
#include "x86/percpu.h"

/* A list that ends with address 0; NULL forgets every handler. */
long do_set_trap_table(void __guest *traps)
{
    const struct trap_info __guest *at = traps;
    struct vcpu *v = current;
    struct trap_info t;

    if (!traps) {
        __builtin_memset(v->pv.traps, 0, sizeof(v->pv.traps));
        return 0;
    }
    for (;; at++) {
        if (hypercall_should_yield())
            return hypercall_again(1, at);
        if (copy_from_guest(&t, at, sizeof(t)))
            return -EFAULT;
        if (!t.address)
            return 0;
        if (!va_canonical(t.address))
            return -EINVAL;
        v->pv.traps[t.vector] = t;
    }
}

struct callback_slot {
    unsigned long *entry;
    bool *mask;
};

static struct callback_slot slot_of(struct vcpu *v, unsigned int type)
{
    struct pv_vcpu *p = &v->pv;

    switch (type) {
    case CALLBACKTYPE_event:
        return (struct callback_slot){ &p->event_entry, &p->event_mask };
    case CALLBACKTYPE_failsafe:
        return (struct callback_slot){ &p->failsafe_entry, &p->failsafe_mask };
    case CALLBACKTYPE_syscall:
        return (struct callback_slot){ &p->syscall_entry, &p->syscall_mask };
    case CALLBACKTYPE_syscall32:
        return (struct callback_slot){ &p->syscall32_entry,
                                       &p->syscall32_mask };
    case CALLBACKTYPE_sysenter:
        return (struct callback_slot){ &p->sysenter_entry, &p->sysenter_mask };
    }
    return (struct callback_slot){ NULL, NULL };
}

static long callback_register(struct vcpu *v, unsigned int type,
                              unsigned long address, unsigned int flags)
{
    struct callback_slot s = slot_of(v, type);

    if (!s.entry)
        return -ENOSYS;
    if (type == CALLBACKTYPE_sysenter && !cpu_features.sysenter)
        return -EINVAL;
    if (!va_canonical(address))
        return -EINVAL;
    *s.entry = address;
    *s.mask = flags & CALLBACKF_mask_events;
    return 0;
}

/* Event and failsafe callbacks stay: a guest cannot run without them. */
static long callback_unregister(struct vcpu *v, unsigned int type)
{
    struct callback_slot s = slot_of(v, type);

    if (!s.entry)
        return -ENOSYS;
    if (type == CALLBACKTYPE_event || type == CALLBACKTYPE_failsafe)
        return -EINVAL;
    *s.entry = 0;
    return 0;
}

long do_callback_op(int cmd, const void __guest *arg)
{
    struct callback_register reg;
    struct callback_unregister unreg;

    switch (cmd) {
    case CALLBACKOP_register:
        if (copy_from_guest(&reg, arg, sizeof(reg)))
            return -EFAULT;
        return callback_register(current, reg.type, reg.address, reg.flags);
    case CALLBACKOP_unregister:
        if (copy_from_guest(&unreg, arg, sizeof(unreg)))
            return -EFAULT;
        return callback_unregister(current, unreg.type);
    }
    return -ENOSYS;
}

long do_set_callbacks(unsigned long event, unsigned long failsafe,
                      unsigned long syscall)
{
    struct vcpu *v = current;

    if (!va_canonical(event) || !va_canonical(failsafe) ||
        !va_canonical(syscall))
        return -EINVAL;
    callback_register(v, CALLBACKTYPE_event, event, CALLBACKF_mask_events);
    callback_register(v, CALLBACKTYPE_failsafe, failsafe, 0);
    callback_register(v, CALLBACKTYPE_syscall, syscall, 0);
    return 0;
}

long do_stack_switch(unsigned long ss, unsigned long sp)
{
    struct vcpu *v = current;

    v->pv.kernel_ss = (ss & 0xffff) | 3;
    v->pv.kernel_sp = sp;
    return 0;
}

long do_fpu_taskswitch(int set)
{
    pv_set_ts(current, set);
    return 0;
}

/* Load a selector into the user's %gs: its base is behind SWAPGS now. */
static void load_user_gs(uint16_t selector)
{
    unsigned long flags = irq_save();

    __asm__ volatile("swapgs\n"
                     "1:\tmovl %k0, %%gs\n\t"
                     "jmp 3f\n"
                     "2:\txorl %k0, %k0\n\t"
                     "jmp 1b\n"
                     "3:\tmfence; swapgs\n"
                     EXTABLE(1b, 2b)
                     : "+r" (selector) :: "memory");
    irq_restore(flags);
}

long do_set_segment_base(unsigned int which, unsigned long base)
{
    if (which != SEGBASE_GS_USER_SEL && !va_canonical(base))
        return -EINVAL;
    switch (which) {
    case SEGBASE_FS:
        wrmsr(MSR_FS_BASE, base);
        return 0;
    case SEGBASE_GS_USER:
        wrmsr(MSR_KERNEL_GS_BASE, base);
        return 0;
    case SEGBASE_GS_KERNEL:
        wrmsr(MSR_GS_BASE, base);
        return 0;
    case SEGBASE_GS_USER_SEL:
        load_user_gs(base);
        return 0;
    }
    return -EINVAL;
}

/* What a guest may switch on; the rest of the types are for 32 bits. */
#define VALID_ASSISTS (BIT(VMASST_TYPE_4gb_segments) |                      \
                       BIT(VMASST_TYPE_4gb_segments_notify) |               \
                       BIT(VMASST_TYPE_writable_pagetables) |               \
                       BIT(VMASST_TYPE_pae_extended_cr3) |                  \
                       BIT(VMASST_TYPE_architectural_iopl) |                \
                       BIT(VMASST_TYPE_runstate_update_flag))

long do_vm_assist(unsigned int cmd, unsigned int type)
{
    struct domain *d = current->domain;

    if (type >= 64 || !(VALID_ASSISTS & BIT(type)))
        return -EINVAL;
    switch (cmd) {
    case VMASST_CMD_enable:
        atomic_or(&d->pv.vm_assist, BIT(type));
        return 0;
    case VMASST_CMD_disable:
        atomic_and(&d->pv.vm_assist, ~BIT(type));
        return 0;
    }
    return -ENOSYS;
}
