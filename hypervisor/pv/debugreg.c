/*
 * Debug registers of guests (SDM 3B, chapter 17).
 */
#include "domain/domain.h"
#include "pv/pv.h"
#include "x86/percpu.h"

#define DR6_SETTABLE   0xe00fUL
#define DR6_ONES       0xffff0ff0UL
#define DR7_RESERVED   0xdc00UL      /* reads 0, except bit 10 */
#define DR7_ONES       0x0400UL
#define DR7_GD         0x2000UL
#define DR7_ENABLED    0x00ffUL
#define DR7_IO         2             /* R/W field: I/O, needs CR4.DE */

static bool dr7_ok(unsigned long val)
{
    unsigned int n;

    if ((val >> 32) || (val & DR7_GD))
        return false;
    for (n = 0; n < 4; n++)
        if (((val >> (16 + 4 * n)) & 3) == DR7_IO)
            return false;
    return true;
}

static void load_one(unsigned int reg, unsigned long val)
{
    switch (reg) {
    case 0: __asm__ volatile("mov %0, %%dr0" :: "r" (val)); break;
    case 1: __asm__ volatile("mov %0, %%dr1" :: "r" (val)); break;
    case 2: __asm__ volatile("mov %0, %%dr2" :: "r" (val)); break;
    case 3: __asm__ volatile("mov %0, %%dr3" :: "r" (val)); break;
    case 6: __asm__ volatile("mov %0, %%dr6" :: "r" (val)); break;
    case 7: __asm__ volatile("mov %0, %%dr7" :: "r" (val)); break;
    }
}

int pv_debugreg_set(struct vcpu *v, unsigned int reg, unsigned long val)
{
    switch (reg) {
    case 0: case 1: case 2: case 3:
        if (!va_canonical(val) || va_is_hypervisor(val))
            return -EPERM;
        break;
    case 4: case 6:
        reg = 6;
        val = (val & DR6_SETTABLE) | DR6_ONES;
        break;
    case 5: case 7:
        reg = 7;
        if (!dr7_ok(val))
            return -EPERM;
        val = (val & ~DR7_RESERVED) | DR7_ONES;
        break;
    default:
        return -EINVAL;
    }
    v->pv.debugreg[reg] = val;
    if (v == current && (reg == 7 || (v->pv.debugreg[7] & DR7_ENABLED)))
        pv_debugreg_load(v);
    return 0;
}

/* The vcpu starts on this CPU, whose breakpoints may be another's. */
void pv_debugreg_load(struct vcpu *v)
{
    unsigned int n;

    load_one(7, DR7_ONES);
    if (!(v->pv.debugreg[7] & DR7_ENABLED))
        return;
    for (n = 0; n < 4; n++)
        load_one(n, v->pv.debugreg[n]);
    load_one(6, v->pv.debugreg[6]);
    load_one(7, v->pv.debugreg[7]);
}

long do_set_debugreg(int reg, unsigned long val)
{
    return pv_debugreg_set(current, reg, val);
}

long do_get_debugreg(int reg)
{
    if (reg == 4 || reg == 5)
        reg += 2;
    if (reg < 0 || reg > 7)
        return -EINVAL;
    return current->pv.debugreg[reg];
}
