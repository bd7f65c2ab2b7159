#include "x86/cpu.h"
#include "lib/env.h"
#include "lib/string.h"
#include "x86/extable.h"
#include "x86/percpu.h"

#define ARCH_CAPS_RDCL_NO   0x01

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

bool wrmsr_safe(uint32_t msr, uint64_t val)
{
    uint32_t failed = 1;

    __asm__ volatile("1: wrmsr\n xor %0, %0\n2:\n" EXTABLE(1b, 2b)
                     : "+r" (failed)
                     : "c" (msr), "a" ((uint32_t)val),
                       "d" ((uint32_t)(val >> 32)) : "memory");
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

static void __init identify(struct cpu_features *f)
{
    struct cpuid_regs r = cpuid(0, 0);
    char vendor[13] = "";

    f->max_leaf = r.a;
    memcpy(vendor, &r.b, 4);
    memcpy(vendor + 4, &r.d, 4);
    memcpy(vendor + 8, &r.c, 4);
    f->intel = !strcmp(vendor, "GenuineIntel");
    f->amd = !strcmp(vendor, "AuthenticAMD") ||
             !strcmp(vendor, "HygonGenuine");
    r = cpuid(1, 0);
    f->family = (r.a >> 8) & 15;
    f->model = (r.a >> 4) & 15;
    f->stepping = r.a & 15;
    if (f->family >= 6)
        f->model |= (r.a >> 12) & 0xf0;
    if (f->family == 15)
        f->family += (r.a >> 20) & 0xff;
    f->pge = r.d & BIT(13);
    f->sysenter = r.d & BIT(11);
    f->mwait = r.c & BIT(3);
    f->pcid = r.c & BIT(17);
    f->xsave = r.c & BIT(26);
    f->hypervisor = r.c & BIT(31);
    f->max_ext_leaf = cpuid(0x80000000, 0).a;
}

static void __init find_features(struct cpu_features *f)
{
    struct cpuid_regs r;

    if (f->max_leaf >= 6)
        f->arat = cpuid(6, 0).a & BIT(2);
    if (f->max_leaf >= 7) {
        r = cpuid(7, 0);
        f->smep = r.b & BIT(7);
        f->smap = r.b & BIT(20);
        f->fsgsbase = (r.b & BIT(0)) && fsgsbase_is_safe();
    }
    r = cpuid(0x80000001, 0);
    f->nx = r.d & BIT(20);
    f->page1g = r.d & BIT(26);
    f->syscall_in_compat = f->amd;
    f->phys_bits = 36;
    f->virt_bits = 48;
    if (f->max_ext_leaf >= 0x80000007)
        f->invariant_tsc = cpuid(0x80000007, 0).d & BIT(8);
    if (f->max_ext_leaf >= 0x80000008) {
        r = cpuid(0x80000008, 0);
        f->phys_bits = r.a & 0xff;
        f->virt_bits = (r.a >> 8) & 0xff;
    }
}

/*
 * QEMU's software emulation reads the stack of a ring 3 IRETQ with the rights
 * of ring 0, so that SMAP refuses every PV kernel's return.
 */
static bool __init is_emulated(void)
{
    /* "TCGT": the name there is TCGTCGTCGTCG. */
    return cpu_features.hypervisor && cpuid(0x40000000, 0).b == 0x54474354;
}

/* Does the CPU leave supervisor memory readable by speculation (Meltdown)? */
static bool __init leaks(const struct cpu_features *f)
{
    uint64_t caps;

    if (!f->intel)
        return false;
    return f->max_leaf < 7 || !(cpuid(7, 0).d & BIT(29)) ||
           !rdmsr_safe(MSR_ARCH_CAPS, &caps) || !(caps & ARCH_CAPS_RDCL_NO);
}

void __init cpu_init_boot(void)
{
    struct cpu_features *f = &cpu_features;

    identify(f);
    find_features(f);
    if (!f->nx)
        panic("This CPU has no NX: not supported");
    f->isolate = opt_isolate < 0 ? leaks(f) : opt_isolate;
    f->smap_usable = f->smap && (opt_smap < 0 ? !is_emulated() : opt_smap);
    f->rsb_stuff = !f->smep;
    cpu_init_this();
    printk(LOG_INFO, "CPU family %u model %u stepping %u%s%s%s%s%s%s\n",
           f->family, f->model, f->stepping, f->smep ? ", SMEP" : "",
           f->smap_usable ? ", SMAP" : "",
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
