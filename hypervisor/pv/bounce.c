/*
 * Entering a guest's kernel: exceptions, system calls and event upcalls all
 * push one kind of frame (abi: <xen/arch-x86/xen-x86_64.h>, and what Linux's
 * arch/x86/xen pops): rcx, r11, [ds es fs gs], [error], rip, cs, rflags, rsp,
 * ss, from low to high.
 */
#include "domain/domain.h"
#include "lib/env.h"
#include "mm/guest_copy.h"
#include "pv/pv.h"
#include "x86/extable.h"
#include "x86/percpu.h"
#include "x86/regs.h"

unsigned int bounce_frame(uint64_t words[BOUNCE_WORDS_MAX],
                          const struct cpu_user_regs *regs,
                          const struct bounce *b, bool kernel_mode,
                          uint8_t saved_mask, unsigned int iopl)
{
    uint64_t *w = words;

    *w++ = regs->rcx;
    *w++ = regs->r11;
    if (b->failsafe) {
        *w++ = regs->ds;
        *w++ = regs->es;
        *w++ = regs->fs;
        *w++ = regs->gs;
    }
    if (b->has_error)
        *w++ = b->error;
    *w++ = regs->rip;
    *w++ = (kernel_mode ? regs->cs & ~3 : regs->cs) |
           ((uint64_t)saved_mask << 32);
    *w++ = (regs->rflags & ~(uint64_t)(EFLAGS_IF | EFLAGS_IOPL)) |
           (saved_mask ? 0 : EFLAGS_IF) | ((uint64_t)iopl << 12);
    *w++ = regs->rsp;
    *w++ = regs->ss;
    return w - words;
}

/* Store n words at va of the guest; false: a store faulted. */
static bool put_words(unsigned long va, const uint64_t *words, unsigned int n)
{
    unsigned int i;

    if (!guest_range_ok(va, n * 8))
        return false;
    guest_access_begin();
    for (i = 0; i < n; i++)
        __asm__ goto("1:\tmovq %1, (%0)\n"
                     EXTABLE(1b, %l2)
                     :: "r" (va + i * 8), "r" (words[i]) : "memory" : fault);
    guest_access_end();
    return true;
 fault:
    guest_access_end();
    return false;
}

void pv_bounce(struct vcpu *v, struct cpu_user_regs *regs,
               const struct bounce *b)
{
    bool kernel_mode = v->pv.kernel_mode;
    uint8_t saved_mask = v->info->evtchn_upcall_mask;
    uint64_t words[BOUNCE_WORDS_MAX];
    unsigned long sp = kernel_mode ? regs->rsp : v->pv.kernel_sp;
    unsigned int iopl = 0, n;

    if (v->domain->pv.vm_assist & BIT(VMASST_TYPE_architectural_iopl))
        iopl = v->pv.iopl;
    n = bounce_frame(words, regs, b, kernel_mode, saved_mask, iopl);
    if (!kernel_mode)
        pv_toggle_mode(v);
    sp = (sp & ~15UL) - n * 8;
    if (unlikely(!put_words(sp, words, n))) {
        domain_crash(v->domain, "no kernel stack at %#lx for a frame", sp);
        return;
    }
    if (b->mask_events)
        v->info->evtchn_upcall_mask = 1;
    regs->rip = b->entry;
    regs->cs = GUEST_CS64;
    regs->rflags &= ~(uint64_t)(EFLAGS_AC | EFLAGS_VM | EFLAGS_RF | EFLAGS_NT |
                                EFLAGS_TF);
    regs->rsp = sp;
    regs->ss = GUEST_SS;
    /* A kernel entry gives rcx and r11 away: SYSRET will do. */
    regs->entry_vector = VEC_SYSCALL;
    stat_inc(STAT_BOUNCE);
}

static bool vector_has_error(unsigned int vector)
{
    const uint32_t with = BIT(VEC_DF) | BIT(VEC_TS) | BIT(VEC_NP) |
                          BIT(VEC_SS) | BIT(VEC_GP) | BIT(VEC_PF) |
                          BIT(VEC_AC);

    return vector < 32 && (with & BIT(vector));
}

void pv_inject(struct vcpu *v, struct cpu_user_regs *regs,
               unsigned int vector, uint32_t error)
{
    const struct trap_info *t = &v->pv.traps[vector];
    struct bounce b = {
        .entry = t->address,
        .mask_events = t->flags & 4,     /* TI_GET_IF in <xen/arch-x86> */
        .has_error = vector_has_error(vector),
        .error = error,
    };

    if (unlikely(!t->address)) {
        domain_crash(v->domain, "no handler for exception %u, error %#x",
                     vector, error);
        return;
    }
    pv_bounce(v, regs, &b);
}

void pv_failsafe(struct vcpu *v, struct cpu_user_regs *regs)
{
    struct bounce b = {
        .entry = v->pv.failsafe_entry,
        .mask_events = v->pv.failsafe_mask,
        .failsafe = true,
    };

    if (!b.entry) {
        domain_crash(v->domain, "bad selector or return frame, and no "
                     "failsafe callback");
        return;
    }
    __asm__ volatile("mov %%ds, %0" : "=r" (regs->ds));
    __asm__ volatile("mov %%es, %0" : "=r" (regs->es));
    __asm__ volatile("mov %%fs, %0" : "=r" (regs->fs));
    __asm__ volatile("mov %%gs, %0" : "=r" (regs->gs));
    pv_bounce(v, regs, &b);
}

void pv_upcall(struct vcpu *v, struct cpu_user_regs *regs)
{
    struct bounce b = {
        .entry = v->pv.event_entry,
        .mask_events = v->pv.event_mask,
    };

    if (!b.entry)
        return;
    stat_inc(STAT_EVENT_UPCALL);
    pv_bounce(v, regs, &b);
}

/* Read n words of the guest at va; false: a load faulted. */
static bool get_words(uint64_t *words, unsigned long va, unsigned int n)
{
    unsigned int i, ok = 1;

    if (!guest_range_ok(va, n * 8))
        return false;
    guest_access_begin();
    for (i = 0; i < n && ok; i++)
        __asm__ volatile("1:\tmovq (%2), %0\n\t"
                         "jmp 3f\n"
                         "2:\txorl %1, %1\n"
                         "3:\n"
                         EXTABLE(1b, 2b)
                         : "=&r" (words[i]), "+r" (ok) : "r" (va + i * 8)
                         : "memory", "cc");
    guest_access_end();
    return ok;
}

void pv_iret(struct vcpu *v, struct cpu_user_regs *regs)
{
    struct iret_context f;

    stat_inc(STAT_IRET);
    if (unlikely(!get_words((uint64_t *)&f, regs->rsp,
                            sizeof(f) / 8))) {
        domain_crash(v->domain, "iret: no frame at %#lx", regs->rsp);
        return;
    }
    if ((f.cs & 3) == 3) {
        if (unlikely(!v->guest_root[1])) {
            domain_crash(v->domain, "iret to user mode without a user root");
            return;
        }
        pv_toggle_mode(v);
    }
    if (!(f.flags & VGCF_in_syscall)) {
        regs->entry_vector = 0;
        regs->r11 = f.r11;
        regs->rcx = f.rcx;
    }
    regs->rax = f.rax;
    regs->rip = f.rip;
    regs->cs = f.cs | 3;
    regs->rflags = (f.rflags & ~(uint64_t)(EFLAGS_IOPL | EFLAGS_VM |
                                           EFLAGS_VIF | EFLAGS_VIP)) |
                   EFLAGS_IF | EFLAGS_MBS;
    regs->rsp = f.rsp;
    regs->ss = f.ss | 3;
    v->info->evtchn_upcall_mask = !(f.rflags & EFLAGS_IF);
}
