/*
 * Port and memory-mapped I/O.
 */
#ifndef X86_IO_H
#define X86_IO_H

#include "lib/types.h"

/* inb(port), outb(port, v), and so on. */
#define PORT_IO(suffix, type)                                             \
    static inline type in##suffix(uint16_t port)                          \
    {                                                                     \
        type v;                                                           \
                                                                          \
        __asm__ volatile("in" #suffix " %1, %0" : "=a" (v) : "Nd" (port)); \
        return v;                                                         \
    }                                                                     \
                                                                          \
    static inline void out##suffix(uint16_t port, type v)                 \
    {                                                                     \
        __asm__ volatile("out" #suffix " %0, %1" :: "a" (v), "Nd" (port)); \
    }
PORT_IO(b, uint8_t)
PORT_IO(w, uint16_t)
PORT_IO(l, uint32_t)

static inline uint32_t readl(const volatile void *p)
{
    return *(const volatile uint32_t *)p;
}

static inline void writel(volatile void *p, uint32_t v)
{
    *(volatile uint32_t *)p = v;
}

#endif
