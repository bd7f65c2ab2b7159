/*
 * The state of a PV vcpu: given as a whole, read back, and switched.
 *
 * A CPU that goes idle keeps the last vcpu's roots, descriptor tables and
 * bases loaded (percpu.loaded), though all of it is saved: if the same vcpu
 * comes back, only its registers have to be copied.
 */
#include "domain/domain.h"
#include "domain/guest_ops.h"
#include "lib/string.h"
#include "mm/buddy.h"
#include "mm/hypercalls.h"
#include "mm/pagetable.h"
#include "pv/desc.h"
#include "pv/entry.h"
#include "pv/pv.h"
#include "x86/atomic.h"
#include "x86/cpu.h"
#include "x86/extable.h"
#include "x86/fpu.h"
#include "x86/percpu.h"
#include "x86/tlb.h"

void pv_set_ts(struct vcpu *v, bool set)
{
    unsigned long cr0 = read_cr0();

    v->pv.ctrlreg[0] = set ? v->pv.ctrlreg[0] | CR0_TS
                           : v->pv.ctrlreg[0] & ~(unsigned long)CR0_TS;
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
    unsigned long gs, other;

    __asm__ volatile("mov %%ds, %0" : "=r" (p->ds));
    __asm__ volatile("mov %%es, %0" : "=r" (p->es));
    __asm__ volatile("mov %%fs, %0" : "=r" (p->fs));
    __asm__ volatile("mov %%gs, %0" : "=r" (p->gs));
    p->fs_base = rdmsr(MSR_FS_BASE);
    gs = rdmsr(MSR_GS_BASE);
    other = rdmsr(MSR_KERNEL_GS_BASE);
    p->gs_base_kernel = p->kernel_mode ? gs : other;
    p->gs_base_user = p->kernel_mode ? other : gs;
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
    uint32_t ds = p->ds, es = p->es, fs = p->fs, gs = p->gs;
    bool bad = false;

    LOAD_SELECTOR(ds, ds, bad);
    LOAD_SELECTOR(es, es, bad);
    LOAD_SELECTOR(fs, fs, bad);
    LOAD_SELECTOR(gs, gs, bad);
    wrmsr(MSR_FS_BASE, p->fs_base);
    wrmsr(MSR_GS_BASE, p->kernel_mode ? p->gs_base_kernel : p->gs_base_user);
    wrmsr(MSR_KERNEL_GS_BASE,
          p->kernel_mode ? p->gs_base_user : p->gs_base_kernel);
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
    desc_load_ldt(v->id, v->pv.ldt_ents);
    __asm__ volatile("clts");
    fpu_restore(v->fpu);
    if (v->pv.xcr0 != fpu_xcr0)
        xcr0_write(v->pv.xcr0);
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

    if (!is_idle(prev))
        save_vcpu(prev);
    pc->curr = next;
    sched_context_saved(prev);
    stat_inc(STAT_CONTEXT_SWITCH);
    if (is_idle(next))
        switch_to_idle();
    if (pc->loaded != next || next->pv.loaded_cpu != pc->cpu)
        ok = load_vcpu(next);
    memcpy(guest_regs(), &next->regs, offsetof(struct cpu_user_regs, es));
    guest_regs()->entry_vector = 0;  /* rcx and r11 count: leave by IRETQ */
    clock_update_vcpu(next);
    runstate_write_area(next);
    if (!ok)
        pv_failsafe(next, guest_regs());
    switch_to_guest();
}

static bool entries_ok(const struct vcpu_guest_context *c)
{
    unsigned int n;

    for (n = 0; n < ARRAY_SIZE(c->trap_ctxt); n++)
        if (!va_canonical(c->trap_ctxt[n].address))
            return false;
    return va_canonical(c->event_callback_eip) &&
           va_canonical(c->failsafe_callback_eip) &&
           va_canonical(c->syscall_callback_eip) &&
           va_canonical(c->fs_base) && va_canonical(c->gs_base_kernel) &&
           va_canonical(c->gs_base_user) && va_canonical(c->ldt_base);
}

static void set_registers(struct vcpu *v, const struct vcpu_guest_context *c)
{
    struct pv_vcpu *p = &v->pv;

    v->regs = c->user_regs;
    v->regs.cs |= 3;
    v->regs.ss |= 3;
    p->iopl = (v->regs.rflags & EFLAGS_IOPL) >> 12;      /* virtual */
    v->regs.rflags = (v->regs.rflags & ~(uint64_t)(EFLAGS_IOPL | EFLAGS_VM |
                                                   EFLAGS_VIF | EFLAGS_VIP)) |
                     EFLAGS_IF | EFLAGS_MBS;
    p->ds = c->user_regs.ds;
    p->es = c->user_regs.es;
    p->fs = c->user_regs.fs;
    p->gs = c->user_regs.gs;
    p->fs_base = c->fs_base;
    p->gs_base_kernel = c->gs_base_kernel;
    p->gs_base_user = c->gs_base_user;
    p->kernel_mode = c->flags & VGCF_in_kernel;
    p->kernel_ss = (c->kernel_ss & 0xffff) | 3;
    p->kernel_sp = c->kernel_sp;
}

static void set_callbacks(struct vcpu *v, const struct vcpu_guest_context *c)
{
    struct pv_vcpu *p = &v->pv;

    memcpy(p->traps, c->trap_ctxt, sizeof(p->traps));
    p->event_entry = c->event_callback_eip;
    p->event_mask = true;
    p->failsafe_entry = c->failsafe_callback_eip;
    p->failsafe_mask = c->flags & VGCF_failsafe_disables_events;
    p->syscall_entry = c->syscall_callback_eip;
    p->syscall_mask = c->flags & VGCF_syscall_disables_events;
}

/*
 * The roots are last: validation of a whole tree may be cut short, and is
 * then asked for again with the same context.
 */
static int set_context(struct vcpu *v, const struct vcpu_guest_context *c)
{
    unsigned int n;
    int rc;

    if (v->domain->vcpu[v->id] != v || !entries_ok(c) ||
        c->ldt_ents > 8192 || (c->ldt_base & ~PAGE_MASK) ||
        va_is_hypervisor(c->ldt_base))
        return -EINVAL;
    if (!(c->flags & VGCF_in_kernel) && !c->ctrlreg[1])
        return -EINVAL;
    rc = vcpu_set_root(v, 0, xen_cr3_to_pfn(c->ctrlreg[3]));
    if (!rc && c->ctrlreg[1])
        rc = vcpu_set_root(v, 1, xen_cr3_to_pfn(c->ctrlreg[1]));
    if (rc)
        return rc;
    rc = pv_gdt_set(v, c->gdt_frames, c->gdt_ents);
    if (rc) {
        vcpu_set_root(v, 1, 0);
        vcpu_set_root(v, 0, 0);
        return rc;
    }
    set_registers(v, c);
    set_callbacks(v, c);
    v->pv.ldt_base = c->ldt_base;
    v->pv.ldt_ents = c->ldt_ents;
    v->pv.ctrlreg[0] = c->ctrlreg[0] & CR0_TS;
    v->pv.ctrlreg[4] = c->ctrlreg[4] & CR4_OSXSAVE;
    for (n = 0; n < 8; n++)
        pv_debugreg_set(v, n, c->debugreg[n]);
    v->domain->pv.vm_assist |= c->vm_assist & 0x3f;
    v->pv.loaded_cpu = NR_CPUS;      /* what a CPU has of it is old */
    fpu_reset(v->fpu);
    if (c->flags & VGCF_i387_valid)
        fpu_import(v->fpu, &c->fpu_ctxt);
    return 0;
}

static void get_context(struct vcpu *v, struct vcpu_guest_context *c)
{
    struct pv_vcpu *p = &v->pv;

    memcpy(&c->fpu_ctxt, v->fpu, sizeof(c->fpu_ctxt));
    c->flags = VGCF_i387_valid | (p->kernel_mode ? VGCF_in_kernel : 0) |
               (p->failsafe_mask ? VGCF_failsafe_disables_events : 0) |
               (p->syscall_mask ? VGCF_syscall_disables_events : 0) |
               (v->sched.pause_flags & VPF_DOWN ? 0 : VGCF_online);
    c->user_regs = v->regs;
    c->user_regs.rflags |= (uint64_t)p->iopl << 12;
    c->user_regs.ds = p->ds;
    c->user_regs.es = p->es;
    c->user_regs.fs = p->fs;
    c->user_regs.gs = p->gs;
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
    c->event_callback_eip = p->event_entry;
    c->failsafe_callback_eip = p->failsafe_entry;
    c->syscall_callback_eip = p->syscall_entry;
    c->vm_assist = v->domain->pv.vm_assist;
    c->fs_base = p->fs_base;
    c->gs_base_kernel = p->gs_base_kernel;
    c->gs_base_user = p->gs_base_user;
}

static int domain_init(struct domain *d)
{
    d->pv.vm_assist = 0;
    return 0;
}

static void domain_destroy(struct domain *d)
{
    kfree(d->pv.policy);
    d->pv.policy = NULL;
}

/* Our descriptors, at the end of the vcpu's GDT. */
static int map_reserved_descs(struct vcpu *v)
{
    return window_map(v->domain, GDT_VADDR(v->id) +
                                 GUEST_GDT_PAGES * PAGE_SIZE,
                      desc_shared_mfn, PTE_PRESENT | PTE_ACCESSED | PTE_NX);
}

static int vcpu_init(struct vcpu *v)
{
    int rc;

    if (is_idle(v))
        return 0;
    fpu_reset(v->fpu);
    v->pv.xcr0 = fpu_xcr0;
    v->pv.debugreg[7] = 0x400;
    v->pv.loaded_cpu = NR_CPUS;
    rc = map_reserved_descs(v);
    if (!rc && cpu_features.isolate)
        rc = isolate_vcpu_init(v);
    return rc;
}

static void pv_vcpu_destroy(struct vcpu *v)
{
    if (!is_idle(v) && cpu_features.isolate)
        isolate_vcpu_destroy(v);
}

static int pv_vcpu_relinquish(struct vcpu *v)
{
    int rc;

    pv_tables_drop(v);
    rc = vcpu_set_root(v, 1, 0);
    return rc ? rc : vcpu_set_root(v, 0, 0);
}

static void ldt_load(struct vcpu *v)
{
    desc_load_ldt(v->id, v->pv.ldt_ents);
}

static const struct guest_ops pv_ops = {
    .domain_init = domain_init,
    .domain_destroy = domain_destroy,
    .vcpu_init = vcpu_init,
    .vcpu_destroy = pv_vcpu_destroy,
    .vcpu_relinquish = pv_vcpu_relinquish,
    .set_context = set_context,
    .get_context = get_context,
    .context_switch = context_switch,
    .cpuid = pv_cpuid,
    .ldt_load = ldt_load,
    .show = pv_show,
};

void pv_init_boot(void)
{
    guest_ops = &pv_ops;
    tlb_drop_lazy_root = drop_lazy_root;
}
