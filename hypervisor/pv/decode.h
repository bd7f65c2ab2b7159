/*
 * Which instruction is this?  Only those that a guest's kernel may not
 * execute itself, and stores to page tables.  Pure.
 */
#ifndef PV_DECODE_H
#define PV_DECODE_H

#include "lib/types.h"

#define INSN_MAX 15

enum insn_op {
    INSN_NONE,                       /* something else, or not complete */
    INSN_IN, INSN_OUT,               /* port: imm or %dx */
    INSN_INS, INSN_OUTS,
    INSN_CLI, INSN_STI, INSN_HLT,
    INSN_RDMSR, INSN_WRMSR, INSN_RDTSC, INSN_RDTSCP, INSN_RDPMC,
    INSN_CPUID, INSN_CLTS, INSN_WBINVD, INSN_XSETBV,
    INSN_READ_CR, INSN_WRITE_CR, INSN_READ_DR, INSN_WRITE_DR,
    INSN_STORE_REG,                  /* mov %reg, mem */
    INSN_STORE_IMM,                  /* mov $imm, mem */
    INSN_XCHG,                       /* xchg %reg, mem */
    INSN_CMPXCHG,                    /* lock cmpxchg %reg, mem */
    INSN_AND_IMM, INSN_AND_REG, INSN_BTR_IMM,
};

struct insn {
    enum insn_op op;
    unsigned int len;
    unsigned int bytes;              /* of the operand: 1, 2, 4, 8 */
    unsigned int reg;                /* ModRM.reg with REX.R */
    unsigned int rm;                 /* ModRM.rm with REX.B, for CR and DR */
    bool port_imm, rep, rex;
    uint64_t imm;                    /* sign-extended; or the port */
};

/* Decode 64-bit code of n bytes. op INSN_NONE where we do not know it. */
void insn_decode(const uint8_t *code, unsigned int n, struct insn *ret_insn);

#endif
