/*
 * A guest's kernel wrote to its read-only page table: do the store for it,
 * with all the checks of mmu_update (VMASST_TYPE_writable_pagetables).
 */
#include "mm/guest_copy.h"
#include "mm/pt_update.h"
#include "pv/pv.h"
#include "x86/regs.h"

static void set_flag(struct cpu_user_regs *regs, uint64_t flag, bool on)
{
    regs->rflags = on ? regs->rflags | flag : regs->rflags & ~flag;
}

/* What the instruction stores over `old`. */
static uint64_t new_value(const struct insn *i, struct cpu_user_regs *regs,
                          uint64_t old)
{
    uint64_t src = i->has_imm ? i->imm : insn_get(regs, i->reg, i);

    switch (i->op) {
    case INSN_AND: return old & src;
    case INSN_BTR: return old & ~(1ULL << (src & (8 * i->bytes - 1)));
    default:       return src;
    }
}

/*
 * Plain stores ignore what was there; the others go through compare and
 * exchange, since the CPU may set accessed and dirty bits in between: then the
 * guest executes the instruction again.
 */
bool pv_emulate_pt_write(struct vcpu *v, struct cpu_user_regs *regs,
                         unsigned long va)
{
    struct insn i = pv_fetch(regs);
    bool plain = i.op == INSN_STORE, equal = true;
    uint64_t old = 0, val;
    int rc;

    if (i.op < INSN_STORE ||
        (!plain && copy_from_guest(&old, (void __guest *)va, i.bytes)))
        return false;
    val = new_value(&i, regs, old);
    if (i.op == INSN_CMPXCHG)
        equal = old == insn_get(regs, 0, &i);
    if (equal) {
        rc = pt_emulate_write(v, va, val, i.bytes, !plain, old);
        if (rc)
            return rc == -EAGAIN;
    }
    if (i.op == INSN_CMPXCHG)
        set_flag(regs, EFLAGS_ZF, equal);
    if (i.op == INSN_BTR)            /* the bit as it was */
        set_flag(regs, EFLAGS_CF, old & ~val);
    if (i.op == INSN_XCHG)
        insn_set(regs, i.reg, &i, old);
    if (!equal)
        insn_set(regs, 0, &i, old);
    regs->rip += i.len;
    stat_inc(STAT_EMULATE_PTWR);
    return true;
}
