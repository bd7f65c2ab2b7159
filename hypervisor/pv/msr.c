/*
 * Model-specific registers, as a guest's kernel may see them.  Whatever is
 * not listed here gives the guest its #GP.
 */
#include "domain/domain.h"
#include "pv/pv.h"
#include "x86/cpu.h"
#include "x86/percpu.h"
#include "x86/tsc.h"

#define MSR_PLATFORM_INFO    0x0ce
#define MSR_MISC_FEATURES    0x140
#define MSR_MCG_CAP          0x179
#define MSR_MCG_STATUS       0x17a

#define APIC_BASE_BSP        0x100
#define APIC_BASE_ENABLED    0x800
#define MISC_ENABLE_FIXED    (BIT(11) | BIT(12) | BIT(0))  /* no BTS, PEBS */

bool pv_read_msr(struct vcpu *v, uint32_t msr, uint64_t *ret_val)
{
    switch (msr) {
    case MSR_TSC:
        *ret_val = rdtsc();
        return true;
    case MSR_APIC_BASE:
        *ret_val = 0xfee00000UL | APIC_BASE_ENABLED |
                   (v->id ? 0 : APIC_BASE_BSP);
        return true;
    case MSR_FEATURE_CTRL:
        *ret_val = 1;                /* locked, nothing enabled */
        return true;
    case MSR_UCODE_REV:
        return rdmsr_safe(msr, ret_val);
    case MSR_MISC_ENABLE:
        if (!cpu_features.intel || !rdmsr_safe(msr, ret_val))
            return false;
        *ret_val |= MISC_ENABLE_FIXED;
        return true;
    case MSR_PAT:
        *ret_val = PAT_VALUE;
        return true;
    case MSR_PLATFORM_INFO:
    case MSR_MISC_FEATURES:
    case MSR_MCG_CAP:                /* no machine-check banks */
    case MSR_MCG_STATUS:
        *ret_val = 0;
        return true;
    case MSR_EFER:
        *ret_val = rdmsr(msr) & (EFER_SCE | EFER_LME | EFER_NX | BIT(10));
        return true;
    case MSR_FS_BASE:
        *ret_val = rdmsr(MSR_FS_BASE);
        return true;
    case MSR_GS_BASE:
        *ret_val = rdmsr(MSR_GS_BASE);
        return true;
    case MSR_KERNEL_GS_BASE:
        *ret_val = rdmsr(MSR_KERNEL_GS_BASE);
        return true;
    }
    return false;
}

static bool write_base(uint32_t msr, uint64_t val)
{
    if (!va_canonical(val))
        return false;
    wrmsr(msr, val);
    return true;
}

bool pv_write_msr(struct vcpu *v, uint32_t msr, uint64_t val)
{
    uint64_t now;

    switch (msr) {
    case MSR_FS_BASE:
    case MSR_GS_BASE:
    case MSR_KERNEL_GS_BASE:
        return write_base(msr, val);
    case MSR_UCODE_REV:              /* asks the CPU to report: harmless */
    case MSR_MISC_FEATURES:
        return !val;
    }
    /* A kernel that writes back what it read changes nothing. */
    return pv_read_msr(v, msr, &now) && now == val;
}
