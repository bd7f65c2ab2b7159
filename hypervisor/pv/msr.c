/*
 * Model-specific registers, as a guest's kernel may see them.  Whatever is
 * not listed here gives the guest its #GP.
 */
#include "pv/pv.h"

#define MSR_PLATFORM_INFO    0x0ce
#define MSR_MISC_FEATURES    0x140
#define MSR_MCG_CAP          0x179
#define MSR_MCG_STATUS       0x17a

#define APIC_BASE_BSP        0x100
#define APIC_BASE_ENABLED    0x800
#define MISC_ENABLE_FIXED    (BIT(11) | BIT(12) | BIT(0))  /* no BTS, PEBS */
#define EFER_LMA             BIT(10)

/* What a register reads: bits of the CPU's own, and fixed ones. */
static const struct msr {
    uint32_t number;
    enum { READ_ONLY, ZERO, BASE } write;    /* what may be written */
    uint64_t native, fixed;
} msrs[] = {
    { MSR_TSC, READ_ONLY, ~0UL, 0 },
    { MSR_APIC_BASE, READ_ONLY, 0, 0xfee00000UL | APIC_BASE_ENABLED },
    { MSR_FEATURE_CTRL, READ_ONLY, 0, 1 },   /* locked, nothing enabled */
    { MSR_UCODE_REV, ZERO, ~0UL, 0 },        /* 0 asks the CPU to report */
    { MSR_MISC_ENABLE, READ_ONLY, ~0UL, MISC_ENABLE_FIXED },
    { MSR_PAT, READ_ONLY, 0, PAT_VALUE },
    { MSR_PLATFORM_INFO, READ_ONLY, 0, 0 },
    { MSR_MISC_FEATURES, ZERO, 0, 0 },
    { MSR_MCG_CAP, READ_ONLY, 0, 0 },        /* no machine-check banks */
    { MSR_MCG_STATUS, READ_ONLY, 0, 0 },
    { MSR_EFER, READ_ONLY, EFER_SCE | EFER_LME | EFER_LMA | EFER_NX, 0 },
    { MSR_FS_BASE, BASE, ~0UL, 0 },
    { MSR_GS_BASE, BASE, ~0UL, 0 },
    { MSR_KERNEL_GS_BASE, BASE, ~0UL, 0 },
};

static const struct msr *find(uint32_t number)
{
    for (unsigned int n = 0; n < ARRAY_SIZE(msrs); n++)
        if (msrs[n].number == number)
            return &msrs[n];
    return NULL;
}

bool pv_read_msr(struct vcpu *v, uint32_t number, uint64_t *ret_val)
{
    const struct msr *m = find(number);
    uint64_t val = 0;

    if (!m || (m->native && !rdmsr_safe(number, &val)))
        return false;
    *ret_val = (val & m->native) | m->fixed;
    if (number == MSR_APIC_BASE && !v->id)
        *ret_val |= APIC_BASE_BSP;
    return true;
}

bool pv_write_msr(struct vcpu *v, uint32_t number, uint64_t val)
{
    const struct msr *m = find(number);
    uint64_t now;

    if (m && m->write == BASE && va_canonical(val)) {
        wrmsr(number, val);
        return true;
    }
    if (m && m->write == ZERO)
        return !val;
    /* A kernel that writes back what it read changes nothing. */
    return pv_read_msr(v, number, &now) && now == val;
}
