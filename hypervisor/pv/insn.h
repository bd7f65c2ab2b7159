/*
 * Guest code and registers, for those who emulate.
 */
#ifndef PV_INSN_H
#define PV_INSN_H

#include "lib/abi.h"
#include "pv/decode.h"

/* Register number n (0 rax, 4 rsp, 8 r8) of a frame. */
uint64_t *insn_reg(struct cpu_user_regs *regs, unsigned int n);
/* Its low bytes; 4 and more clear the upper half, as the CPU does. */
uint64_t insn_get(const struct cpu_user_regs *regs, unsigned int n,
                  unsigned int bytes, bool rex);
void insn_set(struct cpu_user_regs *regs, unsigned int n, unsigned int bytes,
              bool rex, uint64_t val);
/* Read and decode what is at regs->rip; INSN_NONE if it cannot be read. */
void insn_fetch(const struct cpu_user_regs *regs, struct insn *ret_insn);

#endif
