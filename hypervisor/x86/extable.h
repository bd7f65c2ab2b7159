/*
 * Faults that we expect: an instruction's address and where to go on instead
 * (extable_lookup, x86/crash.h).
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

#endif
