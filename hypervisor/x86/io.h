/*
 * Port and memory-mapped I/O.
 */
#ifndef X86_IO_H
#define X86_IO_H

#include "lib/types.h"

static inline uint8_t inb(uint16_t port)
{
    uint8_t v;

    __asm__ volatile("inb %1, %0" : "=a" (v) : "Nd" (port));
    return v;
}

static inline uint16_t inw(uint16_t port)
{
    uint16_t v;

    __asm__ volatile("inw %1, %0" : "=a" (v) : "Nd" (port));
    return v;
}

static inline uint32_t inl(uint16_t port)
{
    uint32_t v;

    __asm__ volatile("inl %1, %0" : "=a" (v) : "Nd" (port));
    return v;
}

static inline void outb(uint16_t port, uint8_t v)
{
    __asm__ volatile("outb %0, %1" :: "a" (v), "Nd" (port));
}

static inline void outw(uint16_t port, uint16_t v)
{
    __asm__ volatile("outw %0, %1" :: "a" (v), "Nd" (port));
}

static inline void outl(uint16_t port, uint32_t v)
{
    __asm__ volatile("outl %0, %1" :: "a" (v), "Nd" (port));
}

static inline uint32_t readl(const volatile void *p)
{
    uint32_t v;

    __asm__ volatile("movl %1, %0" : "=r" (v)
                     : "m" (*(const volatile uint32_t *)p) : "memory");
    return v;
}

static inline void writel(volatile void *p, uint32_t v)
{
    __asm__ volatile("movl %1, %0" : "=m" (*(volatile uint32_t *)p)
                     : "r" (v) : "memory");
}

#endif
