/*
 * What entry.S offers to C.
 */
#ifndef PV_ENTRY_H
#define PV_ENTRY_H

#define ENTRY_STUB_SIZE   16
#define SYSCALL_STUB_SIZE 64

#ifndef __ASSEMBLER__

/* Where each vector arrives, and SYSCALL on each CPU, these numbers of bytes
 * apart; SYSENTER.  Without and with isolation. */
extern const char entry_stubs[], entry_stubs_iso[];
extern const char syscall_stubs[], syscall_stubs_iso[];
extern const char syscall32_stubs[], syscall32_stubs_iso[];
extern const char entry_sysenter[], entry_sysenter_iso[];

/* Leave the stack: to the idle loop; to the guest whose registers are at the
 * top of the main stack. */
void switch_to_idle(void) __attribute__((noreturn));
void switch_to_guest(void) __attribute__((noreturn));

#endif
#endif
