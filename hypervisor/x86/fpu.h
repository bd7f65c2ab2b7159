/*
 * The state of FPU and vector units, switched with the vcpu.
 */
#ifndef X86_FPU_H
#define X86_FPU_H

#include "lib/types.h"

extern unsigned int fpu_area_size;   /* (c) bytes, found at boot; 64-aligned */
extern uint64_t fpu_xcr0;            /* (c) features that guests may enable */

/* May XCR0 have this value? */
bool fpu_xcr0_ok(uint64_t val);

void fpu_init_this(void);
void fpu_save(void *area);
void fpu_restore(const void *area);
void fpu_reset(void *area);          /* power-on state */
/* x87 and SSE from a 512-byte FXSAVE image, the rest reset. */
void fpu_import(void *area, const void *image);

#endif
