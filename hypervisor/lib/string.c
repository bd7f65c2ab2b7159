#include "lib/string.h"
#include "lib/types.h"

void *memcpy(void *dst, const void *src, size_t n)
{
    void *d = dst;
    size_t words = n / 8;

    __asm__ volatile("rep movsq" : "+D" (d), "+S" (src), "+c" (words)
                     :: "memory");
    n &= 7;
    __asm__ volatile("rep movsb" : "+D" (d), "+S" (src), "+c" (n)
                     :: "memory");
    return dst;
}

void *memmove(void *dst, const void *src, size_t n)
{
    char *d = dst;
    const char *s = src;

    if (d <= s || d >= s + n)
        return memcpy(dst, src, n);
    d += n - 1;
    s += n - 1;
    __asm__ volatile("std; rep movsb; cld" : "+D" (d), "+S" (s), "+c" (n)
                     :: "memory");
    return dst;
}

void *memset(void *dst, int c, size_t n)
{
    void *d = dst;
    size_t words = n / 8;

    __asm__ volatile("rep stosq" : "+D" (d), "+c" (words)
                     : "a" ((uint8_t)c * 0x0101010101010101UL) : "memory");
    n &= 7;
    __asm__ volatile("rep stosb" : "+D" (d), "+c" (n) : "a" (c) : "memory");
    return dst;
}

int memcmp(const void *a, const void *b, size_t n)
{
    const unsigned char *x = a, *y = b;

    for (; n; n--, x++, y++)
        if (*x != *y)
            return *x - *y;
    return 0;
}

size_t strlen(const char *s)
{
    size_t n = 0;

    while (s[n])
        n++;
    return n;
}

int strncmp(const char *a, const char *b, size_t n)
{
    for (; n; n--, a++, b++)
        if (*a != *b || !*a)
            return (unsigned char)*a - (unsigned char)*b;
    return 0;
}

int strcmp(const char *a, const char *b)
{
    return strncmp(a, b, SIZE_MAX);
}

size_t strlcpy(char *dst, const char *src, size_t size)
{
    size_t n = strlen(src), copied = MIN(n, size - 1);

    memcpy(dst, src, copied);
    dst[copied] = '\0';
    return n;
}
