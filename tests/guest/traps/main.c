/*
 * Exceptions reach the guest's handlers with the CPU's vector and error code,
 * on a frame that says "kernel"; and privileged instructions work.
 */
#include "guest.h"

static void do_ud(void *u) { (void)u; __asm__ volatile("ud2"); }
static void do_bp(void *u) { (void)u; __asm__ volatile("int3"); }
static void do_int(void *u) { (void)u; __asm__ volatile("int $0x55"); }
static void do_int80(void *u) { (void)u; __asm__ volatile("int $0x80"); }
static void do_hlt(void *u) { (void)u; __asm__ volatile("hlt"); }

static void do_div(void *u)
{
    (void)u;
    __asm__ volatile("xor %%edx, %%edx; xor %%ecx, %%ecx; mov $1, %%eax;"
                     "div %%ecx" ::: "eax", "ecx", "edx");
}

static void do_read(void *p)
{
    (void)*(volatile char *)p;
}

static void do_write(void *p)
{
    *(volatile char *)p = 1;
}

static void do_jump(void *p)
{
    ((void (*)(void))p)();
}

static void do_rdmsr(void *p)
{
    uint32_t lo, hi;

    __asm__ volatile("rdmsr" : "=a" (lo), "=d" (hi) : "c" (*(uint32_t *)p));
    *(uint32_t *)p = lo;
}

struct fault_case {
    const char *claim;
    void (*fn)(void *);
    void *arg;
    unsigned int vector;
    long error;                      /* -1: any */
};

static const struct fault_case cases[] = {
    { "ud2",                    do_ud, 0, 6, -1 },
    { "int3",                   do_bp, 0, 3, -1 },
    { "division by zero",       do_div, 0, 0, -1 },
    { "int 0x80 in the kernel", do_int80, 0, 0x80, -1 },
    { "an int without handler", do_int, 0, 13, 0x55 * 8 + 2 },
    { "hlt",                    do_hlt, 0, 13, 0 },
    { "reading nothing",        do_read, (void *)0x1000, 14, 0 },
    { "writing nothing",        do_write, (void *)0x1000, 14, 2 },
    { "a non-canonical address", do_read, (void *)0x8000000000000000, 13, 0 },
    { "the hypervisor's image", do_read, (void *)0xffff820000200000, 14, -1 },
};

static void test_faults(void)
{
    unsigned int n;

    for (n = 0; n < sizeof(cases) / sizeof(cases[0]); n++) {
        const struct fault_case *c = &cases[n];

        last_trap.vector = 0xdead;
        check_eq(try_call(c->fn, c->arg), 1, c->claim);
        check_eq(last_trap.vector, c->vector, c->claim);
        if (c->error >= 0)
            check_eq(last_trap.error, c->error, c->claim);
        check_eq(last_trap.cs & 3, 0, "the frame says kernel");
        if (c->vector == 14)
            check_eq(last_cr2, (unsigned long)c->arg, "cr2");
    }
}

/* The handler of #UD is not for INT: the fault is at the instruction. */
static void do_int6(void *u)
{
    __asm__ volatile("lea 1f(%%rip), %%rax; mov %%rax, (%0); 1: int $6"
                     :: "r" (u) : "rax", "memory");
}

static void test_denied_int(void)
{
    unsigned long at = 0;

    check_eq(try_call(do_int6, &at), 1, "int without the right");
    check_eq(last_trap.vector, 13, "is #GP");
    check_eq(last_trap.error, 6 * 8 + 2, "that names the vector");
    check_eq(last_trap.rip, at, "at the instruction");
}

static void do_xsetbv(void *val)
{
    __asm__ volatile("xsetbv" :: "c" (0), "d" (0), "a" (*(uint32_t *)val));
}

/* What the CPU would refuse, the guest is told of. */
static void test_xsetbv(void)
{
    static const uint32_t bad[] = { 0, 2, 0xffffffff };
    uint32_t good = 3;

    if (!enable_xsave())
        return;
    check_eq(try_call(do_xsetbv, &good), 0, "x87 and SSE");
    for (unsigned int n = 0; n < sizeof(bad) / sizeof(bad[0]); n++)
        check_eq(try_call(do_xsetbv, (void *)&bad[n]), 1, "a wrong XCR0");
}

static void test_privileged(void)
{
    unsigned long dr;
    uint32_t msr = 0x277, a = 0x40000000, b, c, d;
    unsigned long cr0, cr4;

    check_eq(try_call(do_rdmsr, &msr), 0, "rdmsr of the PAT is emulated");
    check_eq(msr, 0x00070406, "with the hypervisor's value");
    msr = 0x12345678;
    check_eq(try_call(do_rdmsr, &msr), 1, "an unknown MSR faults");
    check_eq(last_trap.vector, 13, "with #GP");
    __asm__ volatile("mov %%cr0, %0" : "=r" (cr0));
    __asm__ volatile("mov %%cr4, %0" : "=r" (cr4));
    check(cr0 & 0x80000000, "CR0 reads with paging on");
    check(cr4 & 0x20, "CR4 reads with PAE on");
    __asm__ volatile("mov %0, %%dr7; mov %%dr5, %0"
                     : "=r" (dr) : "0" (0x400UL));
    check_eq(dr, 0x400, "DR5 is another name of DR7");
    __asm__ volatile("ud2; .ascii \"xen\"; cpuid"
                     : "+a" (a), "=b" (b), "=c" (c), "=d" (d) : : "memory");
    check(b == 0x566e6558 && c == 0x65584d4d && d == 0x4d4d566e,
          "the forced CPUID names the ABI");
    check(a >= 0x40000003 && a < 0x40000100, "and its last leaf: %x", a);
}

static unsigned long long_frame[16];

static bool keep_frame(struct frame *f)
{
    long_frame[0] = f->rax;
    long_frame[1] = f->rcx;
    long_frame[2] = f->r11;
    long_frame[3] = f->rflags;
    f->rip += 2;                     /* ud2 */
    f->r11 = 0x1111;
    return true;
}

/* A trap in the kernel changes no register, rcx and r11 included. */
static void test_registers(void)
{
    unsigned long rcx = 0x1234, r11;

    on_trap = keep_frame;
    __asm__ volatile("mov $0x5678, %%r11; mov $0x9abc, %%rax; stc; ud2;"
                     "mov %%r11, %1"
                     : "+c" (rcx), "=r" (r11) : : "rax", "r11", "cc", "memory");
    on_trap = NULL;
    check_eq(long_frame[0], 0x9abc, "rax in the frame");
    check_eq(long_frame[1], 0x1234, "rcx in the frame");
    check_eq(long_frame[2], 0x5678, "r11 in the frame");
    check_eq(long_frame[3] & 1, 1, "carry in the frame");
    check_eq(rcx, 0x1234, "rcx after the return");
    check_eq(r11, 0x1111, "r11 as the handler set it");
}

static void test_jump(void)
{
    check_eq(try_call(do_jump, (void *)0x2000), 1, "a jump to nowhere");
    check_eq(last_trap.vector, 14, "is a page fault");
    check_eq(last_trap.error & ~0x10UL, 0, "not present");
}

void test_main(void)
{
    test_faults();
    test_denied_int();
    test_privileged();
    test_xsetbv();
    test_registers();
    test_jump();
}
