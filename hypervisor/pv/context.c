/*
 * The state of a PV vcpu: given as a whole, read back, and switched.
 *
 * A CPU that goes idle keeps the last vcpu's roots, descriptor tables and
 * bases loaded (percpu.loaded), though all of it is saved: if the same vcpu
 * comes back, only its registers have to be copied.
 */
#include "domain/guest_ops.h"
#include "lib/string.h"
#include "mm/buddy.h"
#include "mm/hypercalls.h"
#include "mm/pagetable.h"
#include "pv/entry.h"
#include "pv/pv.h"
#include "sched/softirq.h"
#include "x86/atomic.h"
#include "x86/extable.h"
#include "x86/fpu.h"
#include "x86/tlb.h"

void pv_set_ts(struct vcpu *v, bool set)
{
    unsigned long cr0 = read_cr0();

    v->pv.ctrlreg[0] = set ? CR0_TS : 0;
    if (set != !!(cr0 & CR0_TS))
        write_cr0(cr0 ^ CR0_TS);
}

static void xcr0_write(uint64_t val)
{
    __asm__ volatile("xsetbv" :: "c" (0), "a" ((uint32_t)val),
                     "d" ((uint32_t)(val >> 32)));
}

bool pv_xcr0_set(struct vcpu *v, uint64_t val)
{
    if (!fpu_xcr0_ok(val))
        return false;
    v->pv.xcr0 = val;
    xcr0_write(val);
    return true;
}

static void save_segments(struct vcpu *v)
{
    struct pv_vcpu *p = &v->pv;

    save_selectors(&v->regs);
    p->fs_base = rdmsr(MSR_FS_BASE);
    p->gs_base[!p->kernel_mode] = rdmsr(MSR_GS_BASE);
    p->gs_base[p->kernel_mode] = rdmsr(MSR_KERNEL_GS_BASE);
}

/* Load a data selector; one that the tables do not have becomes null, and
 * the guest's failsafe callback hears of it. */
#define LOAD_SELECTOR(reg, sel, bad)                        \
    __asm__ volatile("1:\tmovl %k1, %%" #reg "\n\t"         \
                     "jmp 3f\n"                             \
                     "2:\tmovb $1, %0\n\t"                  \
                     "xorl %k1, %k1\n\t"                    \
                     "jmp 1b\n"                             \
                     "3:\n"                                 \
                     EXTABLE(1b, 2b)                        \
                     : "+m" (bad), "+r" (sel))

static bool load_segments(struct vcpu *v)
{
    struct pv_vcpu *p = &v->pv;
    uint32_t ds = v->regs.ds, es = v->regs.es, fs = v->regs.fs;
    uint32_t gs = v->regs.gs;
    bool bad = false;

    LOAD_SELECTOR(ds, ds, bad);
    LOAD_SELECTOR(es, es, bad);
    LOAD_SELECTOR(fs, fs, bad);
    LOAD_SELECTOR(gs, gs, bad);
    wrmsr(MSR_FS_BASE, p->fs_base);
    wrmsr(MSR_GS_BASE, p->gs_base[!p->kernel_mode]);
    wrmsr(MSR_KERNEL_GS_BASE, p->gs_base[p->kernel_mode]);
    return !bad;
}

static void save_vcpu(struct vcpu *v)
{
    memcpy(&v->regs, guest_regs(), offsetof(struct cpu_user_regs, es));
    save_segments(v);
    if (v->pv.ctrlreg[0] & CR0_TS)
        __asm__ volatile("clts");
    if (v->pv.xcr0 != fpu_xcr0)
        xcr0_write(fpu_xcr0);
    fpu_save(v->fpu);
    if (v->pv.ctrlreg[0] & CR0_TS)
        write_cr0(read_cr0() | CR0_TS);
}

/* Everything but the registers; false: a selector is bad. */
static bool load_vcpu(struct vcpu *v)
{
    struct percpu *pc = this_percpu();
    struct vcpu *old = pc->loaded;
    unsigned long cr0 = read_cr0() & ~(unsigned long)CR0_TS;

    atomic_or(&v->domain->dirty_cpus, BIT(pc->cpu));
    if (pc->isolated)
        isolate_enter_cpu(v, pc->cpu);
    pc->loaded = v;
    v->pv.loaded_cpu = pc->cpu;
    vcpu_load_roots(v);
    if (old && old->domain != v->domain)
        atomic_and(&old->domain->dirty_cpus, ~BIT(pc->cpu));
    desc_load_window(v->id);
    desc_load_ldt(v);
    __asm__ volatile("clts");
    fpu_restore(v->fpu);
    write_cr0(cr0 | (v->pv.ctrlreg[0] & CR0_TS));
    pv_debugreg_load(v);
    return load_segments(v);
}

/* This CPU is idle, on the roots of a vcpu that it must let go. */
static void drop_lazy_root(void)
{
    struct percpu *pc = this_percpu();
    struct vcpu *old = pc->loaded;

    if (!old)
        return;
    pc->loaded = NULL;
    desc_load_own();
    __asm__ volatile("lldt %w0" :: "r" (0));
    pc->entry->full_cr3 = pc->entry->exit_cr3 = idle_root << PAGE_SHIFT;
    tlb_load_root(idle_root << PAGE_SHIFT, true);
    atomic_and(&old->domain->dirty_cpus, ~BIT(pc->cpu));
}

static bool is_idle(const struct vcpu *v)
{
    return v->domain == idle_domain;
}

static void __noreturn context_switch(struct vcpu *prev, struct vcpu *next)
{
    struct percpu *pc = this_percpu();
    bool ok = true;

    if (!is_idle(prev)) {
        /* Its other vcpus look there who does not run that could. */
        if (vcpu_runnable(prev))
            runstate_write_area(prev);
        save_vcpu(prev);
    }
    pc->curr = next;
    sched_context_saved(prev);
    stat_inc(STAT_CONTEXT_SWITCH);
    if (is_idle(next))
        switch_to_idle();
    if (pc->loaded != next || next->pv.loaded_cpu != pc->cpu)
        ok = load_vcpu(next);
    if (next->pv.xcr0 != fpu_xcr0)
        xcr0_write(next->pv.xcr0);   /* save_vcpu has left our own */
    memcpy(guest_regs(), &next->regs, offsetof(struct cpu_user_regs, es));
    guest_regs()->entry_vector = 0;  /* rcx and r11 count: leave by IRETQ */
    clock_update_vcpu(next);
    runstate_write_area(next);
    if (!ok)
        pv_failsafe(next, guest_regs());
    if (unlikely(READ_ONCE(next->pv.nmi_pending)))
        softirq_raise(SOFTIRQ_NMI);
    switch_to_guest();
}

/* Addresses that are loaded or jumped to later, and what CR3 gets. */
static bool context_ok(const struct vcpu_guest_context *c)
{
    const uint64_t va[] = {
        c->event_callback_eip, c->failsafe_callback_eip,
        c->syscall_callback_eip, c->fs_base, c->gs_base_kernel,
        c->gs_base_user, c->ldt_base,
    };
    unsigned int n;

    for (n = 0; n < ARRAY_SIZE(va); n++)
        if (!va_canonical(va[n]))
            return false;
    for (n = 0; n < ARRAY_SIZE(c->trap_ctxt); n++)
        if (!va_canonical(c->trap_ctxt[n].address))
            return false;
    return c->ldt_ents <= 8192 && !(c->ldt_base & ~PAGE_MASK) &&
           !va_is_hypervisor(c->ldt_base) && xen_cr3_to_pfn(c->ctrlreg[3]) &&
           (xen_cr3_to_pfn(c->ctrlreg[1]) || (c->flags & VGCF_in_kernel));
}

/*
 * The roots come first: validation of a whole tree may be cut short, and is
 * then asked for again with the same context.
 */
static int set_context(struct vcpu *v, const struct vcpu_guest_context *c)
{
    struct pv_vcpu *p = &v->pv;
    struct pv_callback *cb = p->callback;
    int rc;

    if (!context_ok(c))
        return -EINVAL;
    rc = vcpu_set_root(v, 0, xen_cr3_to_pfn(c->ctrlreg[3]));
    if (!rc)
        rc = vcpu_set_root(v, 1, xen_cr3_to_pfn(c->ctrlreg[1]));
    if (!rc)
        rc = pv_gdt_set(v, c->gdt_frames, c->gdt_ents);
    if (rc)
        return rc;
    v->regs = c->user_regs;
    v->regs.cs |= 3;
    v->regs.ss |= 3;
    v->regs.rflags = guest_flags(c->user_regs.rflags);
    p->iopl = (c->user_regs.rflags & EFLAGS_IOPL) >> 12;     /* virtual */
    p->fs_base = c->fs_base;
    p->gs_base[0] = c->gs_base_kernel;
    p->gs_base[1] = c->gs_base_user;
    p->kernel_mode = c->flags & VGCF_in_kernel;
    p->nmi_masked = false;
    p->kernel_ss = (c->kernel_ss & 0xffff) | 3;
    p->kernel_sp = c->kernel_sp;
    memcpy(p->traps, c->trap_ctxt, sizeof(p->traps));
    cb[CALLBACKTYPE_event].entry = c->event_callback_eip;
    cb[CALLBACKTYPE_event].mask = true;
    cb[CALLBACKTYPE_failsafe].entry = c->failsafe_callback_eip;
    cb[CALLBACKTYPE_failsafe].mask = c->flags & VGCF_failsafe_disables_events;
    cb[CALLBACKTYPE_syscall].entry = c->syscall_callback_eip;
    cb[CALLBACKTYPE_syscall].mask = c->flags & VGCF_syscall_disables_events;
    p->ldt_base = c->ldt_base;
    p->ldt_ents = c->ldt_ents;
    p->ctrlreg[0] = c->ctrlreg[0] & CR0_TS;
    p->ctrlreg[4] = c->ctrlreg[4] & CR4_OSXSAVE;
    for (unsigned int n = 0; n < 8; n++)
        pv_debugreg_set(v, n, c->debugreg[n]);
    atomic_or(&v->domain->pv.vm_assist, c->vm_assist & 0x3f);
    v->pv.loaded_cpu = NR_CPUS;      /* what a CPU has of it is old */
    fpu_reset(v->fpu);
    if (c->flags & VGCF_i387_valid)
        fpu_import(v->fpu, &c->fpu_ctxt);
    return 0;
}

static void get_context(struct vcpu *v, struct vcpu_guest_context *c)
{
    const struct pv_vcpu *p = &v->pv;
    const struct pv_callback *cb = p->callback;

    memcpy(&c->fpu_ctxt, v->fpu, sizeof(c->fpu_ctxt));
    c->flags = VGCF_i387_valid;
    c->flags |= p->kernel_mode ? VGCF_in_kernel : 0;
    c->flags |= v->sched.pause_flags & VPF_DOWN ? 0 : VGCF_online;
    c->user_regs = v->regs;
    c->user_regs.rflags |= (uint64_t)p->iopl << 12;
    memcpy(c->trap_ctxt, p->traps, sizeof(c->trap_ctxt));
    c->ldt_base = p->ldt_base;
    c->ldt_ents = p->ldt_ents;
    memcpy(c->gdt_frames, p->gdt_mfn, sizeof(p->gdt_mfn));
    c->gdt_ents = p->gdt_ents;
    c->kernel_ss = p->kernel_ss;
    c->kernel_sp = p->kernel_sp;
    c->ctrlreg[0] = p->ctrlreg[0];
    c->ctrlreg[1] = v->guest_root[1] ? xen_pfn_to_cr3(v->guest_root[1]) : 0;
    c->ctrlreg[3] = xen_pfn_to_cr3(v->guest_root[0]);
    c->ctrlreg[4] = p->ctrlreg[4];
    memcpy(c->debugreg, p->debugreg, sizeof(c->debugreg));
    c->event_callback_eip = cb[CALLBACKTYPE_event].entry;
    c->failsafe_callback_eip = cb[CALLBACKTYPE_failsafe].entry;
    c->flags |= cb[CALLBACKTYPE_failsafe].mask ?
                VGCF_failsafe_disables_events : 0;
    c->syscall_callback_eip = cb[CALLBACKTYPE_syscall].entry;
    c->flags |= cb[CALLBACKTYPE_syscall].mask ?
                VGCF_syscall_disables_events : 0;
    c->vm_assist = v->domain->pv.vm_assist;
    c->fs_base = p->fs_base;
    c->gs_base_kernel = p->gs_base[0];
    c->gs_base_user = p->gs_base[1];
}

static void domain_destroy(struct domain *d)
{
    kfree(d->pv.policy);
    d->pv.policy = NULL;
}

/* Our descriptors are at the end of the vcpu's GDT. */
static int vcpu_init(struct vcpu *v)
{
    unsigned long va = GDT_VADDR(v->id) + GUEST_GDT_PAGES * PAGE_SIZE;
    int rc = window_map(v->domain, va, desc_shared_mfn,
                        PTE_PRESENT | PTE_ACCESSED | PTE_NX);

    v->pv.xcr0 = fpu_xcr0 & 1;       /* as after reset: only x87 */
    v->pv.debugreg[7] = 0x400;
    v->pv.loaded_cpu = NR_CPUS;
    if (!rc && cpu_features.isolate)
        rc = isolate_vcpu_init(v);
    return rc;
}

static int pv_vcpu_relinquish(struct vcpu *v)
{
    int rc;

    pv_tables_drop(v);
    rc = vcpu_set_root(v, 1, 0);
    return rc ? rc : vcpu_set_root(v, 0, 0);
}

static mfn_t gfn_to_mfn(const struct domain *d, gfn_t gfn)
{
    (void)d;
    return gfn;
}

static const struct guest_ops pv_ops = {
    .domain_destroy = domain_destroy,
    .vcpu_init = vcpu_init,
    .vcpu_destroy = isolate_vcpu_destroy,
    .vcpu_relinquish = pv_vcpu_relinquish,
    .set_context = set_context,
    .get_context = get_context,
    .gfn_to_mfn = gfn_to_mfn,
    .context_switch = context_switch,
    .cpuid = pv_cpuid,
    .ldt_load = desc_load_ldt,
    .show = pv_show,
};

void pv_init_boot(void)
{
    guest_ops = &pv_ops;
    softirq_register(SOFTIRQ_NMI, pv_nmi);
    tlb_drop_lazy_root = drop_lazy_root;
}
