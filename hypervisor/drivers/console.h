/*
 * The console: printk's log ring, the serial line, the screen, and who gets the
 * input.
 */
#ifndef DRIVERS_CONSOLE_H
#define DRIVERS_CONSOLE_H

#include "lib/env.h"

/* Output lines up to this level (guests' own: always); option loglvl. */
extern enum log_level console_level;

/* Open the devices that `console` names ("com1", "vga", or both with a
 * comma); com1: parameters of the line ("115200,8n1"); cells: the screen's
 * memory, if it is in VGA's text mode, else NULL. */
void console_init(const char *console, const char *com1, uint16_t *cells);
/* Write no more on the screen: it is dom0's. */
void console_release_screen(void);
/* From now on input comes by interrupt; notify() is called (interrupts off)
 * when there is some.  Three Ctrl-A give what follows to key(), called in the
 * same way, until the next three. */
void console_init_irq(void (*notify)(void), void (*key)(char c));

/* Text of the hardware domain, raw, to the devices. */
void console_write(const char *s, size_t n);
/* Input that has arrived: at most n bytes; returns how many. */
size_t console_read(char *buf, size_t n);

/*
 * Copy from the log ring: what is at and behind *index (incremental), or all
 * that is left of it.  *index becomes the place behind the last byte copied.
 * Returns the bytes copied.  clear: forget everything afterwards.
 */
size_t console_ring_read(char *buf, size_t size, uint32_t *index,
                         bool incremental, bool clear);

/*
 * The serial line, a 16550 at an I/O port (ns16550.c).  config:
 * "115200[,8n1[,0x3f8[,4]]]", rate 0 or empty: as the firmware left it.
 * False: no such device answers.
 */
bool ns16550_init(const char *config);
bool ns16550_owns_port(uint16_t port);
/* Polled; returns when the last byte is in the chip. */
void ns16550_write(const char *s, size_t n);
/* Each byte received is given to rx, from an interrupt. */
void ns16550_init_irq(void (*rx)(char c));

/* The screen (vga.c): begins empty; then text appears at its end. */
void vga_init(uint16_t *cells);
void vga_write(const char *s, size_t n);
/* Leave it to others; false: it was not ours. */
bool vga_release(void);

#endif
