#include "x86/cpu.h"
#include "lib/env.h"
#include "x86/extable.h"
#include "x86/percpu.h"

#define ARCH_CAPS_RDCL_NO   0x01

/* The names GenuineIntel, AuthenticAMD, HygonGenuine, TCGTCGTCGTCG begin so. */
#define GENU                0x756e6547
#define AUTH                0x68747541
#define HYGO                0x6f677948
#define TCGT                0x54474354

struct cpu_features cpu_features;
int opt_isolate = -1, opt_smap = -1;

bool rdmsr_safe(uint32_t msr, uint64_t *ret_val)
{
    uint32_t lo, hi, failed = 1;

    __asm__ volatile("1: rdmsr\n xor %2, %2\n2:\n" EXTABLE(1b, 2b)
                     : "=a" (lo), "=d" (hi), "+r" (failed) : "c" (msr));
    if (!failed)
        *ret_val = lo | ((uint64_t)hi << 32);
    return !failed;
}

/*
 * WRFSBASE must refuse what is not canonical, or a guest could make our own
 * WRMSR of the value it left there fault.
 */
static bool fsgsbase_is_safe(void)
{
    unsigned long cr4 = read_cr4(), refused = 1;

    write_cr4(cr4 | CR4_FSGSBASE);
    __asm__ volatile("1: wrfsbase %1\n xor %0, %0\n2:\n" EXTABLE(1b, 2b)
                     : "+r" (refused) : "r" (1UL << 63));
    wrmsr(MSR_FS_BASE, 0);
    write_cr4(cr4);
    return refused;
}

/* Zeros where the CPU has no such leaf. */
static struct cpuid_regs __init leaf(uint32_t n)
{
    return n <= cpuid(n & 0x80000000, 0).a ? cpuid(n, 0)
                                           : (struct cpuid_regs){ 0 };
}

static void __init find_features(struct cpu_features *f)
{
    struct cpuid_regs vendor = leaf(0), basic = leaf(1), more = leaf(7);
    struct cpuid_regs ext = leaf(0x80000001);

    f->max_leaf = vendor.a;
    f->max_ext_leaf = cpuid(0x80000000, 0).a;
    f->intel = vendor.b == GENU;
    f->pge = basic.d & BIT(13);
    f->sysenter = basic.d & BIT(11);
    f->xsave = basic.c & BIT(26);
    f->hypervisor = basic.c & BIT(31);
    f->smep = more.b & BIT(7);
    f->smap = more.b & BIT(20);
    f->fsgsbase = (more.b & BIT(0)) && fsgsbase_is_safe();
    f->nx = ext.d & BIT(20);
    f->page1g = ext.d & BIT(26);
    f->invariant_tsc = leaf(0x80000007).d & BIT(8);
    /* AMD's manual on FXRSTOR: but for an exception, or RstrFpErrPtrs. */
    f->fpu_leaks = (vendor.b == AUTH || vendor.b == HYGO) &&
                   !(leaf(0x80000008).b & BIT(2));
    f->phys_bits = f->max_ext_leaf >= 0x80000008 ? leaf(0x80000008).a & 0xff
                                                 : 36;
}

/*
 * QEMU's software emulation reads the stack of a ring 3 IRETQ with the rights
 * of ring 0, so that SMAP refuses every PV kernel's return.
 */
static bool __init is_emulated(void)
{
    return cpu_features.hypervisor && cpuid(0x40000000, 0).b == TCGT;
}

/* Does the CPU leave supervisor memory readable by speculation (Meltdown)? */
static bool __init leaks(const struct cpu_features *f)
{
    if (!f->intel)
        return false;
    return !(leaf(7).d & BIT(29)) ||
           !(rdmsr(MSR_ARCH_CAPS) & ARCH_CAPS_RDCL_NO);
}

void __init cpu_init_boot(void)
{
    struct cpu_features *f = &cpu_features;

    find_features(f);
    if (!f->nx)
        panic("This CPU has no NX: not supported");
    f->isolate = opt_isolate < 0 ? leaks(f) : opt_isolate;
    f->smap_usable = f->smap && (opt_smap < 0 ? !is_emulated() : opt_smap);
    cpu_init_this();
    printk(LOG_INFO, "CPU %x%s%s%s%s%s%s\n", leaf(1).a,
           f->smep ? ", SMEP" : "", f->smap_usable ? ", SMAP" : "",
           f->xsave ? ", XSAVE" : "", f->fsgsbase ? ", FSGSBASE" : "",
           f->invariant_tsc ? ", invariant TSC" : "",
           f->isolate ? ", page tables isolated" : "");
}

void cpu_init_this(void)
{
    const struct cpu_features *f = &cpu_features;
    unsigned long cr4 = CR4_PAE | CR4_MCE | CR4_OSFXSR | CR4_OSXMMEXCPT;

    cr4 |= f->pge ? CR4_PGE : 0;
    cr4 |= f->smep ? CR4_SMEP : 0;
    cr4 |= f->smap_usable ? CR4_SMAP : 0;
    cr4 |= f->xsave ? CR4_OSXSAVE : 0;
    cr4 |= f->fsgsbase ? CR4_FSGSBASE : 0;
    wrmsr(MSR_EFER, EFER_SCE | EFER_LME | EFER_NX | BIT(10));
    write_cr0(CR0_PG | CR0_AM | CR0_WP | CR0_NE | CR0_ET | CR0_MP | CR0_PE);
    write_cr4(cr4);
    this_percpu()->cr4 = cr4;
    wrmsr(MSR_PAT, PAT_VALUE);
    wrmsr(MSR_FS_BASE, 0);
}
