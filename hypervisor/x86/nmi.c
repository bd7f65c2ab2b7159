#include "x86/nmi.h"
#include "lib/abi.h"
#include "x86/crash.h"
#include "x86/io.h"

#define PORT_NMI_STATUS  0x61
#define NMI_SERR         0x80
#define NMI_IOCHK        0x40

void nmi_handle(const struct cpu_user_regs *regs)
{
    if (crashing)
        machine_halt();
    /* The chipset names a memory or bus error; others are nobody's. */
    if (inb(PORT_NMI_STATUS) & (NMI_SERR | NMI_IOCHK))
        fatal_trap(regs);
}
