/*
 * The guest and control ABI: Debian's libxen-dev, included once, here.
 *
 * __XEN_TOOLS__ makes the control structures visible and selects the newest
 * interface version, where a guest handle is { type *p; }.
 */
#ifndef LIB_ABI_H
#define LIB_ABI_H

#include "lib/types.h"

#define __XEN_TOOLS__ 1

#include <xen/xen.h>
#include <xen/arch-x86/cpuid.h>
#include <xen/callback.h>
#include <xen/domctl.h>
#include <xen/elfnote.h>
#include <xen/errno.h>
#include <xen/event_channel.h>
#include <xen/features.h>
#include <xen/grant_table.h>
#include <xen/memory.h>
#include <xen/physdev.h>
#include <xen/platform.h>
#include <xen/sched.h>
#include <xen/sysctl.h>
#include <xen/vcpu.h>
#include <xen/version.h>

/*
 * Errors inside the hypervisor are the ABI's numbers under their usual names:
 * a hypercall returns -EINVAL.  On the host <errno.h> may have given them.
 */
#ifndef EPERM
enum {
    EPERM = XEN_EPERM, ENOENT = XEN_ENOENT, ESRCH = XEN_ESRCH,
    EIO = XEN_EIO, ENXIO = XEN_ENXIO, E2BIG = XEN_E2BIG,
    EAGAIN = XEN_EAGAIN, ENOMEM = XEN_ENOMEM, EACCES = XEN_EACCES,
    EFAULT = XEN_EFAULT, EBUSY = XEN_EBUSY, EEXIST = XEN_EEXIST,
    ENODEV = XEN_ENODEV, EINVAL = XEN_EINVAL, ENOSPC = XEN_ENOSPC,
    ERANGE = XEN_ERANGE, ENOSYS = XEN_ENOSYS, ENODATA = XEN_ENODATA,
    EOVERFLOW = XEN_EOVERFLOW, EILSEQ = XEN_EILSEQ,
    ERESTART = 85,                   /* never leaves the hypervisor */
    EOPNOTSUPP = XEN_EOPNOTSUPP, ENOBUFS = XEN_ENOBUFS,
};
#endif

_Static_assert(sizeof(struct vcpu_info) == 64, "ABI");
_Static_assert(sizeof(struct vcpu_time_info) == 32, "ABI");
_Static_assert(sizeof(struct start_info) <= PAGE_SIZE, "ABI");
_Static_assert(sizeof(struct shared_info) <= PAGE_SIZE, "ABI");
_Static_assert(sizeof(struct xen_domctl) == 144, "ABI");

#endif
