/*
 * zazen's own hypercall, __HYPERVISOR_arch_7: do_zazen_op(cmd, arg), for
 * privileged domains.  Other hypervisors answer -ENOSYS, which is how tools
 * find out.  A change that breaks callers gets a new command number.
 */
#ifndef LIB_ZAZEN_ABI_H
#define LIB_ZAZEN_ABI_H

#include <stdint.h>
#include <xen/xen.h>

#define __HYPERVISOR_zazen_op    __HYPERVISOR_arch_7

/* Returns ZAZEN_ABI_VERSION; arg is not read.  It grows with each addition. */
#define ZAZEN_OP_version         0
#define ZAZEN_ABI_VERSION        1

/*
 * Borrowed virtual time of a domain.  A warped vcpu that wakes is scheduled
 * as if its virtual time were warp_us less, for at most warp_limit_us of run
 * time at once (0: no limit) and not again within unwarp_us.
 * -ESRCH, -EINVAL (a time over 1 s).
 */
#define ZAZEN_OP_get_bvt         1
#define ZAZEN_OP_set_bvt         2
struct zazen_bvt {
    uint16_t domid;              /* IN */
    uint16_t weight;             /* OUT; set through the scheduler's domctl */
    uint32_t warp_on;            /* 0 or 1 */
    uint32_t warp_us, warp_limit_us, unwarp_us;
    uint32_t pad;
};

/*
 * Counters, summed over all CPUs.  Names of one line each, '\n' after each,
 * are written to names as far as names_size allows.  nr and names_size return
 * what there is.
 */
#define ZAZEN_OP_counters        3
struct zazen_counters {
    uint32_t nr;                 /* IN: room in values  OUT: counters */
    uint32_t names_size;         /* IN: room in names  OUT: bytes */
    uint64_t values;             /* address of uint64_t[nr], or 0 */
    uint64_t names;              /* address of char[names_size], or 0 */
};

#endif
