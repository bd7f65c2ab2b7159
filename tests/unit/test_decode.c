/* pv/decode.c: the instructions that a kernel has done for it, and others. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "pv/decode.h"

struct decode_case {
    const char *claim;
    uint8_t code[INSN_MAX];
    unsigned int n;
    struct insn want;                /* op, len, bytes, reg, imm, rep */
};

#define I(...) { __VA_ARGS__ }
static const struct decode_case cases[] = {
    { "in (%dx), %al", I(0xec), 1,
      { .op = INSN_IN, .len = 1, .bytes = 1 } },
    { "in (%dx), %ax", I(0x66, 0xed), 2,
      { .op = INSN_IN, .len = 2, .bytes = 2 } },
    { "in $0x61, %al", I(0xe4, 0x61), 2,
      { .op = INSN_IN, .len = 2, .bytes = 1, .imm = 0x61 } },
    { "out %al, $0xf1: no sign", I(0xe6, 0xf1), 2,
      { .op = INSN_OUT, .len = 2, .bytes = 1, .imm = 0xf1 } },
    { "out %eax, (%dx)", I(0xef), 1,
      { .op = INSN_OUT, .len = 1, .bytes = 4 } },
    { "rep insw", I(0xf3, 0x66, 0x6d), 3,
      { .op = INSN_INS, .len = 3, .bytes = 2, .rep = true } },
    { "outsl", I(0x6f), 1,
      { .op = INSN_OUTS, .len = 1, .bytes = 4 } },
    { "cli", I(0xfa), 1,
      { .op = INSN_CLI, .len = 1 } },
    { "wrmsr", I(0x0f, 0x30), 2,
      { .op = INSN_WRMSR, .len = 2 } },
    { "rdmsr", I(0x0f, 0x32), 2,
      { .op = INSN_RDMSR, .len = 2 } },
    { "mov %cr4, %rax", I(0x0f, 0x20, 0xe0), 3,
      { .op = INSN_READ_CR, .len = 3, .reg = 4 } },
    { "mov %r9, %cr0", I(0x41, 0x0f, 0x22, 0xc1), 4,
      { .op = INSN_WRITE_CR, .len = 4, .reg = 0, .rm = 9 } },
    { "xsetbv", I(0x0f, 0x01, 0xd1), 3,
      { .op = INSN_XSETBV, .len = 3 } },
    { "mov %rax, (%rdi)", I(0x48, 0x89, 0x07), 3,
      { .op = INSN_STORE, .len = 3, .bytes = 8,
        .reg = 0, .rm = 7, .rex = true } },
    { "mov %r12, 8(%r13)", I(0x4d, 0x89, 0x65, 0x08), 4,
      { .op = INSN_STORE, .len = 4, .bytes = 8,
        .reg = 12, .rm = 13, .rex = true } },
    { "mov %rcx, 0x100(%rax,%rbx,8)",
      I(0x48, 0x89, 0x8c, 0xd8, 0, 1, 0, 0), 8,
      { .op = INSN_STORE, .len = 8, .bytes = 8,
        .reg = 1, .rm = 4, .rex = true } },
    { "mov %rax, absolute",
      I(0x48, 0x89, 0x04, 0x25, 0, 0x10, 0, 0), 8,
      { .op = INSN_STORE, .len = 8, .bytes = 8,
        .reg = 0, .rm = 4, .rex = true } },
    { "mov %rax, (%rip)", I(0x48, 0x89, 0x05, 0, 0, 0, 0), 7,
      { .op = INSN_STORE, .len = 7, .bytes = 8,
        .reg = 0, .rm = 5, .rex = true } },
    { "movq $-1, (%rax)", I(0x48, 0xc7, 0x00, 0xff, 0xff, 0xff, 0xff), 7,
      { .op = INSN_STORE, .len = 7, .bytes = 8,
        .rex = true, .imm = ~0ULL } },
    { "lock andb $0xfd, (%r12)",
      I(0xf0, 0x41, 0x80, 0x24, 0x24, 0xfd), 6,
      { .op = INSN_AND, .len = 6, .bytes = 1,
        .reg = 4, .rm = 12, .rex = true,
        .imm = ~2ULL } },
    { "lock cmpxchg %rdx, (%rdi)", I(0xf0, 0x48, 0x0f, 0xb1, 0x17), 5,
      { .op = INSN_CMPXCHG, .len = 5, .bytes = 8,
        .reg = 2, .rm = 7, .rex = true } },
    { "xchg %rax, (%rdi)", I(0x48, 0x87, 0x07), 3,
      { .op = INSN_XCHG, .len = 3, .bytes = 8, .rm = 7, .rex = true } },
    { "mov %rax, %rdi is no store", I(0x48, 0x89, 0xc7), 3,
      { .op = INSN_NONE } },
    { "a store by 32-bit address", I(0x67, 0x89, 0x07), 3,
      { .op = INSN_NONE } },
    { "nop", I(0x90), 1, { .op = INSN_NONE } },
    { "in with REX.W is 4 bytes", I(0x48, 0xed), 2,
      { .op = INSN_IN, .len = 2, .bytes = 4, .rex = true } },
    { "lock btrl $1, (%rdi)", I(0xf0, 0x0f, 0xba, 0x37, 0x01), 5,
      { .op = INSN_BTR, .len = 5, .bytes = 4, .reg = 6, .rm = 7, .imm = 1 } },
    { "bts is no store of ours", I(0x0f, 0xba, 0x2f, 0x01), 4,
      { .op = INSN_NONE } },
    { "and $imm32, absolute",
      I(0x81, 0x24, 0x25, 0, 0x10, 0, 0, 0xfd, 0xff, 0xff, 0xff), 11,
      { .op = INSN_AND, .len = 11, .bytes = 4, .reg = 4, .rm = 4,
        .imm = ~2ULL } },
    { "lgdt", I(0x0f, 0x01, 0x10), 3, { .op = INSN_NONE } },
    { "cut off behind the prefix", I(0x66), 1, { .op = INSN_NONE } },
    { "cut off in the immediate", I(0x48, 0xc7, 0x00, 0xff), 4,
      { .op = INSN_NONE } },
    { "nothing", I(0), 0, { .op = INSN_NONE } },
};

static void test_cases(void **state)
{
    (void)state;
    for (unsigned int i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        const struct insn *w = &cases[i].want;
        struct insn got;

        insn_decode(cases[i].code, cases[i].n, &got);
        if (got.op != w->op)
            fail_msg("%s: op %d, not %d", cases[i].claim, got.op, w->op);
        if (w->op == INSN_NONE && got.bytes)
            fail_msg("%s: says %u bytes", cases[i].claim, got.bytes);
        if (got.len != w->len || (w->bytes && got.bytes != w->bytes) ||
            got.reg != w->reg || got.imm != w->imm || got.rep != w->rep ||
            (w->rm && got.rm != w->rm))
            fail_msg("%s: len %u bytes %u reg %u rm %u imm %llx",
                     cases[i].claim, got.len, got.bytes, got.reg, got.rm,
                     (unsigned long long)got.imm);
    }
}

struct operand_case {
    const char *claim;
    unsigned int n;
    struct insn i;
    uint64_t got, set_to;            /* of 0x1122334455667788, by ~0 */
};

static const struct operand_case operands[] = {
    { "rdx", 2, { .bytes = 8 }, 0x1122334455667788, ~0ULL },
    { "edx clears the upper half", 2, { .bytes = 4 }, 0x55667788, 0xffffffff },
    { "dx", 2, { .bytes = 2 }, 0x7788, 0x112233445566ffff },
    { "dl", 2, { .bytes = 1 }, 0x88, 0x11223344556677ff },
    { "dh", 6, { .bytes = 1 }, 0x77, 0x112233445566ff88 },
    { "sil", 6, { .bytes = 1, .rex = true }, 0x88, 0x11223344556677ff },
    { "r13b", 13, { .bytes = 1, .rex = true }, 0x88, 0x11223344556677ff },
};

static void test_operands(void **state)
{
    (void)state;
    for (unsigned int i = 0; i < sizeof(operands) / sizeof(operands[0]); i++) {
        const struct operand_case *c = &operands[i];
        struct cpu_user_regs regs = { 0 };
        uint64_t *r = insn_reg(&regs, c->n == 6 && !c->i.rex ? 2 : c->n);

        *r = 0x1122334455667788;
        if (insn_get(&regs, c->n, &c->i) != c->got)
            fail_msg("%s: reads %llx", c->claim,
                     (unsigned long long)insn_get(&regs, c->n, &c->i));
        insn_set(&regs, c->n, &c->i, ~0ULL);
        if (*r != c->set_to)
            fail_msg("%s: is now %llx", c->claim, (unsigned long long)*r);
    }
}

/* Whatever the bytes: no read past them, no length over the limit. */
static void test_random(void **state)
{
    (void)state;
    srand(1);
    for (int i = 0; i < 300000; i++) {
        unsigned int n = rand() % (INSN_MAX + 1);
        uint8_t *code = malloc(n + 1);
        struct insn got;

        for (unsigned int j = 0; j < n; j++)
            code[j] = rand() % 4 ? rand() : 0x0f;
        code = realloc(code, n ? n : 1);
        insn_decode(code, n, &got);
        assert_true(got.len <= n);
        free(code);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_cases),
        cmocka_unit_test(test_operands),
        cmocka_unit_test(test_random),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
