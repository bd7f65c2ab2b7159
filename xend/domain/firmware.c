/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <unistd.h>

#include "domain/domain.h"
#include "util/cleanup.h"

/* Debian's package grub-xen-host; openSUSE's grub2-x86_64-xen. */
static const char *const installed[] = {
    "/usr/lib/grub-xen/grub-x86_64-xen.bin",
    "/usr/share/grub2/x86_64-xen/grub.xen",
    NULL
};

char *firmware_find(const char *firmware, const char *const *paths,
                    struct err *err)
{
    if (firmware[0] == '/')
        return xstrdup(firmware);
    if (!paths)
        paths = installed;
    for (unsigned int i = 0; paths[i]; i++)
        if (!access(paths[i], R_OK))
            return xstrdup(paths[i]);
    err_set(err, -ENOENT, "firmware \"%s\": there is no %s; install the "
            "package grub-xen-host", firmware, paths[0]);
    return NULL;
}
