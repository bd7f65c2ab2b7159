/*
 * Where the parts of our own image lie (zazen.lds.S).  Each starts a page.
 */
#ifndef X86_IMAGE_H
#define X86_IMAGE_H

#include "lib/types.h"
#include "x86/addrmap.h"

extern char image_start[];           /* first byte, the multiboot header */
extern char text_start[], text_end[];             /* execute */
extern char entry_text_start[], entry_text_end[]; /* execute; the only code
                                        that an isolated root maps */
extern char rodata_start[], rodata_end[];         /* read */
extern char init_start[], init_end[];             /* all rights until the
                                        boot is over, then freed */
extern bool init_freed;              /* they are not mapped any more */
extern char data_start[], image_end[];            /* read and write */

static inline paddr_t image_maddr(const void *p)
{
    return (unsigned long)p - IMAGE_START;
}

#endif
