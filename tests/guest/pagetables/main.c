/*
 * What a guest may and may not have in its page tables.
 *
 * Every refusal below would, if it were accepted, let a guest write to a page
 * table or reach memory that is not its own.
 */
#include "guest.h"

static uint64_t maddr_of(const void *p)
{
    return ((uint64_t)virt_to_mfn(p) << 12) | ((unsigned long)p & 0xfff);
}

static void test_types(void)
{
    uint64_t *l1 = page_alloc(), *data = page_alloc();

    check_eq(pin(MMUEXT_PIN_L1_TABLE, l1), -XEN_EINVAL,
             "a page mapped writable cannot become a table");
    check_eq(remap(l1, KERNEL_RO), 0, "map it read-only");
    check_eq(pin(MMUEXT_PIN_L1_TABLE, l1), 0, "now it can");
    check_eq(pin(MMUEXT_PIN_L1_TABLE, l1), -XEN_EINVAL, "not twice");
    check(pin(MMUEXT_PIN_L2_TABLE, l1) < 0, "nor as another level");
    check(remap(l1, KERNEL) < 0, "a table cannot be mapped writable");
    check_eq(remap(l1, KERNEL_RO), 0, "but read-only");

    check_eq(mmu_update(maddr_of(&l1[5]), PTE(virt_to_mfn(data), USER)), 0,
             "an entry for a page of ours");
    check(l1[5] & PTE_P, "it is in the table");
    check(mmu_update(maddr_of(&l1[6]), PTE(virt_to_mfn(l1), USER)) < 0,
          "a writable entry for the table itself is refused");
    check_eq(l1[6], 0, "and nothing was changed");
    check_eq(mmu_update(maddr_of(&l1[6]), PTE(virt_to_mfn(l1),
                                             PTE_P | PTE_U)), 0,
             "a read-only one is fine");
    check_eq(mmu_update(maddr_of(&l1[6]), 0), 0, "clear it");
    check_eq(mmu_update(maddr_of(&l1[5]), 0), 0, "clear the other");

    check_eq(pin(MMUEXT_UNPIN_TABLE, l1), 0, "unpin");
    check_eq(pin(MMUEXT_UNPIN_TABLE, l1), -XEN_EINVAL,
             "what is not pinned cannot be unpinned");
    check_eq(remap(l1, KERNEL), 0, "it is an ordinary page again");
    l1[0] = 42;
    check_eq(l1[0], 42, "which can be written");
}

static void test_foreign(void)
{
    uint64_t *l1 = page_alloc();
    unsigned long table_mfn = PTE_MFN(*pt_entry(VIRT_BASE, 4));

    remap(l1, KERNEL_RO);
    pin(MMUEXT_PIN_L1_TABLE, l1);
    check(mmu_update(maddr_of(&l1[0]), PTE(0x200, USER)) < 0,
          "a frame of the hypervisor's image is refused");
    check(mmu_update(maddr_of(&l1[0]), PTE(0x200, PTE_P | PTE_U)) < 0,
          "also read-only");
    check(mmu_update(maddr_of(&l1[0]), PTE(0xfee00, PTE_P | PTE_U)) < 0,
          "the local APIC is refused");
    check(mmu_update(maddr_of(&l1[0]), PTE(0xfec00, PTE_P | PTE_U)) < 0,
          "the I/O APIC is refused");
    check_eq(mmu_update(maddr_of(&l1[0]), PTE(0xfed00, PTE_P | PTE_U)), 0,
             "dom0 may map another device, the HPET");
    check_eq(mmu_update(maddr_of(&l1[0]), 0), 0, "clear it");
    check(mmu_update(maddr_of(&l1[0]), PTE(table_mfn, USER)) < 0,
          "a writable mapping of a live page table is refused");
    check(mmu_update(maddr_of(&l1[0]), PTE(start_info->shared_info >> 12,
                                           USER)) == 0,
          "the shared info page may be mapped");
    check(mmu_update(maddr_of(&l1[0]), 0) == 0, "and unmapped");
    check(mmu_update(((uint64_t)0x200 << 12) | 8, 0) < 0,
          "an update of a frame of the hypervisor's is refused");
    check(mmu_update(maddr_of(&l1[0]) + 4, 0) != 0,
          "an entry lies on eight bytes");
    pin(MMUEXT_UNPIN_TABLE, l1);
    remap(l1, KERNEL);
}

static void test_bits(void)
{
    uint64_t *l2 = page_alloc(), *data = page_alloc();
    uint64_t *l4 = (uint64_t *)start_info->pt_base;

    remap(l2, KERNEL_RO);
    check_eq(pin(MMUEXT_PIN_L2_TABLE, l2), 0, "an empty level 2 table");
    check(mmu_update(maddr_of(&l2[0]),
                     PTE(virt_to_mfn(data) & ~0x1ffUL, USER | PTE_PSE)) < 0,
          "a superpage is refused");
    check(mmu_update(maddr_of(&l2[0]), PTE(virt_to_mfn(data), LINK)) < 0,
          "a page that is mapped writable is no level 1 table");
    check(mmu_update(maddr_of(&l2[0]), PTE(virt_to_mfn(l2), LINK)) < 0,
          "a table is no table of its own");
    check(mmu_update(maddr_of(&l4[256]), 0) < 0,
          "the hypervisor's first slot stays");
    check(mmu_update(maddr_of(&l4[262]), PTE(virt_to_mfn(l2), LINK)) < 0,
          "and its direct map's");
    pin(MMUEXT_UNPIN_TABLE, l2);
    remap(l2, KERNEL);
}

/* A kernel that stores to its tables directly: emulated, with the checks. */
static volatile uint64_t *store_at;
static uint64_t store_val;

static void do_store(void *unused)
{
    (void)unused;
    *store_at = store_val;
}

static void test_direct_writes(void)
{
    uint64_t *l1 = page_alloc(), *data = page_alloc();

    remap(l1, KERNEL_RO);
    pin(MMUEXT_PIN_L1_TABLE, l1);
    store_at = &l1[3];
    store_val = PTE(virt_to_mfn(data), USER);
    check_eq(try_call(do_store, NULL), 1, "without the assist it faults");
    check_eq(last_trap.vector, 14, "a page fault");
    check_eq(last_trap.error, 3, "present, write, kernel");
    check_eq(last_cr2, (unsigned long)&l1[3], "at the entry");
    check_eq(HC(vm_assist, (unsigned long)VMASST_CMD_enable,
                (unsigned long)VMASST_TYPE_writable_pagetables), 0,
             "ask for writable page tables");
    check_eq(try_call(do_store, NULL), 0, "now the store is done");
    check_eq(PTE_MFN(l1[3]), virt_to_mfn(data), "as asked");
    store_val = PTE(0x200, USER);
    check_eq(try_call(do_store, NULL), 1, "a bad entry still faults");
    check_eq(PTE_MFN(l1[3]), virt_to_mfn(data), "and changes nothing");
    remap(data, KERNEL_RO);
    store_at = data;
    check_eq(try_call(do_store, NULL), 1,
             "a read-only page that is no table faults");
    remap(data, KERNEL);
    mmu_update(maddr_of(&l1[3]), 0);
    pin(MMUEXT_UNPIN_TABLE, l1);
    remap(l1, KERNEL);
}

static void test_roots(void)
{
    uint64_t *root = page_alloc(), *old = (uint64_t *)start_info->pt_base;
    struct mmuext_op op = { .cmd = MMUEXT_NEW_BASEPTR };
    unsigned int n;

    op.arg1.mfn = virt_to_mfn(old);
    for (n = 0; n < 512; n++)
        root[n] = n >= 256 && n < 272 ? 0 : old[n];
    remap(root, KERNEL_RO);
    check_eq(pin(MMUEXT_PIN_L4_TABLE, root), 0, "pin a copy of the root");
    op.arg1.mfn = virt_to_mfn(root);
    check_eq(HC(mmuext_op, &op, 1UL, 0UL, (unsigned long)DOMID_SELF), 0,
             "run on it");
    check_eq(pin(MMUEXT_UNPIN_TABLE, root), 0, "unpin it while in use");
    check(remap(root, KERNEL) < 0, "it is still a table");
    op.arg1.mfn = virt_to_mfn(old);
    check_eq(HC(mmuext_op, &op, 1UL, 0UL, (unsigned long)DOMID_SELF), 0,
             "back to the first root");
    check_eq(remap(root, KERNEL), 0, "now it is not");
    op.arg1.mfn = virt_to_mfn(root);
    check(HC(mmuext_op, &op, 1UL, 0UL, (unsigned long)DOMID_SELF) < 0,
          "an ordinary page is no root");
}

static void read_word(void *p)
{
    (void)*(volatile uint64_t *)p;
}

static void test_hypervisor_space(void)
{
    static const unsigned long space[] = {
        0xffff808000000000, 0xffff810000000000, 0xffff818000000000,
        0xffff820000200000, 0xffff820040000000, 0xffff830000000000,
        0xffff830000100000,
    };
    unsigned int n;

    for (n = 0; n < sizeof(space) / sizeof(space[0]); n++)
        check_eq(try_call(read_word, (void *)space[n]), 1,
                 "the hypervisor's memory cannot be read");
    check_eq(try_call(read_word, (void *)0xffff800000000000), 0,
             "the machine-to-physical table can");
}

void test_main(void)
{
    test_types();
    test_foreign();
    test_bits();
    test_direct_writes();
    test_roots();
    test_hypervisor_space();
}
