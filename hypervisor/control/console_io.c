/*
 * HYPERVISOR_console_io: the hardware domain's console.
 */
#include "control/control.h"
#include "domain/domain.h"
#include "drivers/console.h"
#include "mm/guest_copy.h"
#include "x86/percpu.h"

#define CHUNK 256

static long console_io_write(unsigned int count, char __guest *buf)
{
    char text[CHUNK];
    unsigned int n;

    while (count) {
        n = MIN(count, CHUNK);
        if (copy_from_guest(text, buf, n))
            return -EFAULT;
        console_write(text, n);
        buf += n;
        count -= n;
        if (count && hypercall_should_yield())
            return hypercall_again(3, (unsigned long)CONSOLEIO_write,
                                   (unsigned long)count, buf);
    }
    return 0;
}

static long console_io_read(unsigned int count, char __guest *buf)
{
    char text[CHUNK];
    unsigned int n = console_read(text, MIN(count, CHUNK));

    return copy_to_guest(buf, text, n) ? -EFAULT : (long)n;
}

long do_console_io(unsigned int cmd, unsigned int count, void __guest *buf)
{
    if (!current->domain->privileged)
        return -EPERM;
    if ((int)count < 0)
        return -EINVAL;
    switch (cmd) {
    case CONSOLEIO_write: return console_io_write(count, buf);
    case CONSOLEIO_read:  return console_io_read(count, buf);
    default:              return -ENOSYS;
    }
}
