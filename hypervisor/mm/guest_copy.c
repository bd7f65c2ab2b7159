/*
 * Copies to and from the running guest.
 *
 * The instructions that touch guest memory are here alone, each with an entry
 * in the table of expected faults; with SMAP, between STAC and CLAC.
 */
#include "mm/guest_copy.h"
#include "lib/abi.h"
#include "x86/cpu.h"
#include "x86/extable.h"
#include "x86/paging.h"

/* Bytes that were not copied. */
static size_t copy_bytes(void *dst, const void *src, size_t n)
{
    size_t words = n / 8;

    __asm__ volatile("1: rep movsq\n"
                     "   mov %3, %0\n"
                     "2: rep movsb\n"
                     "   jmp 4f\n"
                     "3: lea (%3, %0, 8), %0\n"
                     "4:\n"
                     EXTABLE(1b, 3b)
                     EXTABLE(2b, 4b)
                     : "+&c" (words), "+&D" (dst), "+&S" (src)
                     : "r" (n & 7) : "memory");
    return words;
}

/* The usual sizes: 8, 16 and 24 bytes, a word at a time. */
static inline bool copy_words(uint64_t *dst, const uint64_t *src,
                              unsigned int words)
{
    unsigned long fault = 0, tmp;

    while (words--)
        __asm__ volatile("1: mov %3, %1\n"
                         "2: mov %1, %2\n"
                         "   jmp 4f\n"
                         "3: mov $1, %0\n"
                         "4:\n"
                         EXTABLE(1b, 3b)
                         EXTABLE(2b, 3b)
                         : "+r" (fault), "=&r" (tmp), "=m" (dst[words])
                         : "m" (src[words]));
    return !fault;
}

static int copy(void *dst, const void *src, size_t n)
{
    bool ok;

    guest_access_begin();
    if (n <= 32 && !(n & 7))
        ok = copy_words(dst, src, n / 8);
    else
        ok = !copy_bytes(dst, src, n);
    guest_access_end();
    return ok ? 0 : -EFAULT;
}

int copy_from_guest(void *dst, const void __guest *src, size_t n)
{
    if (!guest_range_ok((unsigned long)src, n))
        return -EFAULT;
    return copy(dst, src, n);
}

int copy_to_guest(void __guest *dst, const void *src, size_t n)
{
    if (!guest_range_ok((unsigned long)dst, n))
        return -EFAULT;
    return copy(dst, src, n);
}

int clear_guest(void __guest *dst, size_t n)
{
    size_t left = n;

    if (!guest_range_ok((unsigned long)dst, n))
        return -EFAULT;
    guest_access_begin();
    __asm__ volatile("1: rep stosb\n"
                     "2:\n"
                     EXTABLE(1b, 2b)
                     : "+c" (left), "+D" (dst) : "a" (0) : "memory");
    guest_access_end();
    return left ? -EFAULT : 0;
}
