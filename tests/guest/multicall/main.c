/*
 * Several hypercalls in one: each with its own result, none of them able to
 * nest or to end the list.
 */
#include "guest.h"

void test_main(void)
{
    static struct multicall_entry e[600];
    unsigned long version = HC(xen_version, (unsigned long)XENVER_version,
                               0UL);
    unsigned int n, good = 0;

    for (n = 0; n < 600; n++)
        e[n].op = __HYPERVISOR_xen_version;
    check_eq(HC(multicall, e, 600UL), 0, "600 calls");
    for (n = 0; n < 600; n++)
        good += e[n].result == version;
    check_eq(good, 600, "every one with its result");

    e[0].op = __HYPERVISOR_multicall;
    e[1].op = __HYPERVISOR_iret;
    e[2].op = 4711;
    e[3].op = __HYPERVISOR_sched_op;
    e[3].args[0] = 999;
    e[4].op = __HYPERVISOR_xen_version;
    e[4].result = 0;
    check_eq(HC(multicall, e, 5UL), 0, "calls that fail");
    check_eq(e[0].result, -XEN_ENOSYS, "a multicall inside");
    check_eq(e[1].result, -XEN_ENOSYS, "an iret inside");
    check_eq(e[2].result, -XEN_ENOSYS, "an unknown call");
    check_eq(e[3].result, -XEN_ENOSYS, "an unknown operation");
    check_eq(e[4].result, version, "do not end the list");
    check_eq(HC(multicall, e, 0UL), 0, "an empty list");
    check_eq(HC(multicall, 0x1000UL, 1UL), -XEN_EFAULT, "a list nowhere");
    check_eq(HC(multicall, 0xffff830000000000UL, 1UL), -XEN_EFAULT,
             "a list in the hypervisor");
}
