/*
 * What the distribution's libraries see of a C library.
 *
 * They want malloc, a stack canary at %fs:40, SSE, constructors, and use the
 * red zone below the stack pointer.  They run at boot only, with interrupts
 * off, and lie in the part of the image that is freed afterwards.
 */
#include "boot/private.h"
#include "lib/env.h"
#include "mm/buddy.h"
#include "x86/cpu.h"

#define MAX_ALLOC       (1UL << 30)

extern void (*const init_array_start[])(void), (*const init_array_end[])(void);

void *malloc(size_t size);
void *calloc(size_t n, size_t size);
void free(void *p);
void __stack_chk_fail(void);
unsigned long long ZSTD_trace_decompress_begin(const void *context);
void ZSTD_trace_decompress_end(unsigned long long id, const void *trace);

__init void *malloc(size_t size)
{
    return kzalloc(size);
}

__init void *calloc(size_t n, size_t size)
{
    return size && n > MAX_ALLOC / size ? NULL : kzalloc(n * size);
}

__init void free(void *p)
{
    kfree(p);
}

__init void __stack_chk_fail(void)
{
    panic("Stack overrun while unpacking the kernel.");
}

/* libzstd's hooks for tracing; 0: this one is not traced. */
__init unsigned long long ZSTD_trace_decompress_begin(const void *context)
{
    (void)context;
    return 0;
}

__init void ZSTD_trace_decompress_end(unsigned long long id, const void *trace)
{
    (void)id;
    (void)trace;
}

__init bool hosted_call(bool (*fn)(void *arg), void *arg)
{
    static uint64_t tls[8];          /* [5]: the canary at %fs:40 */
    unsigned long flags = irq_save();
    bool done;

    wrmsr(MSR_FS_BASE, (unsigned long)tls);
    for (void (*const *init)(void) = init_array_start; init < init_array_end;
         init++)
        (*init)();
    done = fn(arg);
    wrmsr(MSR_FS_BASE, 0);
    irq_restore(flags);
    return done;
}
