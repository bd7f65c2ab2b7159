/*
 * Exceptions and interrupts: ours, the guest's, or to be emulated.
 */
#include "mm/guest_copy.h"
#include "mm/pt_update.h"
#include "pv/pv.h"
#include "x86/atomic.h"
#include "x86/crash.h"
#include "x86/irq.h"

#define INSN_INT3    0xcc
#define TI_DPL(t)    ((t)->flags & 3)

/* INT n at regs->rip, whether the CPU refused it or the gate let it through. */
static void software_interrupt(struct vcpu *v, struct cpu_user_regs *regs,
                               unsigned int vector)
{
    const struct trap_info *t = &v->pv.traps[vector];

    if (t->address && TI_DPL(t) >= (v->pv.kernel_mode ? 1 : 3)) {
        regs->rip += 2;
        pv_inject(v, regs, vector, 0);
    } else {
        pv_inject(v, regs, VEC_GP, vector * 8 + 2);
    }
}

/*
 * #GP: a privileged instruction that we do for the guest's kernel; INT n,
 * whose gates are all ours; or the guest's own mistake.
 */
static void guest_gp(struct vcpu *v, struct cpu_user_regs *regs)
{
    uint8_t insn[2];

    irq_enable();
    if ((regs->error_code & 2) &&
        !copy_from_guest(insn, (void __guest *)regs->rip, 2) &&
        insn[0] == 0xcd)
        software_interrupt(v, regs, insn[1]);
    else if (regs->error_code || !pv_emulate_privileged(v, regs))
        pv_inject(v, regs, VEC_GP, regs->error_code);
}

/* A store to a page that the guest may only read: a page table? */
static bool is_pt_write(struct vcpu *v, uint32_t error)
{
    const uint32_t write = PFEC_PRESENT | PFEC_WRITE;

    return v->pv.kernel_mode && (error & (write | PFEC_RSVD)) == write &&
           (v->domain->pv.vm_assist & BIT(VMASST_TYPE_writable_pagetables));
}

static void guest_page_fault(struct vcpu *v, struct cpu_user_regs *regs)
{
    unsigned long va = read_cr2();
    uint32_t error = regs->error_code;

    if (va_is_hypervisor(va)) {
        irq_enable();                /* page types may wait for other CPUs */
        if (pv_ldt_fault(v, va))
            return;
    } else if (is_pt_write(v, error)) {
        irq_enable();
        if (pv_emulate_pt_write(v, regs, va))
            return;
    }
    error = v->pv.kernel_mode ? error & ~PFEC_USER : error | PFEC_USER;
    v->info->arch.cr2 = va;
    pv_inject(v, regs, VEC_PF, error);
}

static void guest_db(struct vcpu *v, struct cpu_user_regs *regs)
{
    unsigned long dr6;

    __asm__ volatile("mov %%dr6, %0" : "=r" (dr6));
    __asm__ volatile("mov %0, %%dr6" :: "r" (0xffff0ff0UL));
    v->pv.debugreg[6] |= dr6 & 0xe00f;
    pv_inject(v, regs, VEC_DB, 0);
}

/*
 * An INT3 that has gone when its #BP comes: the guest has patched its code on
 * another CPU, and goes back to what is there now.  An emulator that was just
 * translating the INT3 may keep it for ever, as QEMU does before 8.1: a store
 * to the place makes it forget.
 */
static void forget_int3(struct vcpu *v, unsigned long va)
{
    struct page_info *pg = pt_page_get(v, va);
    uint8_t *insn, now;

    if (!pg)
        return;
    insn = (uint8_t *)page_to_virt(pg) + (va & ~PAGE_MASK);
    now = READ_ONCE(*insn);
    if (now != INSN_INT3)
        cmpxchg(insn, now, now);
    page_put(pg);
}

/* IRETQ refused what the guest wants to return to. */
static void bad_iret(struct vcpu *v, struct cpu_user_regs *regs)
{
    irq_enable();
    if (pv_ldt_map_all(v))
        return;                      /* a selector of it: try again */
    pv_failsafe(v, regs);
}

void do_guest_trap(struct cpu_user_regs *regs)
{
    unsigned int vector = regs->entry_vector;
    struct vcpu *v = current;

    guest_access_end();              /* AC was the guest's */
    if (vector < VEC_FIRST_DEVICE)
        stat_inc(STAT_TRAP + vector);
    switch (vector) {
    case VEC_PF:       guest_page_fault(v, regs); return;
    case VEC_GP:       guest_gp(v, regs); return;
    case VEC_DB:       guest_db(v, regs); return;
    case VEC_BAD_IRET: bad_iret(v, regs); return;
    case VEC_UD:
        irq_enable();
        if (pv_emulate_forced(v, regs))
            return;
        break;
    case VEC_BP:
        irq_enable();
        if (cpu_features.hypervisor && v->pv.kernel_mode)
            forget_int3(v, regs->rip - 1);
        break;
    case VEC_NM:                     /* it hears once, with TS clear */
        pv_set_ts(v, false);
        break;
    case VEC_INT80:
        regs->rip -= 2;
        software_interrupt(v, regs, vector);
        return;
    case VEC_SYSENTER:
        pv_bounce_compat(v, regs, CALLBACKTYPE_sysenter);
        return;
    case VEC_SYSCALL32:
        pv_bounce_compat(v, regs, CALLBACKTYPE_syscall32);
        return;
    }
    if (vector >= VEC_FIRST_DEVICE)
        do_irq(regs);
    else
        pv_inject(v, regs, vector, regs->error_code);
}

/* A fault of the hypervisor: one that somebody expects, or the end. */
void do_own_trap(struct cpu_user_regs *regs)
{
    unsigned int vector = regs->entry_vector;
    unsigned long fixup, va = read_cr2();
    bool mapped = false;

    guest_access_end();
    if (vector >= VEC_FIRST_DEVICE) {
        do_irq(regs);
        return;
    }
    if (vector == VEC_PF && (regs->rflags & EFLAGS_IF)) {
        irq_enable();
        mapped = pv_ldt_fault(current, va);
        irq_disable();
    }
    if (mapped)
        return;
    fixup = extable_lookup(regs->rip);
    if (!fixup)
        fatal_trap(regs);
    regs->rip = fixup;
}

void do_paranoid(struct cpu_user_regs *regs)
{
    if (regs->entry_vector == VEC_NMI) {
        nmi_handle(regs);
    } else if (regs->entry_vector == VEC_DB) {
        /* A guest's breakpoint or single step reached into an entry. */
        __asm__ volatile("mov %0, %%dr6" :: "r" (0xffff0ff0UL));
        regs->rflags &= ~(uint64_t)EFLAGS_TF;
    } else {
        fatal_trap(regs);
    }
}
