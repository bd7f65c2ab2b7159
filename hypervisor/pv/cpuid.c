/*
 * CPUID as a guest's kernel sees it: the machine's leaves without what a PV
 * guest cannot use, or what the tool stack chose for the domain.
 */
#include "domain/cpu_policy.h"
#include "mm/frame_table.h"
#include "pv/pv.h"
#include "x86/fpu.h"
#include "x86/tsc.h"

#define XEN_BASE        0x40000000
#define XEN_LEAVES      5

#define F1C_XSAVE       BIT(26)
#define F1C_OSXSAVE     BIT(27)
#define F1C_HYPERVISOR  BIT(31)

/* Features of leaf 1, 7 and 0x80000001 that a PV kernel may have. */
#define F1D_ALLOWED     0x1789dbf5   /* not VME PSE PGE PSE36 PSN DS ... */
#define F1C_ALLOWED     (0x02982201  /* SSE3 SSSE3 CX16 SSE4 ... */ | \
                         0x42400002  /* PCLMUL MOVBE AES RDRAND */ | \
                         0x34001000  /* XSAVE AVX FMA F16C */)
#define F7B_ALLOWED     (BIT(3) | BIT(5) | BIT(8) | BIT(9) | BIT(18) | \
                         BIT(19) | BIT(23) | BIT(24) | BIT(29))
#define FE1C_ALLOWED    0x000001f1   /* LAHF ABM SSE4A 3DNOWPF misaligned */
#define FE1D_ALLOWED    0x20101800   /* SYSCALL NX LM */
#define FE7D_INVTSC     BIT(8)

/* What is kept of the leaves that are not shown as they are. */
static const struct {
    uint32_t leaf;
    struct cpuid_regs keep;
} masks[] = {
    { 0x1, { ~0U, ~0U, F1C_ALLOWED, F1D_ALLOWED } },
    { 0x5, { 0 } }, { 0x6, { 0 } }, { 0x9, { 0 } }, { 0xa, { 0 } },
    { 0x7, { .b = F7B_ALLOWED } },
    { 0xb, { 0 } },
    { 0x80000001, { ~0U, ~0U, FE1C_ALLOWED, FE1D_ALLOWED } },
    { 0x80000007, { .d = FE7D_INVTSC } },
};

/* Bits of a machine frame's address: above 44, guests use grants of v2. */
static unsigned int machine_bits(void)
{
    return 64 - __builtin_clzl(max_mfn << PAGE_SHIFT);
}

static struct cpuid_regs xen_leaf(uint32_t n)
{
    switch (n) {
    case 0:
        return (struct cpuid_regs){ XEN_BASE + XEN_LEAVES,
            XEN_CPUID_SIGNATURE_EBX, XEN_CPUID_SIGNATURE_ECX,
            XEN_CPUID_SIGNATURE_EDX };
    case 1:
        return (struct cpuid_regs){ .a = 4 << 16 | 17 };
    case 2:
        return (struct cpuid_regs){
            .c = XEN_CPUID_FEAT1_MMU_PT_UPDATE_PRESERVE_AD };
    case 3:                          /* tsc_mode native; safe across CPUs? */
        return (struct cpuid_regs){ tsc_stable ? BIT(2) : 0, 2,
                                    cpu_features.tsc_hz / 1000, 0 };
    case 5:
        return (struct cpuid_regs){ .b = machine_bits() };
    }
    return (struct cpuid_regs){ 0 };
}

static struct cpuid_regs host(uint32_t leaf, uint32_t sub)
{
    struct cpuid_regs r = cpuid(leaf, sub);

    /* 0xd: states by their number in XCR0; 1 has no state of its own. */
    if ((leaf == 0x7 && sub) ||
        (leaf == 0xd && (sub == 1 || sub > 63 || !(fpu_xcr0 >> sub & 1))))
        return (struct cpuid_regs){ 0 };
    for (unsigned int n = 0; n < ARRAY_SIZE(masks); n++) {
        if (masks[n].leaf != leaf)
            continue;
        r.a &= masks[n].keep.a;
        r.b &= masks[n].keep.b;
        r.c &= masks[n].keep.c;
        r.d &= masks[n].keep.d;
    }
    if (leaf == 0x0)
        r.a = MIN(r.a, 0xdU);
    if (leaf == 0xb)
        r.c = sub;
    if (leaf == 0xd && !sub)
        r = (struct cpuid_regs){ fpu_xcr0, r.b, fpu_area_size, fpu_xcr0 >> 32 };
    return r;
}

struct cpuid_regs pv_cpuid(struct vcpu *v, uint32_t leaf, uint32_t sub)
{
    const xen_cpuid_leaf_t *l;
    struct cpuid_regs r;

    if (v && (leaf & 0xffff0000) == XEN_BASE)
        return xen_leaf(leaf - XEN_BASE);
    l = v ? cpu_policy_find(v->domain, leaf, sub) : NULL;
    r = l ? (struct cpuid_regs){ l->a, l->b, l->c, l->d } : host(leaf, sub);
    if (v && leaf == 0x1) {          /* the vcpu's own state, in any policy */
        r.b = (r.b & 0x00ffffff) | v->id * 2 << 24;
        /* Linux takes XSAVE for usable only where it sees it enabled; if it
         * did not, its user mode, which no mask reaches, would lose AVX. */
        r.c = (r.c & ~F1C_OSXSAVE) | F1C_HYPERVISOR |
              (r.c & F1C_XSAVE ? F1C_OSXSAVE : 0);
    }
    return r;
}
