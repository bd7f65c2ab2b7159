/*
 * Faults that we expect: an instruction's address and where to go on instead.
 */
#ifndef X86_EXTABLE_H
#define X86_EXTABLE_H

/* In inline assembler: a fault at label `from` continues at label `to`. */
#define EXTABLE(from, to)                                   \
    ".pushsection .extable, \"a\"\n"                        \
    ".balign 4\n"                                           \
    ".long (" #from ") - .\n"                               \
    ".long (" #to ") - .\n"                                 \
    ".popsection\n"

/* Where to go on after a fault at rip; 0: nobody expected it. */
unsigned long extable_lookup(unsigned long rip);

#endif
