/*
 * Start the other CPUs.
 */
#ifndef BOOT_SMPBOOT_H
#define BOOT_SMPBOOT_H

#include "lib/types.h"

/* One after the other, by APIC id (this CPU's is passed over).  Each ends in
 * idle_loop(); one that does not answer is left out with a warning. */
void smp_start_others(const uint8_t *apic_ids, unsigned int nr);

#endif
