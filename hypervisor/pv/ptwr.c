/*
 * A guest's kernel wrote to its read-only page table: do the store for it,
 * with all the checks of mmu_update (VMASST_TYPE_writable_pagetables).
 */
#include "domain/domain.h"
#include "mm/guest_copy.h"
#include "mm/pt_update.h"
#include "pv/insn.h"
#include "pv/pv.h"
#include "x86/percpu.h"
#include "x86/regs.h"

/* cmpxchg sets flags and the accumulator as the comparison says. */
static void finish_cmpxchg(struct cpu_user_regs *regs, const struct insn *i,
                           uint64_t old, bool equal)
{
    const uint64_t zf = 0x40;

    regs->rflags = equal ? regs->rflags | zf : regs->rflags & ~zf;
    if (!equal)
        insn_set(regs, 0, i->bytes, i->rex, old);
}

/* What the instruction stores over `old`; false: not one of ours. */
static bool new_value(const struct insn *i, const struct cpu_user_regs *regs,
                      uint64_t old, uint64_t *ret_val)
{
    uint64_t reg = insn_get(regs, i->reg, i->bytes, i->rex);

    switch (i->op) {
    case INSN_STORE_REG:
    case INSN_XCHG:
    case INSN_CMPXCHG:
        *ret_val = reg;
        return true;
    case INSN_STORE_IMM:
        *ret_val = i->imm;
        return true;
    case INSN_AND_IMM:
        *ret_val = old & i->imm;
        return true;
    case INSN_AND_REG:
        *ret_val = old & reg;
        return true;
    case INSN_BTR_IMM:
        *ret_val = old & ~(1ULL << (i->imm & (8 * i->bytes - 1)));
        return true;
    default:
        return false;
    }
}

/*
 * Plain stores ignore what was there; the others go through compare and
 * exchange, since the CPU may set accessed and dirty bits in between.
 */
bool pv_emulate_pt_write(struct vcpu *v, struct cpu_user_regs *regs,
                         unsigned long va)
{
    uint64_t old = 0, val, expected;
    struct insn i;
    bool plain;
    int rc;

    insn_fetch(regs, &i);
    plain = i.op == INSN_STORE_REG || i.op == INSN_STORE_IMM;
    do {
        if (!plain && copy_from_guest(&old, (void __guest *)va, i.bytes))
            return false;
        expected = insn_get(regs, 0, i.bytes, i.rex);
        if (i.op == INSN_CMPXCHG && old != expected) {
            finish_cmpxchg(regs, &i, old, false);
            regs->rip += i.len;
            return true;
        }
        if (!new_value(&i, regs, old, &val))
            return false;
        rc = pt_emulate_write(v, va, val, i.bytes, !plain, old);
    } while (rc == -EAGAIN);
    if (rc)
        return false;
    if (i.op == INSN_CMPXCHG)
        finish_cmpxchg(regs, &i, old, true);
    if (i.op == INSN_XCHG)
        insn_set(regs, i.reg, i.bytes, i.rex, old);
    if (i.op == INSN_BTR_IMM)        /* the bit as it was */
        regs->rflags = (regs->rflags & ~(uint64_t)EFLAGS_CF) |
                       (old & ~val ? EFLAGS_CF : 0);
    regs->rip += i.len;
    stat_inc(STAT_EMULATE_PTWR);
    return true;
}
