#include "x86/i8259.h"
#include "x86/io.h"

/* Where a spurious interrupt arrives: no vector of a device. */
#define SPURIOUS_BASE    0xf0

static void disable_one(uint16_t port, uint8_t cascade)
{
    outb(port, 0x11);                /* ICW1: edge, cascade, ICW4 */
    outb(port + 1, SPURIOUS_BASE);
    outb(port + 1, cascade);
    outb(port + 1, 0x01);            /* ICW4: 8086 */
    outb(port + 1, 0xff);
}

void i8259_disable(void)
{
    disable_one(0x20, 1 << 2);
    disable_one(0xa0, 2);
}
