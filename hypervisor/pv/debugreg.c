/*
 * Debug registers of guests (SDM 3B, chapter 17).
 */
#include "pv/pv.h"

#define DR6_SETTABLE   0xe00fUL
#define DR6_ONES       0xffff0ff0UL
#define DR7_RESERVED   0xdc00UL      /* reads 0, except bit 10 */
#define DR7_ONES       0x0400UL
#define DR7_GD         0x2000UL
#define DR7_ENABLED    0x00ffUL
#define DR7_RW_HIGH    0x22220000UL  /* upper bit of each R/W field */

#define LOAD(n, val)   __asm__ volatile("mov %0, %%dr" #n :: "r" (val))

/* DR4 and DR5 are other names of DR6 and DR7. */
static unsigned int number(unsigned int reg)
{
    return reg == 4 || reg == 5 ? reg + 2 : reg;
}

int pv_debugreg_get(struct vcpu *v, unsigned int reg, uint64_t *ret_val)
{
    if (reg > 7)
        return -EINVAL;
    *ret_val = v->pv.debugreg[number(reg)];
    return 0;
}

int pv_debugreg_set(struct vcpu *v, unsigned int reg, unsigned long val)
{
    reg = number(reg);
    if (reg > 7)
        return -EINVAL;
    if (reg < 4 && (!va_canonical(val) || va_is_hypervisor(val)))
        return -EPERM;
    /* An R/W field of 2 is I/O, which needs CR4.DE. */
    if (reg == 7 && (val >> 32 || (val & DR7_GD) ||
                     (val & ~(val << 1) & DR7_RW_HIGH)))
        return -EPERM;
    if (reg == 6)
        val = (val & DR6_SETTABLE) | DR6_ONES;
    if (reg == 7)
        val = (val & ~DR7_RESERVED) | DR7_ONES;
    v->pv.debugreg[reg] = val;
    if (v == current && (reg == 7 || (v->pv.debugreg[7] & DR7_ENABLED)))
        pv_debugreg_load(v);
    return 0;
}

/* The vcpu starts on this CPU, whose breakpoints may be another's. */
void pv_debugreg_load(struct vcpu *v)
{
    const unsigned long *r = v->pv.debugreg;

    LOAD(7, DR7_ONES);
    if (!(r[7] & DR7_ENABLED))
        return;
    LOAD(0, r[0]);
    LOAD(1, r[1]);
    LOAD(2, r[2]);
    LOAD(3, r[3]);
    LOAD(6, r[6]);
    LOAD(7, r[7]);
}

long do_set_debugreg(int reg, unsigned long val)
{
    return pv_debugreg_set(current, reg, val);
}

long do_get_debugreg(int reg)
{
    uint64_t val;
    int rc = pv_debugreg_get(current, reg, &val);

    return rc ? rc : (long)val;
}
