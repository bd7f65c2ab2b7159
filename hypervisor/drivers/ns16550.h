/*
 * The serial line: a 16550 at an I/O port.
 */
#ifndef DRIVERS_NS16550_H
#define DRIVERS_NS16550_H

#include "lib/types.h"

/* config: "115200[,8n1[,0x3f8[,4]]]", rate 0 or empty: as the firmware left
 * it.  False: no such device answers. */
bool ns16550_init(const char *config);
bool ns16550_owns_port(uint16_t port);
/* Polled; returns when the last byte is in the chip. */
void ns16550_write(const char *s, size_t n);
/* Each byte received is given to rx, from an interrupt. */
void ns16550_init_irq(void (*rx)(char c));

#endif
