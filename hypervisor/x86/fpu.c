#include "x86/fpu.h"
#include "lib/string.h"
#include "x86/cpu.h"
#include "x86/extable.h"

#define FXSAVE_SIZE      512
#define FCW_OFFSET       0
#define MXCSR_OFFSET     24
#define FCW_RESET        0x37f
#define MXCSR_RESET      0x1f80
/* x87, SSE, AVX, AVX-512 (3 bits): what has no other state to care for. */
#define XCR0_OURS        0xe7UL

unsigned int fpu_area_size = FXSAVE_SIZE;
uint64_t fpu_xcr0;

/* For what a guest's context may not hold: loading it faults. */
static uint8_t reset_area[FXSAVE_SIZE + 64] __aligned(64);

void fpu_init_this(void)
{
    struct cpuid_regs r;

    __asm__ volatile("fninit");
    if (cpu_features.xsave) {
        r = cpuid(0xd, 0);
        fpu_xcr0 = (r.a | ((uint64_t)r.d << 32)) & XCR0_OURS;
        __asm__ volatile("xsetbv" :: "a" ((uint32_t)fpu_xcr0), "d" (0),
                         "c" (0));
        fpu_area_size = (cpuid(0xd, 0).b + 63) & ~63U;
    }
    fpu_reset(reset_area);
}

bool fpu_xcr0_ok(uint64_t val)
{
    const uint64_t x87 = 1, sse = 2, avx = 4, avx512 = 0xe0;

    return (val & x87) && !(val & ~fpu_xcr0) && (!(val & avx) || (val & sse)) &&
           (!(val & avx512) || ((val & avx) && (val & avx512) == avx512));
}

void fpu_save(void *area)
{
    if (fpu_xcr0)
        __asm__ volatile("xsave64 (%0)" :: "r" (area), "a" (-1), "d" (-1)
                         : "memory");
    else
        __asm__ volatile("fxsave64 (%0)" :: "r" (area) : "memory");
}

/* False: the area holds what the CPU does not accept. */
static bool try_restore(const void *area)
{
    bool failed = true;

    if (fpu_xcr0)
        __asm__ volatile("1: xrstor64 (%1)\n xor %0, %0\n2:\n"
                         EXTABLE(1b, 2b) : "+r" (failed)
                         : "r" (area), "a" (-1), "d" (-1) : "memory");
    else
        __asm__ volatile("1: fxrstor64 (%1)\n xor %0, %0\n2:\n"
                         EXTABLE(1b, 2b) : "+r" (failed)
                         : "r" (area) : "memory");
    return !failed;
}

/* The x87's last instruction and operand: ours, not those of who was before. */
static void forget_pointers(void)
{
    static const int32_t zero;

    __asm__ volatile("fnclex\n\tffree %%st(7)\n\tfildl %0" :: "m" (zero));
}

void fpu_restore(const void *area)
{
    if (cpu_features.fpu_leaks)
        forget_pointers();
    if (!try_restore(area))
        try_restore(reset_area);
}

void fpu_reset(void *area)
{
    memset(area, 0, fpu_xcr0 ? FXSAVE_SIZE + 64 : FXSAVE_SIZE);
    *(uint16_t *)((char *)area + FCW_OFFSET) = FCW_RESET;
    *(uint32_t *)((char *)area + MXCSR_OFFSET) = MXCSR_RESET;
}

void fpu_import(void *area, const void *image)
{
    fpu_reset(area);
    memcpy(area, image, FXSAVE_SIZE);
    if (fpu_xcr0)                    /* XSTATE_BV: both are there */
        *(uint64_t *)((char *)area + FXSAVE_SIZE) = 3;
}
