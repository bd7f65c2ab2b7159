/*
 * Which instruction is this, and its registers?  (SDM volume 2, chapter 2 and
 * appendix A.)
 */
#include "lib/string.h"
#include "pv/decode.h"

/* What follows an opcode, and the size of its operand. */
#define W         0x01               /* bit 0 clear: bytes */
#define PORT      0x02               /* REX.W does not count; imm unsigned */
#define MODRM     0x04
#define MEM       0x0c               /* ModRM that names memory */
#define IMM       0x10               /* as wide as the operand, up to 4 */
#define IMM8      0x30
#define GROUP(n)  (0x40 | (n) << 8)  /* ModRM.reg chooses the instruction */

static const struct opcode {
    uint32_t code;
    uint16_t op, form;
} opcodes[] = {
    { 0x20,     INSN_AND,      W | MEM },
    { 0x6c,     INSN_INS,      W | PORT },
    { 0x6e,     INSN_OUTS,     W | PORT },
    { 0x80,     INSN_AND,      W | MEM | IMM | GROUP(4) },
    { 0x83,     INSN_AND,      MEM | IMM8 | GROUP(4) },
    { 0x86,     INSN_XCHG,     W | MEM },
    { 0x88,     INSN_STORE,    W | MEM },
    { 0xc6,     INSN_STORE,    W | MEM | IMM | GROUP(0) },
    { 0xe4,     INSN_IN,       W | PORT | IMM8 },
    { 0xe6,     INSN_OUT,      W | PORT | IMM8 },
    { 0xec,     INSN_IN,       W | PORT },
    { 0xee,     INSN_OUT,      W | PORT },
    { 0xfa,     INSN_CLI,      0 },
    { 0xfb,     INSN_STI,      0 },
    { 0x0f01d1, INSN_XSETBV,   0 },
    { 0x0f06,   INSN_CLTS,     0 },
    { 0x0f08,   INSN_WBINVD,   W },
    { 0x0f20,   INSN_READ_CR,  MODRM },
    { 0x0f21,   INSN_READ_DR,  MODRM },
    { 0x0f22,   INSN_WRITE_CR, MODRM },
    { 0x0f23,   INSN_WRITE_DR, MODRM },
    { 0x0f30,   INSN_WRMSR,    0 },
    { 0x0f32,   INSN_RDMSR,    0 },
    { 0x0fb0,   INSN_CMPXCHG,  W | MEM },
    { 0x0fba,   INSN_BTR,      MEM | IMM8 | GROUP(6) },
};

/* The code and how far it has been read. */
struct cursor {
    const uint8_t *code;
    unsigned int at, n;
    bool over;               /* ran off the end */
    bool opsize16, addr32, rex_w, rex_r, rex_b;
};

static uint8_t next(struct cursor *c)
{
    if (c->at < c->n)
        return c->code[c->at++];
    c->over = true;
    return 0;
}

static uint64_t next_imm(struct cursor *c, unsigned int bytes)
{
    uint64_t v = 0;

    for (unsigned int i = 0; i < bytes; i++)
        v |= (uint64_t)next(c) << (8 * i);
    if ((v >> (8 * bytes - 1)) & 1)
        v |= ~0ULL << (8 * bytes - 1);
    return v;
}

/* The opcode's bytes, behind its prefixes. */
static uint32_t next_opcode(struct cursor *c, struct insn *i)
{
    uint32_t b;

    for (;;) {
        b = next(c);
        switch (b) {
        case 0x66: c->opsize16 = true; continue;
        case 0x67: c->addr32 = true; continue;
        case 0xf2: case 0xf3: i->rep = true; continue;
        case 0x26: case 0x2e: case 0x36: case 0x3e: case 0x64: case 0x65:
        case 0xf0: continue;
        }
        break;
    }
    if ((b & 0xf0) == 0x40) {
        i->rex = true;
        c->rex_w = b & 8;
        c->rex_r = b & 4;
        c->rex_b = b & 1;
        b = next(c);
    }
    if (b == 0x0f)
        b = b << 8 | next(c);
    return b == 0x0f01 ? b << 8 | next(c) : b;
}

/* ModRM with what belongs to it; the address itself comes from %cr2. */
static void modrm(struct cursor *c, struct insn *i, bool memory)
{
    uint8_t m = next(c);
    unsigned int mod = m >> 6, rm = m & 7;

    i->reg = ((m >> 3) & 7) | (c->rex_r << 3);
    i->rm = rm | (c->rex_b << 3);
    if (!memory)
        return;
    if (rm == 4)                     /* SIB */
        rm = next(c) & 7;
    if (mod == 3)
        c->over = true;              /* a register: not a store */
    else if (mod == 1)
        next(c);
    else if (mod == 2 || rm == 5)
        next_imm(c, 4);
}

static const struct opcode *find(uint32_t code)
{
    for (unsigned int n = 0; n < ARRAY_SIZE(opcodes); n++)
        if ((code & ~(uint32_t)(opcodes[n].form & W)) == opcodes[n].code)
            return &opcodes[n];
    return NULL;
}

void insn_decode(const uint8_t *code, unsigned int n, struct insn *ret_insn)
{
    struct cursor c = { .code = code, .n = MIN(n, (unsigned int)INSN_MAX) };
    struct insn i = { .op = INSN_NONE };
    uint32_t opcode = next_opcode(&c, &i);
    const struct opcode *o = find(opcode);

    *ret_insn = (struct insn){ .op = INSN_NONE };
    if (!o)
        return;
    i.bytes = (o->form & W) && !(opcode & 1) ? 1 :
              c.rex_w && !(o->form & PORT) ? 8 : c.opsize16 ? 2 : 4;
    if (o->form & MODRM)
        modrm(&c, &i, (o->form & MEM) == MEM);
    if (o->form & IMM) {
        i.has_imm = true;
        i.imm = next_imm(&c, (o->form & IMM8) == IMM8 ? 1 : MIN(i.bytes, 4U));
    }
    if (o->form & PORT)
        i.imm &= 0xff;
    if (c.over || c.addr32 ||
        ((o->form & GROUP(0)) && (i.reg & 7) != o->form >> 8))
        return;
    i.op = o->op;
    i.len = c.at;
    *ret_insn = i;
}

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
static void *operand(struct cpu_user_regs *regs, unsigned int n,
                     const struct insn *i)
{
    bool high = i->bytes == 1 && !i->rex && n >= 4;

    return (uint8_t *)insn_reg(regs, high ? n - 4 : n) + high;
}

uint64_t insn_get(struct cpu_user_regs *regs, unsigned int n,
                  const struct insn *i)
{
    uint64_t val = 0;

    memcpy(&val, operand(regs, n, i), i->bytes);
    return val;
}

void insn_set(struct cpu_user_regs *regs, unsigned int n,
              const struct insn *i, uint64_t val)
{
    if (i->bytes == 4)
        *insn_reg(regs, n) = 0;
    memcpy(operand(regs, n, i), &val, i->bytes);
}
