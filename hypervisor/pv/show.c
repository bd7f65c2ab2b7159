/*
 * What a guest was doing, for the console.
 */
#include "domain/domain.h"
#include "lib/env.h"
#include "mm/guest_copy.h"
#include "pv/pv.h"
#include "x86/crash.h"
#include "x86/percpu.h"

static void show_stack(const struct cpu_user_regs *regs)
{
    unsigned long sp = regs->rsp & ~7UL;
    uint64_t w[4];
    unsigned int n;

    for (n = 0; n < 8; n++, sp += sizeof(w)) {
        if (copy_from_guest(w, (void __guest *)sp, sizeof(w)))
            return;
        printk(LOG_GUEST, "%016lx: %016lx %016lx %016lx %016lx\n", sp, w[0],
               w[1], w[2], w[3]);
    }
}

void pv_show(struct vcpu *v)
{
    const struct cpu_user_regs *r = v == current ? guest_regs() : &v->regs;

    printk(LOG_GUEST, "d%uv%u %s mode rip %04x:%016lx flags %lx\n",
           v->domain->id, v->id, v->pv.kernel_mode ? "kernel" : "user", r->cs,
           r->rip, r->rflags);
    printk(LOG_GUEST, "ss %04x cr2 %016lx cr3 %016lx\n", r->ss,
           v->info->arch.cr2, v->guest_root[0] << PAGE_SHIFT);
    regs_show(LOG_GUEST, r);
    if (v == current)
        show_stack(r);
}
