/*
 * Start the other CPUs.
 */
#ifndef BOOT_SMPBOOT_H
#define BOOT_SMPBOOT_H

/* Those that ACPI lists as enabled, one after the other.  Each ends in
 * idle_loop(); one that does not answer is left out with a warning. */
void smp_start_others(void);

#endif
