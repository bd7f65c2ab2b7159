/*
 * The address map on the host: machine memory is an array of the test's.
 *
 * A test that needs frames points shim_ram at page-aligned memory; machine
 * address 0 is its first byte.
 */
#ifndef SHIM_X86_ADDRMAP_H
#define SHIM_X86_ADDRMAP_H

#include_next "x86/addrmap.h"

#undef DIRECTMAP_START
#define DIRECTMAP_START ((unsigned long)shim_ram)

extern char *shim_ram;

/* A test that sets entries of the M2P defines it. */
#undef RW_M2P_START
#define RW_M2P_START ((unsigned long)shim_m2p)

extern unsigned long shim_m2p[];

#endif
