/*
 * Which instruction is this?  (SDM volume 2, chapter 2 and appendix A.)
 */
#include "pv/decode.h"

/* The code and how far it has been read. */
struct cursor {
    const uint8_t *code;
    unsigned int at, n;
    bool over;               /* ran off the end */
    bool opsize16, addr32, rex_w, rex_r, rex_b, rex, rep;
};

static uint8_t next(struct cursor *c)
{
    if (c->at >= c->n) {
        c->over = true;
        return 0;
    }
    return c->code[c->at++];
}

static uint64_t next_imm(struct cursor *c, unsigned int bytes)
{
    uint64_t v = 0;
    unsigned int i;

    for (i = 0; i < bytes; i++)
        v |= (uint64_t)next(c) << (8 * i);
    if (bytes < 8 && (v >> (8 * bytes - 1)) & 1)
        v |= ~0ULL << (8 * bytes);
    return v;
}

static uint8_t skip_prefixes(struct cursor *c)
{
    for (;;) {
        uint8_t b = next(c);

        switch (b) {
        case 0x66: c->opsize16 = true; continue;
        case 0x67: c->addr32 = true; continue;
        case 0xf2: case 0xf3: c->rep = true; continue;
        case 0x26: case 0x2e: case 0x36: case 0x3e: case 0x64: case 0x65:
        case 0xf0:
            continue;
        }
        if ((b & 0xf0) != 0x40 || c->over)
            return b;
        c->rex = true;
        c->rex_w = b & 8;
        c->rex_r = b & 4;
        c->rex_b = b & 1;
        return next(c);
    }
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
    if (mod == 3) {
        c->over = true;              /* a register: not a store */
        return;
    }
    if (rm == 4 && (next(c) & 7) == 5 && mod == 0)
        next_imm(c, 4);
    else if (mod == 0 && rm == 5)
        next_imm(c, 4);
    if (mod)
        next_imm(c, mod == 1 ? 1 : 4);
}

static enum insn_op decode_0f(struct cursor *c, struct insn *i)
{
    uint8_t b = next(c);

    i->bytes = 8;
    switch (b) {
    case 0x01:
        switch (next(c)) {
        case 0xd1: return INSN_XSETBV;
        case 0xf9: return INSN_RDTSCP;
        }
        return INSN_NONE;
    case 0x06: return INSN_CLTS;
    case 0x08: case 0x09: return INSN_WBINVD;
    case 0x30: return INSN_WRMSR;
    case 0x31: return INSN_RDTSC;
    case 0x32: return INSN_RDMSR;
    case 0x33: return INSN_RDPMC;
    case 0xa2: return INSN_CPUID;
    case 0x20: case 0x21: case 0x22: case 0x23:
        modrm(c, i, false);
        return b == 0x20 ? INSN_READ_CR : b == 0x21 ? INSN_READ_DR :
               b == 0x22 ? INSN_WRITE_CR : INSN_WRITE_DR;
    case 0xb0: case 0xb1:
        i->bytes = b == 0xb0 ? 1 : c->rex_w ? 8 : c->opsize16 ? 2 : 4;
        modrm(c, i, true);
        return INSN_CMPXCHG;
    case 0xba:
        i->bytes = c->rex_w ? 8 : c->opsize16 ? 2 : 4;
        modrm(c, i, true);
        i->imm = next(c);
        return (i->reg & 7) == 6 ? INSN_BTR_IMM : INSN_NONE;
    }
    return INSN_NONE;
}

static enum insn_op decode_port(struct cursor *c, struct insn *i, uint8_t b)
{
    if (!(b & 1))
        i->bytes = 1;
    else
        i->bytes = c->opsize16 ? 2 : 4;
    if ((b & 0xf8) == 0xe0) {
        i->port_imm = true;
        i->imm = next(c);
    }
    i->rep = c->rep;
    if ((b & 0xf0) == 0x60)
        return b & 2 ? INSN_OUTS : INSN_INS;
    return b & 2 ? INSN_OUT : INSN_IN;
}

static enum insn_op decode_store(struct cursor *c, struct insn *i, uint8_t b)
{
    i->bytes = !(b & 1) ? 1 : c->rex_w ? 8 : c->opsize16 ? 2 : 4;
    modrm(c, i, true);
    switch (b) {
    case 0x20: case 0x21:
        return INSN_AND_REG;
    case 0x80: case 0x81:
        i->imm = next_imm(c, MIN(i->bytes, 4U));
        return (i->reg & 7) == 4 ? INSN_AND_IMM : INSN_NONE;
    case 0x83:
        i->imm = next_imm(c, 1);
        return (i->reg & 7) == 4 ? INSN_AND_IMM : INSN_NONE;
    case 0x86: case 0x87:
        return INSN_XCHG;
    case 0x88: case 0x89:
        return INSN_STORE_REG;
    }
    i->imm = next_imm(c, MIN(i->bytes, 4U));
    return (i->reg & 7) == 0 ? INSN_STORE_IMM : INSN_NONE;
}

static enum insn_op decode(struct cursor *c, struct insn *i)
{
    uint8_t b = skip_prefixes(c);

    switch (b) {
    case 0x0f:
        return decode_0f(c, i);
    case 0x6c: case 0x6d: case 0x6e: case 0x6f:
    case 0xe4: case 0xe5: case 0xe6: case 0xe7:
    case 0xec: case 0xed: case 0xee: case 0xef:
        return decode_port(c, i, b);
    case 0xf4: return INSN_HLT;
    case 0xfa: return INSN_CLI;
    case 0xfb: return INSN_STI;
    case 0x20: case 0x21: case 0x80: case 0x81: case 0x83:
    case 0x86: case 0x87: case 0x88: case 0x89: case 0xc6: case 0xc7:
        return decode_store(c, i, b);
    }
    return INSN_NONE;
}

void insn_decode(const uint8_t *code, unsigned int n, struct insn *ret_insn)
{
    struct cursor c = { .code = code, .n = MIN(n, (unsigned int)INSN_MAX) };

    *ret_insn = (struct insn){ .op = INSN_NONE };
    ret_insn->op = decode(&c, ret_insn);
    ret_insn->len = c.at;
    ret_insn->rex = c.rex;
    if (c.over || c.addr32)
        ret_insn->op = INSN_NONE;
}
