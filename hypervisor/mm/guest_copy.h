/*
 * Memory of the running guest, through its own page tables.
 *
 * A range that touches the hypervisor's slots, or a fault on the way, gives
 * -EFAULT; what was copied before a fault stays copied.  0: all was copied.
 */
#ifndef MM_GUEST_COPY_H
#define MM_GUEST_COPY_H

#include "lib/types.h"
#include "x86/cpu.h"

/* Around an access of one's own: lifts SMAP, and puts it back. */
static inline void guest_access_begin(void)
{
    if (cpu_features.smap_usable)
        __asm__ volatile("stac" ::: "memory", "cc");
}

static inline void guest_access_end(void)
{
    if (cpu_features.smap_usable)
        __asm__ volatile("clac" ::: "memory", "cc");
}

int copy_from_guest(void *dst, const void __guest *src, size_t n);
int copy_to_guest(void __guest *dst, const void *src, size_t n);
int clear_guest(void __guest *dst, size_t n);

/* One field: copy_field_to_guest(handle, &local, member). */
#define copy_field_to_guest(gptr, local, field)                      \
    copy_to_guest((char __guest *)(gptr) +                           \
                  offsetof(__typeof__(*(local)), field),             \
                  &(local)->field, sizeof((local)->field))

#endif
