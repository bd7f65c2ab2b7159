/*
 * Privileged instructions on behalf of a guest's kernel.
 */
#include "domain/domain.h"
#include "mm/guest_copy.h"
#include "mm/hypercalls.h"
#include "pv/insn.h"
#include "pv/pv.h"
#include "x86/cpu.h"
#include "x86/fpu.h"
#include "x86/percpu.h"

/* What a guest's CR0 always reads, and the bits of CR4 that it may see. */
#define GUEST_CR0      (CR0_PE | CR0_MP | CR0_ET | CR0_NE | CR0_WP | \
                        CR0_AM | CR0_PG)
#define GUEST_CR4      (CR4_PAE | CR4_MCE | CR4_OSFXSR | CR4_OSXMMEXCPT)
#define GUEST_CR4_FREE (CR4_TSD | CR4_DE | CR4_PSE | CR4_PGE | CR4_PCE | \
                        CR4_OSXSAVE)

/* A repeated string operation does this many items before we look up. */
#define STRING_BATCH   64

static bool read_cr(struct vcpu *v, unsigned int n, uint64_t *ret_val)
{
    switch (n) {
    case 0:
        *ret_val = GUEST_CR0 | (v->pv.ctrlreg[0] & CR0_TS);
        return true;
    case 2:
        *ret_val = v->info->arch.cr2;
        return true;
    case 3:
        *ret_val = xen_pfn_to_cr3(v->guest_root[0]);
        return true;
    case 4:
        *ret_val = GUEST_CR4 | (v->pv.ctrlreg[4] & CR4_OSXSAVE);
        return true;
    }
    return false;
}

static bool write_cr(struct vcpu *v, unsigned int n, uint64_t val)
{
    switch (n) {
    case 0:
        if ((val ^ GUEST_CR0) & ~(uint64_t)CR0_TS)
            return false;
        pv_set_ts(v, val & CR0_TS);
        return true;
    case 2:
        v->info->arch.cr2 = val;
        return true;
    case 4:
        if ((val & ~(uint64_t)(GUEST_CR4 | GUEST_CR4_FREE)) ||
            ((val & CR4_OSXSAVE) && !cpu_features.xsave))
            return false;
        v->pv.ctrlreg[4] = val;
        return true;
    }
    return false;
}

static bool io_permitted(struct vcpu *v)
{
    return v->pv.iopl >= (v->pv.kernel_mode ? 1 : 3);
}

static bool emulate_in_out(struct vcpu *v, struct cpu_user_regs *regs,
                           const struct insn *i)
{
    unsigned int port = i->port_imm ? i->imm & 0xff : regs->rdx & 0xffff;

    if (!io_permitted(v))
        return false;
    if (i->op == INSN_IN)
        insn_set(regs, 0, i->bytes, false,
                 pv_port_read(v, port, i->bytes));
    else
        pv_port_write(v, port, i->bytes,
                      insn_get(regs, 0, i->bytes, false));
    return true;
}

/* One item of INS or OUTS; false: the guest's memory faulted. */
static bool string_item(struct vcpu *v, struct cpu_user_regs *regs,
                        const struct insn *i)
{
    long step = regs->rflags & EFLAGS_DF ? -(long)i->bytes : (long)i->bytes;
    uint32_t val = 0;

    if (i->op == INSN_INS) {
        val = pv_port_read(v, regs->rdx & 0xffff, i->bytes);
        if (copy_to_guest((void __guest *)regs->rdi, &val, i->bytes))
            return false;
        regs->rdi += step;
    } else {
        if (copy_from_guest(&val, (void __guest *)regs->rsi, i->bytes))
            return false;
        pv_port_write(v, regs->rdx & 0xffff, i->bytes, val);
        regs->rsi += step;
    }
    return true;
}

/* The instruction stays at rip until its count is used up, so that others
 * are served in between. */
static bool emulate_string(struct vcpu *v, struct cpu_user_regs *regs,
                           const struct insn *i)
{
    unsigned int n;

    if (!io_permitted(v))
        return false;
    if (!i->rep) {
        if (!string_item(v, regs, i))
            return false;
        regs->rip += i->len;
        return true;
    }
    for (n = 0; n < STRING_BATCH && regs->rcx; n++, regs->rcx--)
        if (!string_item(v, regs, i))
            return false;
    if (!regs->rcx)
        regs->rip += i->len;
    return true;
}

static bool emulate_msr(struct vcpu *v, struct cpu_user_regs *regs,
                        const struct insn *i)
{
    uint64_t val;

    if (i->op == INSN_WRMSR)
        return pv_write_msr(v, regs->ecx,
                            (uint32_t)regs->rax | (regs->rdx << 32));
    if (!pv_read_msr(v, regs->ecx, &val))
        return false;
    regs->rax = (uint32_t)val;
    regs->rdx = val >> 32;
    return true;
}

static void emulate_cpuid(struct vcpu *v, struct cpu_user_regs *regs)
{
    uint32_t out[4];

    pv_cpuid(v, regs->eax, regs->ecx, out);
    regs->rax = out[0];
    regs->rbx = out[1];
    regs->rcx = out[2];
    regs->rdx = out[3];
}

static bool emulate_cr_dr(struct vcpu *v, struct cpu_user_regs *regs,
                          const struct insn *i)
{
    uint64_t val = *insn_reg(regs, i->rm);
    bool ok;

    switch (i->op) {
    case INSN_READ_CR:
        ok = read_cr(v, i->reg, &val);
        break;
    case INSN_READ_DR:
        ok = i->reg < 8;
        val = ok ? v->pv.debugreg[i->reg] : 0;
        break;
    case INSN_WRITE_CR:
        return write_cr(v, i->reg, val);
    default:
        return !pv_debugreg_set(v, i->reg, val);
    }
    if (ok)
        *insn_reg(regs, i->rm) = val;
    return ok;
}

static bool emulate_xsetbv(struct vcpu *v, struct cpu_user_regs *regs)
{
    uint64_t val = (uint32_t)regs->rax | (regs->rdx << 32);

    if (regs->ecx || !(v->pv.ctrlreg[4] & CR4_OSXSAVE))
        return false;
    return pv_xcr0_set(v, val);
}

static bool emulate(struct vcpu *v, struct cpu_user_regs *regs,
                    const struct insn *i)
{
    uint64_t tsc;

    switch (i->op) {
    case INSN_IN: case INSN_OUT:
        return emulate_in_out(v, regs, i);
    case INSN_RDMSR: case INSN_WRMSR:
        return emulate_msr(v, regs, i);
    case INSN_READ_CR: case INSN_WRITE_CR:
    case INSN_READ_DR: case INSN_WRITE_DR:
        return emulate_cr_dr(v, regs, i);
    case INSN_CLI: case INSN_STI:
        return io_permitted(v);      /* the event mask is what counts */
    case INSN_CLTS:
        pv_set_ts(v, false);
        return true;
    case INSN_WBINVD:
        if (v->domain->hardware)
            __asm__ volatile("wbinvd" ::: "memory");
        return true;
    case INSN_RDTSC:
        tsc = rdtsc();
        regs->rax = (uint32_t)tsc;
        regs->rdx = tsc >> 32;
        return true;
    case INSN_CPUID:
        emulate_cpuid(v, regs);
        return true;
    case INSN_XSETBV:
        return emulate_xsetbv(v, regs);
    default:
        return false;
    }
}

/* User mode has no privileges, but it may have been given ports. */
bool pv_emulate_privileged(struct vcpu *v, struct cpu_user_regs *regs)
{
    struct insn i;
    bool port;

    insn_fetch(regs, &i);
    port = i.op == INSN_IN || i.op == INSN_OUT;
    if (i.op == INSN_INS || i.op == INSN_OUTS)
        return emulate_string(v, regs, &i);
    if ((!v->pv.kernel_mode && !port) || !emulate(v, regs, &i))
        return false;
    regs->rip += i.len;
    stat_inc(STAT_EMULATE_PRIV);
    return true;
}

/* ud2; "xen"; cpuid: how a PV kernel asks for CPUID as we show it. */
bool pv_emulate_forced(struct vcpu *v, struct cpu_user_regs *regs)
{
    static const uint8_t want[] = { 0x0f, 0x0b, 'x', 'e', 'n', 0x0f, 0xa2 };
    uint8_t code[sizeof(want)];

    if (copy_from_guest(code, (void __guest *)regs->rip, sizeof(code)) ||
        __builtin_memcmp(code, want, sizeof(want)))
        return false;
    emulate_cpuid(v, regs);
    regs->rip += sizeof(want);
    return true;
}
