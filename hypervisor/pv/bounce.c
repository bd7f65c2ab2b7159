/*
 * Entering a guest's kernel: exceptions, system calls and event upcalls all
 * push one kind of frame (abi: <xen/arch-x86/xen-x86_64.h>, and what Linux's
 * arch/x86/xen pops): rcx, r11, [ds es fs gs], [error], rip, cs, rflags, rsp,
 * ss, from low to high.
 */
#include "mm/guest_copy.h"
#include "pv/pv.h"
#include "sched/softirq.h"
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

/* Behind the words that every frame has: nothing, an error code, or the
 * selectors of ds, es, fs and gs. */
enum frame_kind { PLAIN, WITH_ERROR, WITH_SELECTORS };

/*
 * Build the frame and go on at to.entry.  Every system call, exception and
 * upcall comes through here: inlined, so that each carries only its part.
 */
static inline __attribute__((always_inline)) void
enter_kernel(struct vcpu *v, struct cpu_user_regs *regs, struct pv_callback to,
             enum frame_kind kind, uint32_t error)
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
    if (kind == WITH_ERROR)
        PUT(--w, error, fault);
    if (kind == WITH_SELECTORS) {
        PUT(--w, regs->gs, fault);
        PUT(--w, regs->fs, fault);
        PUT(--w, regs->es, fault);
        PUT(--w, regs->ds, fault);
    }
    PUT(--w, regs->r11, fault);
    PUT(--w, regs->rcx, fault);
    guest_access_end();
    if (to.mask)
        v->info->evtchn_upcall_mask = 1;
    regs->rip = to.entry;
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

/* Not of system calls: every other way in. */
static void bounce(struct vcpu *v, struct cpu_user_regs *regs,
                   struct pv_callback to, enum frame_kind kind, uint32_t error)
{
    enter_kernel(v, regs, to, kind, error);
    percpu_of_frame(regs)->stats[STAT_BOUNCE]++;
}

void pv_bounce_syscall(struct vcpu *v, struct cpu_user_regs *regs)
{
    struct pv_callback to = v->pv.callback[CALLBACKTYPE_syscall];

    percpu_of_frame(regs)->stats[STAT_SYSCALL]++;
    if (likely(to.entry)) {
        enter_kernel(v, regs, to, PLAIN, 0);
    } else {
        regs->rip -= 2;
        pv_inject(v, regs, VEC_UD, 0);
    }
}

void pv_bounce_compat(struct vcpu *v, struct cpu_user_regs *regs,
                      unsigned int type)
{
    struct pv_callback to = v->pv.callback[type];

    if (to.entry && !v->pv.kernel_mode)
        bounce(v, regs, to, PLAIN, 0);
    else
        pv_inject(v, regs, VEC_GP, 0);
}

void pv_inject(struct vcpu *v, struct cpu_user_regs *regs,
               unsigned int vector, uint32_t error)
{
    const struct trap_info *t = &v->pv.traps[vector];
    struct pv_callback to = { t->address, t->flags & TI_MASKS };
    bool has_error = vector < 32 && (VECS_WITH_ERROR & BIT(vector));

    if (likely(to.entry))
        bounce(v, regs, to, has_error ? WITH_ERROR : PLAIN, error);
    else
        domain_crash(v->domain, "no handler for exception %u, error %#x",
                     vector, error);
}

void pv_nmi(void)
{
    struct vcpu *v = current;

    if (!READ_ONCE(v->pv.nmi_pending) || v->pv.nmi_masked)
        return;
    WRITE_ONCE(v->pv.nmi_pending, false);
    if (!v->pv.traps[VEC_NMI].address)
        return;                      /* withdrawn since it was sent: lost */
    v->pv.nmi_masked = true;
    pv_inject(v, guest_regs(), VEC_NMI, 0);
}

void pv_failsafe(struct vcpu *v, struct cpu_user_regs *regs)
{
    struct pv_callback to = v->pv.callback[CALLBACKTYPE_failsafe];

    if (!to.entry) {
        domain_crash(v->domain, "bad selector or return frame, and no "
                     "failsafe callback");
        return;
    }
    save_selectors(regs);
    bounce(v, regs, to, WITH_SELECTORS, 0);
}

void pv_upcall(struct vcpu *v, struct cpu_user_regs *regs)
{
    struct pv_callback to = v->pv.callback[CALLBACKTYPE_event];

    if (!to.entry)
        return;
    stat_inc(STAT_EVENT_UPCALL);
    bounce(v, regs, to, PLAIN, 0);
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
    regs->rflags = guest_flags(flags);
    regs->rsp = rsp;
    regs->ss = ss | 3;
    v->info->evtchn_upcall_mask = !(flags & EFLAGS_IF);
    if (unlikely(v->pv.nmi_masked)) {
        v->pv.nmi_masked = false;
        softirq_raise(SOFTIRQ_NMI);
    }
    return;

 fault:
    guest_access_end();
    domain_crash(v->domain, "iret: no frame at %#lx", regs->rsp);
}
