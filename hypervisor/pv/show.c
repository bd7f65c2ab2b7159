/*
 * What a guest was doing, for the console.
 */
#include "lib/env.h"
#include "mm/guest_copy.h"
#include "pv/pv.h"
#include "x86/crash.h"

void pv_show(struct vcpu *v)
{
    const struct cpu_user_regs *r = v == current ? guest_regs() : &v->regs;
    unsigned long sp = r->rsp & ~7UL, w[4];

    printk(LOG_GUEST, "d%uv%u %s mode rip %04x:%016lx flags %lx\n",
           v->domain->id, v->id, v->pv.kernel_mode ? "kernel" : "user", r->cs,
           r->rip, r->rflags);
    printk(LOG_GUEST, "ss %04x cr2 %016lx cr3 %016lx\n", r->ss,
           v->info->arch.cr2, v->guest_root[0] << PAGE_SHIFT);
    regs_show(LOG_GUEST, r);
    for (unsigned int n = 0; v == current && n < 8; n++, sp += sizeof(w)) {
        if (copy_from_guest(w, (void __guest *)sp, sizeof(w)))
            return;
        printk(LOG_GUEST, "%016lx: %016lx %016lx %016lx %016lx\n", sp, w[0],
               w[1], w[2], w[3]);
    }
}
