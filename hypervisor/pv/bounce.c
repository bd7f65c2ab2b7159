/*
 * Entering a guest's kernel: exceptions, system calls and event upcalls all
 * push one kind of frame (abi: <xen/arch-x86/xen-x86_64.h>, and what Linux's
 * arch/x86/xen pops): rcx, r11, [ds es fs gs], [error], rip, cs, rflags, rsp,
 * ss, from low to high.
 */
#include "domain/domain.h"
#include "lib/env.h"
#include "mm/guest_copy.h"
#include "pv/mode.h"
#include "pv/pv.h"
#include "x86/extable.h"
#include "x86/regs.h"

#define FRAME_WORDS_MAX 12

/* A store to, and a load from, the guest; a fault goes on at the label. */
#define PUT(at, val, fault)                                     \
    __asm__ goto("1:\tmovq %0, %1\n" EXTABLE(1b, %l[fault])     \
                 :: "r" ((uint64_t)(val)), "m" (*(at)) :: fault)
#define GET(val, at, fault)                                     \
    __asm__ goto("1:\tmovq %1, %0\n" EXTABLE(1b, %l[fault])     \
                 : "=r" (val) : "m" (*(at)) :: fault)

/* May a frame whose upper end is sp touch the hypervisor's slots?  Elsewhere
 * a store faults where the guest has nothing. */
static inline bool frame_is_near_us(unsigned long sp)
{
    return sp - HV_VIRT_START <= HV_VIRT_END - HV_VIRT_START +
                                 FRAME_WORDS_MAX * 8;
}

/*
 * Build the frame and go on at b->entry.  Every system call, exception and
 * upcall comes through here: inlined, so that each carries only its part.
 */
static inline __attribute__((always_inline)) void
enter_kernel(struct vcpu *v, struct cpu_user_regs *regs,
             const struct bounce *b)
{
    uint64_t mask = v->info->evtchn_upcall_mask, cs = regs->cs;
    uint64_t flags = regs->rflags & ~(uint64_t)(EFLAGS_IF | EFLAGS_IOPL);
    unsigned long sp = v->pv.kernel_sp;
    uint64_t *w;

    if (v->pv.kernel_mode) {
        sp = regs->rsp;
        cs &= ~3;
    } else {
        pv_toggle_mode(v, percpu_of_frame(regs));
    }
    if (!mask)
        flags |= EFLAGS_IF;
    if (v->domain->pv.vm_assist & BIT(VMASST_TYPE_architectural_iopl))
        flags |= v->pv.iopl << 12;
    w = (uint64_t *)(sp & ~15UL);
    if (unlikely(frame_is_near_us(sp)))
        goto fault;
    guest_access_begin();
    PUT(--w, regs->ss, fault);
    PUT(--w, regs->rsp, fault);
    PUT(--w, flags, fault);
    PUT(--w, cs | mask << 32, fault);
    PUT(--w, regs->rip, fault);
    if (b->has_error)
        PUT(--w, b->error, fault);
    if (b->failsafe) {
        PUT(--w, regs->gs, fault);
        PUT(--w, regs->fs, fault);
        PUT(--w, regs->es, fault);
        PUT(--w, regs->ds, fault);
    }
    PUT(--w, regs->r11, fault);
    PUT(--w, regs->rcx, fault);
    guest_access_end();
    if (b->mask_events)
        v->info->evtchn_upcall_mask = 1;
    regs->rip = b->entry;
    regs->cs = GUEST_CS64;
    regs->rflags &= ~(uint64_t)(EFLAGS_AC | EFLAGS_VM | EFLAGS_RF | EFLAGS_NT |
                                EFLAGS_TF);
    regs->rsp = (unsigned long)w;
    regs->ss = GUEST_SS;
    /* A kernel entry gives rcx and r11 away: SYSRET will do. */
    regs->entry_vector = VEC_SYSCALL;
    return;

 fault:
    guest_access_end();
    domain_crash(v->domain, "no kernel stack at %#lx for a frame", sp);
}

void pv_bounce(struct vcpu *v, struct cpu_user_regs *regs,
               const struct bounce *b)
{
    enter_kernel(v, regs, b);
    percpu_of_frame(regs)->stats[STAT_BOUNCE]++;
}

void pv_bounce_syscall(struct vcpu *v, struct cpu_user_regs *regs)
{
    struct bounce b = {
        .entry = v->pv.syscall_entry,
        .mask_events = v->pv.syscall_mask,
    };

    percpu_of_frame(regs)->stats[STAT_SYSCALL]++;
    if (likely(b.entry)) {
        enter_kernel(v, regs, &b);
    } else {
        regs->rip -= 2;
        pv_inject(v, regs, VEC_UD, 0);
    }
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

void pv_iret(struct vcpu *v, struct cpu_user_regs *regs)
{
    const struct iret_context *f = (void *)regs->rsp;
    uint64_t rax, r11, rcx, how, rip, cs, flags, rsp, ss;

    percpu_of_frame(regs)->stats[STAT_IRET]++;
    if (unlikely(frame_is_near_us(regs->rsp + sizeof(*f))))
        goto fault;
    guest_access_begin();
    GET(rax, &f->rax, fault);
    GET(r11, &f->r11, fault);
    GET(rcx, &f->rcx, fault);
    GET(how, &f->flags, fault);
    GET(rip, &f->rip, fault);
    GET(cs, &f->cs, fault);
    GET(flags, &f->rflags, fault);
    GET(rsp, &f->rsp, fault);
    GET(ss, &f->ss, fault);
    guest_access_end();
    if ((cs & 3) == 3) {
        if (unlikely(!v->guest_root[1])) {
            domain_crash(v->domain, "iret to user mode without a user root");
            return;
        }
        pv_toggle_mode(v, percpu_of_frame(regs));
    }
    if (!(how & VGCF_in_syscall)) {
        regs->entry_vector = 0;
        regs->r11 = r11;
        regs->rcx = rcx;
    }
    regs->rax = rax;
    regs->rip = rip;
    regs->cs = cs | 3;
    regs->rflags = (flags & ~(uint64_t)(EFLAGS_IOPL | EFLAGS_VM | EFLAGS_VIF |
                                        EFLAGS_VIP)) |
                   EFLAGS_IF | EFLAGS_MBS;
    regs->rsp = rsp;
    regs->ss = ss | 3;
    v->info->evtchn_upcall_mask = !(flags & EFLAGS_IF);
    return;

 fault:
    guest_access_end();
    domain_crash(v->domain, "iret: no frame at %#lx", regs->rsp);
}
