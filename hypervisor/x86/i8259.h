/*
 * The old interrupt controllers: moved out of the way, and masked.
 */
#ifndef X86_I8259_H
#define X86_I8259_H

void i8259_disable(void);

#endif
