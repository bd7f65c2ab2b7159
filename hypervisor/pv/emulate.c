/*
 * Privileged instructions on behalf of a guest's kernel.
 */
#include "lib/string.h"
#include "mm/guest_copy.h"
#include "pv/pv.h"

/* What a guest's CR0 always reads, and the bits of CR4 that it may see. */
#define GUEST_CR0      (CR0_PE | CR0_MP | CR0_ET | CR0_NE | CR0_WP | \
                        CR0_AM | CR0_PG)
#define GUEST_CR4      (CR4_PAE | CR4_MCE | CR4_OSFXSR | CR4_OSXMMEXCPT)
#define GUEST_CR4_FREE (CR4_TSD | CR4_DE | CR4_PSE | CR4_PGE | CR4_PCE)

/* A repeated string operation does this many items before we look up. */
#define STRING_BATCH   64

/* Code may end at the last byte of a page whose neighbour is not there. */
struct insn pv_fetch(const struct cpu_user_regs *regs)
{
    const void __guest *rip = (void __guest *)regs->rip;
    unsigned int n = INSN_MAX, in_page = PAGE_SIZE - (regs->rip & ~PAGE_MASK);
    uint8_t code[INSN_MAX];
    struct insn i;

    if (copy_from_guest(code, rip, n)) {
        n = MIN(n, in_page);
        if (copy_from_guest(code, rip, n))
            n = 0;
    }
    insn_decode(code, n, &i);
    return i;
}

static bool read_cr(struct vcpu *v, unsigned int n, uint64_t *ret_val)
{
    switch (n) {
    case 0: *ret_val = GUEST_CR0 | (v->pv.ctrlreg[0] & CR0_TS); return true;
    case 2: *ret_val = v->info->arch.cr2; return true;
    case 3: *ret_val = xen_pfn_to_cr3(v->guest_root[0]); return true;
    case 4: *ret_val = GUEST_CR4 | v->pv.ctrlreg[4]; return true;
    }
    return false;
}

static bool write_cr(struct vcpu *v, unsigned int n, uint64_t val)
{
    uint64_t free = GUEST_CR4_FREE | (cpu_features.xsave ? CR4_OSXSAVE : 0);

    if (n == 0 && !((val ^ GUEST_CR0) & ~(uint64_t)CR0_TS))
        pv_set_ts(v, val & CR0_TS);
    else if (n == 2)
        v->info->arch.cr2 = val;
    else if (n == 4 && !(val & ~(GUEST_CR4 | free)))
        v->pv.ctrlreg[4] = val & CR4_OSXSAVE;
    else
        return false;
    return true;
}

static bool io_permitted(struct vcpu *v)
{
    return v->pv.iopl >= (v->pv.kernel_mode ? 1 : 3);
}

/* INS and OUTS; false: the guest's memory faulted. */
static bool emulate_string(struct vcpu *v, struct cpu_user_regs *regs,
                           struct insn *i)
{
    long step = regs->rflags & EFLAGS_DF ? -(long)i->bytes : (long)i->bytes;
    uint64_t one = 1, *count = i->rep ? &regs->rcx : &one;
    unsigned int port = (uint16_t)regs->rdx, n;
    uint32_t val = 0;

    for (n = 0; n < STRING_BATCH && *count; n++, --*count) {
        if (i->op == INSN_INS) {
            val = pv_port_read(v, port, i->bytes);
            if (copy_to_guest((void __guest *)regs->rdi, &val, i->bytes))
                return false;
            regs->rdi += step;
        } else {
            if (copy_from_guest(&val, (void __guest *)regs->rsi, i->bytes))
                return false;
            pv_port_write(v, port, i->bytes, val);
            regs->rsi += step;
        }
    }
    if (*count)
        i->len = 0;                  /* once more, when others were served */
    return true;
}

static bool emulate_port(struct vcpu *v, struct cpu_user_regs *regs,
                         struct insn *i)
{
    unsigned int port = i->has_imm ? i->imm : (uint16_t)regs->rdx;

    if (!io_permitted(v))
        return false;
    switch (i->op) {
    case INSN_IN:
        insn_set(regs, 0, i, pv_port_read(v, port, i->bytes));
        return true;
    case INSN_OUT:
        pv_port_write(v, port, i->bytes, insn_get(regs, 0, i));
        return true;
    default:
        return emulate_string(v, regs, i);
    }
}

static bool emulate_rdmsr(struct vcpu *v, struct cpu_user_regs *regs)
{
    uint64_t val;

    if (!pv_read_msr(v, regs->ecx, &val))
        return false;
    regs->rax = (uint32_t)val;
    regs->rdx = val >> 32;
    return true;
}

static bool emulate(struct vcpu *v, struct cpu_user_regs *regs,
                    struct insn *i)
{
    uint64_t *rm = insn_reg(regs, i->rm), val = regs->eax | regs->rdx << 32;

    switch (i->op) {
    case INSN_IN: case INSN_OUT: case INSN_INS: case INSN_OUTS:
        return emulate_port(v, regs, i);
    case INSN_CLI: case INSN_STI:
        return io_permitted(v);      /* the event mask is what counts */
    case INSN_RDMSR:    return emulate_rdmsr(v, regs);
    case INSN_WRMSR:    return pv_write_msr(v, regs->ecx, val);
    case INSN_READ_CR:  return read_cr(v, i->reg, rm);
    case INSN_WRITE_CR: return write_cr(v, i->reg, *rm);
    case INSN_READ_DR:  return !pv_debugreg_get(v, i->reg, rm);
    case INSN_WRITE_DR: return !pv_debugreg_set(v, i->reg, *rm);
    case INSN_CLTS:     pv_set_ts(v, false); return true;
    case INSN_XSETBV:
        return !regs->ecx && v->pv.ctrlreg[4] && pv_xcr0_set(v, val);
    case INSN_WBINVD:
        if (v->domain->hardware)
            __asm__ volatile("wbinvd" ::: "memory");
        return true;
    default:
        return false;
    }
}

/* User mode has no privileges, but it may have been given ports; not with
 * strings, which would reach into the kernel's memory. */
bool pv_emulate_privileged(struct vcpu *v, struct cpu_user_regs *regs)
{
    struct insn i = pv_fetch(regs);

    if (!v->pv.kernel_mode && i.op != INSN_IN && i.op != INSN_OUT)
        return false;
    if (!emulate(v, regs, &i))
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
    struct cpuid_regs r;

    if (copy_from_guest(code, (void __guest *)regs->rip, sizeof(code)) ||
        memcmp(code, want, sizeof(want)))
        return false;
    r = pv_cpuid(v, regs->eax, regs->ecx);
    regs->rax = r.a;
    regs->rbx = r.b;
    regs->rcx = r.c;
    regs->rdx = r.d;
    regs->rip += sizeof(want);
    return true;
}
