/*
 * Code that one vcpu patches while the other runs it, by an INT3, as kernels
 * do: once the INT3 is gone nobody runs into it again.  On CPUs that is so by
 * itself; an emulator may keep what it translated while the code changed.
 */
#include "guest.h"

#define ROUNDS  2000
#define BODY    200                  /* instructions before: it takes longer */
#define NOP     0x90
#define INT3    0xcc
#define RET     0xc3

static volatile uint8_t *site;
static volatile unsigned int go, done;       /* numbers of rounds */
static unsigned long met, in_a_row, stale;

static void wait_some(unsigned int seed)
{
    for (volatile unsigned int n = seed * 1103515245U >> 17; n; n--)
        ;
}

static void patcher(void)
{
    for (unsigned int seed = 1;; done = go) {
        while (go == done)
            __asm__ volatile("pause");
        for (unsigned int i = 0; i < 4; i++) {
            *site = INT3;
            wait_some(seed++);
            *site = NOP;
            wait_some(seed++);
        }
    }
}

/* As Linux does: it has just gone, so back to what is there now. */
static bool met_int3(struct frame *f)
{
    if (f->vector != 3)
        return false;
    met++;
    in_a_row = *site == INT3 ? 0 : in_a_row + 1;
    if (in_a_row < 100) {
        f->rip--;
    } else {
        stale++;                     /* and on behind it */
        in_a_row = 0;
    }
    return true;
}

void test_main(void)
{
    uint8_t *code = page_alloc();

    for (unsigned int n = 0; n < BODY; n++)
        memcpy(code + 2 * n, "\xff\xc0", 2);     /* inc %eax */
    site = code + 2 * BODY;
    site[0] = NOP;
    site[1] = RET;
    on_trap = met_int3;
    make_vcpu(patcher);
    check_eq(HC(vcpu_op, (unsigned long)VCPUOP_up, 1UL, 0UL), 0, "it starts");
    for (unsigned int round = 1; round <= ROUNDS; round++) {
        go = round;
        while (done != round) {
            in_a_row = 0;
            __asm__ volatile("call *%0" :: "r" (code) : "rax", "memory");
        }
    }
    check(met, "it ran into the INT3, %lu times", met);
    check_eq(stale, 0, "not for ever, once it had gone");
}
