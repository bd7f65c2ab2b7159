/*
 * Where a guest wants to be entered: trap table, callbacks, kernel stack,
 * segment bases; and the assists it asks for.
 */
#include "mm/guest_copy.h"
#include "pv/pv.h"
#include "x86/atomic.h"
#include "x86/extable.h"

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

#define CALLBACKS (BIT(CALLBACKTYPE_event) | BIT(CALLBACKTYPE_failsafe) | \
                   BIT(CALLBACKTYPE_syscall) | BIT(CALLBACKTYPE_nmi) |    \
                   BIT(CALLBACKTYPE_syscall32) | BIT(CALLBACKTYPE_sysenter))

static long callback_register(struct vcpu *v, unsigned int type,
                              unsigned long address, unsigned int flags)
{
    if (type >= 64 || !(CALLBACKS & BIT(type)))
        return -ENOSYS;
    if (!va_canonical(address) ||
        (type == CALLBACKTYPE_sysenter && !cpu_features.sysenter))
        return -EINVAL;
    if (type == CALLBACKTYPE_nmi)    /* another name of a row of the table */
        v->pv.traps[VEC_NMI] = (struct trap_info){
            VEC_NMI, TI_MASKS, FLAT_KERNEL_CS, address };
    else
        v->pv.callback[type] = (struct pv_callback){
            address, type == CALLBACKTYPE_event ||
                     flags & CALLBACKF_mask_events };
    return 0;
}

/* Event and failsafe callbacks stay: a guest cannot run without them. */
static long callback_unregister(struct vcpu *v, unsigned int type)
{
    if (type == CALLBACKTYPE_event || type == CALLBACKTYPE_failsafe)
        return -EINVAL;
    return callback_register(v, type, 0, 0);
}

long do_callback_op(int cmd, const void __guest *arg)
{
    struct callback_register r;      /* begins as unregister's does */
    bool set = cmd == CALLBACKOP_register;

    if (!set && cmd != CALLBACKOP_unregister)
        return -ENOSYS;
    if (copy_from_guest(&r, arg, set ? sizeof(r)
                                     : sizeof(struct callback_unregister)))
        return -EFAULT;
    return set ? callback_register(current, r.type, r.address, r.flags)
               : callback_unregister(current, r.type);
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
    unsigned long flags;

    if (selector & 4)                /* no fault can map it further down */
        pv_ldt_map_all(current);
    flags = irq_save();
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
    static const uint32_t msr[] = {
        [SEGBASE_FS] = MSR_FS_BASE, [SEGBASE_GS_USER] = MSR_KERNEL_GS_BASE,
        [SEGBASE_GS_KERNEL] = MSR_GS_BASE,
    };

    if (which == SEGBASE_GS_USER_SEL)
        load_user_gs(base);
    else if (which < ARRAY_SIZE(msr) && va_canonical(base))
        wrmsr(msr[which], base);
    else
        return -EINVAL;
    return 0;
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
    if (cmd == VMASST_CMD_enable)
        atomic_or(&d->pv.vm_assist, BIT(type));
    else if (cmd == VMASST_CMD_disable)
        atomic_and(&d->pv.vm_assist, ~BIT(type));
    else
        return -ENOSYS;
    return 0;
}
