/*
 * Which instruction is this, and its registers?  Only those that a guest's
 * kernel may not execute itself, and stores to page tables.  Pure.
 */
#ifndef PV_DECODE_H
#define PV_DECODE_H

#include "lib/abi.h"

#define INSN_MAX 15

enum insn_op {
    INSN_NONE,                       /* something else, or not complete */
    INSN_IN, INSN_OUT, INSN_INS, INSN_OUTS,  /* port: imm or %dx */
    INSN_CLI, INSN_STI, INSN_RDMSR, INSN_WRMSR,
    INSN_CLTS, INSN_WBINVD, INSN_XSETBV,
    INSN_READ_CR, INSN_WRITE_CR, INSN_READ_DR, INSN_WRITE_DR,
    /* Of imm or %reg to memory. */
    INSN_STORE, INSN_XCHG, INSN_CMPXCHG, INSN_AND, INSN_BTR,
};

struct insn {
    enum insn_op op;
    unsigned int len;
    unsigned int bytes;              /* of the operand: 1, 2, 4, 8 */
    unsigned int reg;                /* ModRM.reg with REX.R */
    unsigned int rm;                 /* ModRM.rm with REX.B, for CR and DR */
    bool has_imm, rep, rex;
    uint64_t imm;                    /* sign-extended; or the port */
};

/* Decode 64-bit code of n bytes; all 0 (INSN_NONE) where we do not know it. */
void insn_decode(const uint8_t *code, unsigned int n, struct insn *ret_insn);
/* Register number n (0 rax, 4 rsp, 8 r8) of a frame. */
uint64_t *insn_reg(struct cpu_user_regs *regs, unsigned int n);
/* As the instruction's operand; setting 4 bytes clears the upper half. */
uint64_t insn_get(struct cpu_user_regs *regs, unsigned int n,
                  const struct insn *i);
void insn_set(struct cpu_user_regs *regs, unsigned int n,
              const struct insn *i, uint64_t val);

#endif
