/*
 * Hypercalls for the tool stack and for dom0 as the machine's owner.
 */
#ifndef CONTROL_CONTROL_H
#define CONTROL_CONTROL_H

#include "lib/abi.h"

long do_domctl(void __guest *uop);
long do_sysctl(void __guest *uop);
long do_platform_op(void __guest *uop);
/* At boot: what XENVER_commandline tells dom0. */
void version_set_cmdline(const char *cmdline);

/* What a key does (keys.c); interrupts on. */
void key_pressed(char key);
/* The same, soon: from an interrupt. */
void key_typed(char key);
void keys_init(void);

long do_xen_version(int cmd, void __guest *arg);
long do_console_io(unsigned int cmd, unsigned int count, void __guest *buf);
long do_zazen_op(unsigned int cmd, void __guest *arg);

#endif
