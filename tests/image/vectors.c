/*
 * Do threads keep what they have in vector registers?  Four processes each hold
 * a pattern of their own in a register while others run; the wider one where
 * this CPU and kernel offer it.  Exits with 1 when one finds another's.
 */
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define ROUNDS 4000

static int wide;

/* Load the register, let time pass, store it. */
__attribute__((target("avx"))) static void hold(const unsigned char *in,
                                                unsigned char *out)
{
    unsigned long spin = 20000;

    if (wide)
        __asm__ volatile("vmovdqu (%1), %%ymm7\n1: dec %0\njnz 1b\n"
                         "vmovdqu %%ymm7, (%2)\n"
                         : "+r" (spin) : "r" (in), "r" (out)
                         : "xmm7", "memory");
    else
        __asm__ volatile("movdqu (%1), %%xmm7\n1: dec %0\njnz 1b\n"
                         "movdqu %%xmm7, (%2)\n"
                         : "+r" (spin) : "r" (in), "r" (out)
                         : "xmm7", "memory");
}

static int check(int number)
{
    unsigned char in[32], out[32];
    int wrong = 0;

    for (int i = 0; i < ROUNDS; i++) {
        memset(in, 0x11 * (number + 1), sizeof(in));
        in[5] = i;
        in[29] = ~i;
        memset(out, 0, sizeof(out));
        hold(in, out);
        wrong += memcmp(in, out, wide ? 32 : 16) != 0;
    }
    return wrong > 0;
}

int main(void)
{
    int status, bad = 0;

    wide = __builtin_cpu_supports("avx");
    for (int i = 0; i < 4; i++)
        if (!fork())
            _exit(check(i));
    while (wait(&status) > 0)
        bad |= status;
    printf("vectors of %d bytes: %s\n", wide ? 32 : 16,
           bad ? "another's contents" : "all kept");
    return bad != 0;
}
