/*
 * Guest code and registers, for those who emulate.
 */
#include "mm/guest_copy.h"
#include "pv/insn.h"

uint64_t *insn_reg(struct cpu_user_regs *regs, unsigned int n)
{
    uint64_t *r[16] = {
        &regs->rax, &regs->rcx, &regs->rdx, &regs->rbx,
        &regs->rsp, &regs->rbp, &regs->rsi, &regs->rdi,
        &regs->r8, &regs->r9, &regs->r10, &regs->r11,
        &regs->r12, &regs->r13, &regs->r14, &regs->r15,
    };

    return r[n & 15];
}

/* Without REX, byte registers 4 to 7 are the second bytes of 0 to 3. */
static bool is_high_byte(unsigned int n, unsigned int bytes, bool rex)
{
    return bytes == 1 && !rex && n >= 4 && n < 8;
}

uint64_t insn_get(const struct cpu_user_regs *regs, unsigned int n,
                  unsigned int bytes, bool rex)
{
    struct cpu_user_regs *r = (struct cpu_user_regs *)regs;

    if (is_high_byte(n, bytes, rex))
        return (*insn_reg(r, n - 4) >> 8) & 0xff;
    if (bytes == 8)
        return *insn_reg(r, n);
    return *insn_reg(r, n) & ((1ULL << (8 * bytes)) - 1);
}

void insn_set(struct cpu_user_regs *regs, unsigned int n, unsigned int bytes,
              bool rex, uint64_t val)
{
    uint64_t *r = insn_reg(regs, is_high_byte(n, bytes, rex) ? n - 4 : n);

    if (bytes == 8)
        *r = val;
    else if (bytes == 4)
        *r = (uint32_t)val;
    else if (bytes == 2)
        *r = (*r & ~0xffffULL) | (val & 0xffff);
    else if (is_high_byte(n, bytes, rex))
        *r = (*r & ~0xff00ULL) | ((val & 0xff) << 8);
    else
        *r = (*r & ~0xffULL) | (val & 0xff);
}

/* Code may end at the last byte of a page whose neighbour is not there. */
void insn_fetch(const struct cpu_user_regs *regs, struct insn *ret_insn)
{
    unsigned int n = INSN_MAX, in_page = PAGE_SIZE - (regs->rip & ~PAGE_MASK);
    uint8_t code[INSN_MAX];

    ret_insn->op = INSN_NONE;
    if (copy_from_guest(code, (void __guest *)regs->rip, n)) {
        n = MIN(n, in_page);
        if (copy_from_guest(code, (void __guest *)regs->rip, n))
            return;
    }
    insn_decode(code, n, ret_insn);
}
