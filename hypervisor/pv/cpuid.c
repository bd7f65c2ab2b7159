/*
 * CPUID as a guest's kernel sees it: the machine's leaves without what a PV
 * guest cannot use, or what the tool stack chose for the domain.
 */
#include "domain/cpu_policy.h"
#include "domain/domain.h"
#include "mm/frame_table.h"
#include "pv/pv.h"
#include "x86/cpu.h"
#include "x86/percpu.h"
#include "x86/tsc.h"

#define XEN_BASE        0x40000000
#define XEN_LEAVES      5

#define F1C_OSXSAVE     BIT(27)
#define F1C_HYPERVISOR  BIT(31)

/* Features of leaf 1, 7 and 0x80000001 that a PV kernel may have. */
#define F1D_ALLOWED     0x1789dbf5   /* not VME PSE PGE PSE36 PSN DS ... */
#define F1C_SSE         0x02982201   /* SSE3 PCLMUL- SSSE3 CX16 SSE4 ... */
#define F1C_CRYPTO      (BIT(1) | BIT(22) | BIT(25) | BIT(30))
#define F1C_XSAVE       (BIT(26) | BIT(12) | BIT(28) | BIT(29))
#define F7B_ALLOWED     (BIT(3) | BIT(8) | BIT(9) | BIT(18) | BIT(19) | \
                         BIT(23) | BIT(24) | BIT(29))
#define F7B_AVX2        BIT(5)
#define FE1C_ALLOWED    0x000001f1   /* LAHF ABM SSE4A 3DNOWPF misaligned */
#define FE1D_ALLOWED    0x20101800   /* SYSCALL NX LM */
#define FE7D_INVTSC     BIT(8)

static void native(uint32_t leaf, uint32_t sub, uint32_t out[4])
{
    struct cpuid_regs r = cpuid(leaf, sub);

    out[0] = r.a;
    out[1] = r.b;
    out[2] = r.c;
    out[3] = r.d;
}

/* Bits of a machine frame's address: above 44, guests use grants of v2. */
static unsigned int machine_bits(void)
{
    return 64 - __builtin_clzl(max_mfn << PAGE_SHIFT);
}

static void xen_leaf(uint32_t n, uint32_t out[4])
{
    out[0] = out[1] = out[2] = out[3] = 0;
    switch (n) {
    case 0:
        out[0] = XEN_BASE + XEN_LEAVES;
        out[1] = XEN_CPUID_SIGNATURE_EBX;
        out[2] = XEN_CPUID_SIGNATURE_ECX;
        out[3] = XEN_CPUID_SIGNATURE_EDX;
        break;
    case 1:
        out[0] = (4 << 16) | 17;
        break;
    case 2:
        out[2] = XEN_CPUID_FEAT1_MMU_PT_UPDATE_PRESERVE_AD;
        break;
    case 3:
        if (tsc_stable)
            out[0] = BIT(2);         /* the TSC is safe across CPUs */
        out[1] = 2;                  /* tsc_mode native */
        out[2] = cpu_features.tsc_hz / 1000;
        break;
    case 5:
        out[1] = machine_bits();
        break;
    }
}

/* Bits that depend on the vcpu's own state, whatever its policy says. */
static void dynamic_bits(struct vcpu *v, uint32_t leaf, uint32_t out[4])
{
    if (leaf == 1) {
        out[1] = (out[1] & 0x00ffffff) | ((v->id * 2) << 24);
        out[2] |= F1C_HYPERVISOR;
        if (v->pv.ctrlreg[4] & CR4_OSXSAVE)
            out[2] |= F1C_OSXSAVE;
        else
            out[2] &= ~F1C_OSXSAVE;
    }
}

static void host(uint32_t leaf, uint32_t sub, uint32_t out[4])
{
    native(leaf, sub, out);
    switch (leaf) {
    case 0:
        out[0] = MIN(out[0], 0xdU);
        break;
    case 1:
        out[2] &= F1C_SSE | F1C_CRYPTO |
                  (cpu_features.xsave ? F1C_XSAVE : 0);
        out[3] &= F1D_ALLOWED;
        break;
    case 7:
        out[1] = sub ? 0 : out[1] & (F7B_ALLOWED |
                                     (cpu_features.xsave ? F7B_AVX2 : 0));
        out[0] = out[2] = out[3] = 0;
        break;
    case 5: case 6: case 9: case 0xa:
        out[0] = out[1] = out[2] = out[3] = 0;
        break;
    case 0xb:
        out[0] = out[1] = out[3] = 0;
        out[2] = sub;
        break;
    case 0xd:
        if (!cpu_features.xsave || sub == 1)
            out[0] = out[1] = out[2] = out[3] = 0;
        break;
    case 0x80000001:
        out[2] &= FE1C_ALLOWED;
        out[3] &= FE1D_ALLOWED;
        break;
    case 0x80000007:
        out[0] = out[1] = out[2] = 0;
        out[3] &= FE7D_INVTSC;
        break;
    }
}

void pv_cpuid(struct vcpu *v, uint32_t leaf, uint32_t sub, uint32_t out[4])
{
    const xen_cpuid_leaf_t *l;

    if (!v) {
        host(leaf, sub, out);
        return;
    }
    if ((leaf & 0xffff0000) == XEN_BASE) {
        xen_leaf(leaf - XEN_BASE, out);
        return;
    }
    l = cpu_policy_find(v->domain, leaf, sub);
    if (l) {
        out[0] = l->a;
        out[1] = l->b;
        out[2] = l->c;
        out[3] = l->d;
    } else {
        host(leaf, sub, out);
    }
    dynamic_bits(v, leaf, out);
}
