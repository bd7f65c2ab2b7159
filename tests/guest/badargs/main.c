/*
 * Every hypercall with every kind of bad argument: each returns, and the
 * guest and the hypervisor are alive afterwards.
 *
 * Left out are those that do end or stop a guest by their meaning.
 */
#include "guest.h"

static const unsigned long bad[] = {
    0, 1, 8, 0x1000, 0x7ffffffffff8, 0x800000000000, 0xffff7fffffffffff,
    0xffff800000000000, 0xffff808000000000, 0xffff820000200000,
    0xffff820040000000, 0xffff830000000000, 0xffff87fffffffff8,
    0xfffffffffffffff8, 0xffffffffffffffff, 0x8000000000000000,
    0xffffffff, 0x100000000, 0x7fffffffffffffff, 0xffffffff00000000,
};
#define NR_BAD (sizeof(bad) / sizeof(bad[0]))

static uint64_t seed = 88172645463325252ULL;

static uint64_t random64(void)
{
    seed ^= seed << 13;
    seed ^= seed >> 7;
    seed ^= seed << 17;
    return seed;
}

/* Would such a call stop us, or take our handlers, stack or root away? */
static bool left_out(unsigned long nr, unsigned long a1)
{
    switch (nr) {
    case __HYPERVISOR_iret:
    case __HYPERVISOR_set_trap_table:
    case __HYPERVISOR_stack_switch:
    case __HYPERVISOR_set_callbacks:
    case __HYPERVISOR_callback_op:
    case __HYPERVISOR_set_segment_base:
    case __HYPERVISOR_console_io:
    case __HYPERVISOR_platform_op:
        return true;
    case __HYPERVISOR_sched_op:
        return (uint32_t)a1 == SCHEDOP_block || (uint32_t)a1 == SCHEDOP_poll ||
               (uint32_t)a1 == SCHEDOP_shutdown ||
               (uint32_t)a1 == SCHEDOP_watchdog;
    case __HYPERVISOR_sched_op_compat:
        return (uint32_t)a1 <= 2;
    case __HYPERVISOR_vcpu_op:
        return (uint32_t)a1 == VCPUOP_down;
    }
    return false;
}

static void sweep(void)
{
    unsigned long nr, cmd, calls = 0;
    unsigned int i;

    for (nr = 0; nr < 64; nr++)
        for (cmd = 0; cmd < 40; cmd++)
            for (i = 0; i < NR_BAD; i++) {
                if (left_out(nr, cmd))
                    continue;
                hypercall(nr, cmd, bad[i], bad[(i + 7) % NR_BAD], bad[i],
                          0UL);
                hypercall(nr, cmd, cmd & 3, bad[i], bad[i], bad[i]);
                calls += 2;
                if (left_out(nr, bad[i]))
                    continue;
                hypercall(nr, bad[i], 1UL, bad[i], 0x7ff0UL, 0UL);
                calls++;
            }
    check(calls > 100000, "a sweep of %lu calls comes back", calls);
}

/* The first words of a page are the argument: random, or a bad pointer. */
static void random_structs(void)
{
    uint64_t *arg = page_alloc();
    unsigned int n, i;

    for (n = 0; n < 60000; n++) {
        unsigned long nr = random64() % 48, cmd = random64() % 40;

        for (i = 0; i < 24; i++)
            arg[i] = random64() % 3 ? random64() % 16
                                    : bad[random64() % NR_BAD];
        if (left_out(nr, cmd) || nr == __HYPERVISOR_multicall ||
            nr == __HYPERVISOR_domctl)
            continue;
        hypercall(nr, cmd, (unsigned long)arg, random64() % 5, 0x7ff0UL, 0UL);
        if (nr != __HYPERVISOR_update_va_mapping)    /* would unmap arg */
            hypercall(nr, (unsigned long)arg, random64() % 5, 0UL, 0x7ff0UL,
                      0UL);
    }
    check(true, "so do 120000 with random structures");
}

/* A frame number whose end wraps was given back, it was said. */
static void highest_frame(void)
{
    xen_pfn_t mfn = ~0UL;
    struct xen_memory_reservation r = { .nr_extents = 1, .domid = DOMID_SELF };

    set_xen_guest_handle(r.extent_start, &mfn);
    check_eq(HC(memory_op, (unsigned long)XENMEM_decrease_reservation, &r), 0,
             "no frame is too high to be refused");
}

void test_main(void)
{
    highest_frame();
    sweep();
    random_structs();
    check_eq(HC(xen_version, (unsigned long)XENVER_version, 0UL) >> 16, 4,
             "the hypervisor still answers");
}
