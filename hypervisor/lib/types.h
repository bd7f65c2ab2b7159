/*
 * The integer types that name things of the machine and of guests.
 */
#ifndef LIB_TYPES_H
#define LIB_TYPES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef unsigned long mfn_t;        /* a frame of the machine */
typedef unsigned long gfn_t;        /* as a guest names it; PV: an mfn */
typedef uint64_t paddr_t;           /* a machine address, bytes */
typedef int64_t s_time_t;           /* system time, nanoseconds since boot */
typedef uint64_t cpumask_t;         /* bit n: CPU n */
typedef uint64_t vcpumask_t;        /* bit n: vcpu n of a domain */

#define NR_CPUS          64         /* one word of cpumask_t */
#define MAX_VCPUS        64         /* one word of vcpumask_t */
#define INVALID_MFN      (~0UL)
#define S_TIME_MAX       INT64_MAX
#define NSEC_PER_SEC     1000000000LL
#define NSEC_PER_MSEC    1000000LL
#define NSEC_PER_USEC    1000LL

#define PAGE_SHIFT       12
#define PAGE_SIZE        (1UL << PAGE_SHIFT)
#define PAGE_MASK        (~(PAGE_SIZE - 1))
#define PFN_DOWN(x)      ((x) >> PAGE_SHIFT)
#define PFN_UP(x)        (((x) + PAGE_SIZE - 1) >> PAGE_SHIFT)

#define __guest                     /* points into a guest: copy, never read */

#define ARRAY_SIZE(a)    (sizeof(a) / sizeof((a)[0]))
#define MIN(a, b)        ((a) < (b) ? (a) : (b))
#define MAX(a, b)        ((a) > (b) ? (a) : (b))
#define BIT(n)           (1UL << (n))
#define container_of(ptr, type, member) \
    ((type *)((char *)(ptr) - offsetof(type, member)))
#define likely(x)        __builtin_expect(!!(x), 1)
#define unlikely(x)      __builtin_expect(!!(x), 0)
#define READ_ONCE(x)     (*(const volatile __typeof__(x) *)&(x))
#define WRITE_ONCE(x, v) (*(volatile __typeof__(x) *)&(x) = (v))
#define __printf(f, a)   __attribute__((format(printf, f, a)))
#define __noreturn       __attribute__((noreturn))
#define __aligned(n)     __attribute__((aligned(n)))
#define __packed         __attribute__((packed))
#define __init           __attribute__((section(".init.text"), cold))
#define __initdata       __attribute__((section(".init.data")))

#endif
