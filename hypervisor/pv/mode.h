/*
 * Between a guest's kernel and user mode, on this CPU.
 */
#ifndef PV_MODE_H
#define PV_MODE_H

#include "domain/domain.h"
#include "x86/cpu.h"
#include "x86/percpu.h"

/* This CPU's data, from the frame at the top of its main stack. */
static inline struct percpu *percpu_of_frame(struct cpu_user_regs *regs)
{
    return (struct percpu *)(regs + 1);
}

/*
 * With isolation the hypervisor always runs on the kernel's root, so only the
 * way out changes.
 */
static inline void pv_toggle_mode(struct vcpu *v, struct percpu *pc)
{
    unsigned int which = v->pv.kernel_mode;      /* user: root 1 */

    v->pv.kernel_mode = !which;
    __asm__ volatile("swapgs" ::: "memory");
    if (pc->isolated)
        pc->entry->exit_cr3 = v->hw_root[which] << PAGE_SHIFT;
    else
        write_cr3(v->guest_root[which] << PAGE_SHIFT);
    if (unlikely(clock_stale(&v->clock)) && v->pv.kernel_mode)
        runstate_write_area(v);      /* now it can be reached */
}

#endif
