/*
 * mm/pt_update.c, pt_entry.c: the ways to an entry beside mmu_update, and who
 * may map what.
 *
 * One address space: L4 18, L3 16, L2 12, L1 7 for address 0; the L1's
 * entries 0 and 1 map frames 1 (writable) and 7 (itself, read-only).
 */
#include "fake_mm.h"
#include "x86/cpu.h"

#define L1    7
#define L2    12
#define L3    16
#define L4    18
#define OTHER (FRAMES - OTHERS)      /* a frame of the other domain's */
#define RW    (PTE_PRESENT | PTE_RW | PTE_USER)
#define RO    (PTE_PRESENT | PTE_USER)
#define VA(n) ((n) * PAGE_SIZE)

static int setup(void **state)
{
    fake_mm_setup(state);
    table(L4)[0] = pte_make(L3, RW);
    table(L3)[0] = pte_make(L2, RW);
    table(L2)[0] = pte_make(L1, RW);
    table(L1)[0] = pte_make(1, RW);
    table(L1)[1] = pte_make(L1, RO);
    assert_int_equal(page_pin(L4, PGT_L4, &doms[0]), 0);
    vcpus[0].guest_root[0] = L4;
    vcpus[0].pv.kernel_mode = true;
    return 0;
}

static uint64_t uses(mfn_t mfn)
{
    return frames[mfn].type & PGT_USES;
}

static uint64_t nrefs(mfn_t mfn)
{
    return frames[mfn].count & PGC_REFS;
}

static int store(mfn_t mfn, unsigned int index, pte_t val, struct domain *owner)
{
    return pt_update(mfn_to_page(mfn), index, val, 0, NULL, owner);
}

static void walks(void **state)
{
    (void)state;
    assert_int_equal(pte_mfn(pt_walk(&vcpus[0], VA(0) + 5)), 1);
    assert_int_equal(pt_update_at(VA(3), false, pte_make(2, RO), NULL,
                                  &doms[0]), 0);
    assert_int_equal(pte_mfn(table(L1)[3]), 2);
    /* Nothing there, the hypervisor's part, no address at all. */
    assert_int_equal(pt_update_at(1UL << 21, false, 0, NULL, &doms[0]),
                     -EFAULT);
    assert_int_equal(pt_walk(&vcpus[0], HV_VIRT_START), 0);
    assert_int_equal(pt_walk(&vcpus[0], 1UL << 47), 0);
    vcpus[0].pv.kernel_mode = false; /* no user root */
    assert_int_equal(pt_walk(&vcpus[0], 0), 0);
    /* A table changes while it is walked: any frame number may be read. */
    vcpus[0].pv.kernel_mode = true;
    table(L3)[0] = pte_make(0xfffffff, RW);
    assert_int_equal(pt_walk(&vcpus[0], 0), 0);
    table(L3)[0] = pte_make(HOLE, RW);
    assert_int_equal(pt_walk(&vcpus[0], 0), 0);
    table(L3)[0] = pte_make(L2, RW);
}

static void accessed_and_dirty_stay(void **state)
{
    pte_t *e = &table(L1)[0];

    (void)state;
    *e |= PTE_ACCESSED | PTE_DIRTY;
    assert_int_equal(pt_update(mfn_to_page(L1), 0, pte_make(1, RO), PTE_AD,
                               NULL, &doms[0]), 0);
    assert_true(*e & PTE_DIRTY);
    assert_false(*e & PTE_RW);
    assert_int_equal(uses(1), 0);
    assert_int_equal(store(L1, 0, pte_make(1, RW), &doms[0]), 0);
    assert_false(*e & PTE_DIRTY);
    assert_int_equal(uses(1), 1);
}

static void the_hypervisors_slots(void **state)
{
    pte_t was = table(L4)[IMAGE_SLOT];

    (void)state;
    for (unsigned int i = HV_FIRST_SLOT; i <= HV_LAST_SLOT; i++) {
        assert_int_equal(store(L4, i, 0, &doms[0]), -EINVAL);
        assert_int_equal(store(L4, i, pte_make(L3, RW), &doms[0]), -EINVAL);
    }
    assert_true(table(L4)[IMAGE_SLOT] == was);
    cpu_features.isolate = true;
    assert_int_equal(store(L4, 1, pte_make(L3, RW), &doms[0]), 0);
    cpu_features.isolate = false;
    assert_int_equal(written_through, 1);
    assert_int_equal(uses(L3), 2);
}

static void no_linear_tables(void **state)
{
    (void)state;
    assert_int_equal(store(L4, 5, pte_make(L4, RW), &doms[0]), -EINVAL);
    assert_int_equal(store(L2, 5, pte_make(L3, RW), &doms[0]), -EINVAL);
    assert_int_equal(store(L1, 5, pte_make(L1, RW), &doms[0]), -EINVAL);
    assert_int_equal(store(L1, 5, pte_make(L4, RW), &doms[0]), -EINVAL);
    assert_int_equal(store(L1, 5, pte_make(L4, RO), &doms[0]), 0);
    assert_int_equal(store(L2, 5, pte_make(1, RW), &doms[0]), -EINVAL);
}

static void foreign_frames(void **state)
{
    (void)state;
    assert_int_equal(store(L1, 4, pte_make(OTHER, RW), &doms[0]), -EINVAL);
    assert_int_equal(store(L1, 4, pte_make(1, RW), &doms[1]), -EINVAL);
    assert_int_equal(store(L1, 4, pte_make(OTHER, RW), &doms[1]), 0);
    assert_int_equal(uses(OTHER), 1);
    assert_int_equal(nrefs(OTHER), 2);
    assert_false(frames[OTHER].count & PGC_FOREIGN);
    assert_int_equal(store(L1, 4, 0, &doms[0]), 0);
    assert_int_equal(nrefs(OTHER), 1);
    /* Our TLB may know it: so every CPU counts when it becomes a table. */
    assert_true(frames[OTHER].count & PGC_FOREIGN);
    flushed_at[0] = flushed_at[1] = 0;
    shim_current = &vcpus[1];
    assert_int_equal(page_pin(OTHER, PGT_L1, &doms[1]), 0);
    assert_true(flushed_at[0] && flushed_at[1]);
    shim_current = &vcpus[0];
    /* Tables are of one domain, whoever asks. */
    assert_int_equal(store(L2, 4, pte_make(OTHER, RW), &doms[1]), -EINVAL);
}

static void devices(void **state)
{
    (void)state;
    assert_int_equal(store(L1, 4, pte_make(HOLE, RW), &doms[0]), -EINVAL);
    assert_int_equal(store(L1, 4, pte_make(0xb8000, RW), dom_io), -EINVAL);
    doms[0].hardware = true;
    assert_int_equal(store(L1, 4, pte_make(HOLE, RW | PTE_PCD), &doms[0]), 0);
    assert_int_equal(store(L1, 4, pte_make(0xb8000, RW), dom_io), 0);
    assert_int_equal(store(L1, 4, pte_make(0xb8000, RW), &doms[1]), 0);
    assert_int_equal(store(L1, 5, pte_make(0xb8000, RW), &doms[1]), -EINVAL);
    assert_int_equal(store(L1, 5, pte_make(1UL << 36, RW), &doms[0]), -EINVAL);
    /* The interrupt controllers are the hypervisor's. */
    acpi.lapic_maddr = 0xfee00000;
    acpi.nr_ioapics = 1;
    acpi.ioapic[0].maddr = 0xfec00000;
    assert_int_equal(store(L1, 5, pte_make(0xfec00, RW), dom_io), -EINVAL);
    assert_int_equal(store(L1, 5, pte_make(0xfee00, RW), &doms[0]), -EINVAL);
    assert_int_equal(store(L1, 5, pte_make(0xfee00, RO), &doms[0]), -EINVAL);
    /* What is the hypervisor's RAM stays out of reach. */
    assert_int_equal(store(L1, 5, pte_make(0, RO), &doms[0]), -EINVAL);
    assert_int_equal(store(L1, 5, pte_make(0, RO), dom_io), -EINVAL);
    assert_int_equal(store(L1, 4, 0, &doms[0]), 0);
}

static void shared_frames(void **state)
{
    struct page_info *pg = mfn_to_page(0);

    (void)state;
    page_share(pg, dom_xen, false);
    assert_int_equal(store(L1, 4, pte_make(0, RO), &doms[0]), -EINVAL);
    assert_int_equal(store(L1, 4, pte_make(0, RW), dom_xen), -EINVAL);
    assert_int_equal(store(L1, 4, pte_make(0, RO), dom_xen), 0);
    assert_int_equal(page_pin(0, PGT_L1, dom_xen), -EINVAL);
    /* Freed with the last mapping; the owner's number means nothing then. */
    assert_false(page_unshare(pg));
    assert_int_equal(store(L1, 5, pte_make(0, RO), dom_xen), -EINVAL);
    assert_false(freed[0]);
    pg->type = 0;                    /* what frames_free_guest would do */
    assert_int_equal(store(L1, 4, 0, &doms[0]), 0);
    assert_true(freed[0]);
    page_share(pg, &doms[0], true);
    assert_int_equal(store(L1, 4, pte_make(0, RW), &doms[0]), 0);
    assert_int_equal(store(L1, 4, 0, &doms[0]), 0);
    assert_true(page_unshare(pg));
}

static int emulate(unsigned long va, uint64_t val, unsigned int bytes)
{
    return pt_emulate_write(&vcpus[0], va, val, bytes, false, 0);
}

static void emulated_writes(void **state)
{
    pte_t old;

    (void)state;
    assert_int_equal(emulate(VA(1) + 8 * 9, pte_make(2, RW), 8), 0);
    assert_int_equal(pte_mfn(table(L1)[9]), 2);
    assert_int_equal(uses(2), 1);
    /* Half an entry: the upper one, then the lower. */
    assert_int_equal(emulate(VA(1) + 8 * 9 + 4, 1U << 31, 4), 0);
    assert_true(table(L1)[9] & PTE_NX);
    assert_int_equal(emulate(VA(1) + 8 * 9, 0, 4), 0);
    assert_int_equal(uses(2), 0);
    /* Not allowed; not aligned; no table. */
    assert_int_equal(emulate(VA(1), pte_make(L2, RW), 8), -EINVAL);
    assert_int_equal(emulate(VA(1) + 6, 0, 4), -ENOENT);
    assert_int_equal(emulate(VA(0), 0, 8), -ENOENT);
    assert_int_equal(emulate(VA(77), 0, 8), -ENOENT);
    /* Level 1 only. */
    assert_int_equal(store(L1, 2, pte_make(L2, RO), &doms[0]), 0);
    assert_int_equal(emulate(VA(2), 0, 8), -ENOENT);
    /* Compare and exchange. */
    old = table(L1)[0];
    assert_int_equal(pt_emulate_write(&vcpus[0], VA(1), 0, 8, true, old + 1),
                     -EAGAIN);
    assert_true(table(L1)[0] == old);
    assert_int_equal(pt_emulate_write(&vcpus[0], VA(1), pte_make(3, RO), 8,
                                      true, old), 0);
    assert_int_equal(uses(1), 0);
    assert_int_equal(nrefs(3), 2);
}

/* A grant's entry at va, or at a machine address; gone only if it maps mfn. */
static int map(uint64_t addr, bool is_maddr, mfn_t mfn)
{
    return pt_update_at(addr, is_maddr, pte_make(mfn, RW), &(struct pt_cond){},
                        &doms[1]);
}

static int unmap(uint64_t addr, bool is_maddr, mfn_t mfn)
{
    const struct pt_cond maps = { PTE_PRESENT | PTE_ADDR_MASK,
                                  pte_make(mfn, PTE_PRESENT) };

    return pt_update_at(addr, is_maddr, 0, &maps, &doms[0]);
}

static void grants(void **state)
{
    (void)state;
    /* Over a page in use; what was there is given back. */
    assert_int_equal(map(VA(0), false, OTHER), 0);
    assert_int_equal(uses(1), 0);
    assert_int_equal(unmap(VA(0), false, 1), -EAGAIN);
    assert_int_equal(nrefs(OTHER), 2);
    assert_int_equal(uses(OTHER), 1);
    table(L1)[0] |= PTE_DIRTY;       /* by the CPU */
    assert_int_equal(unmap(VA(0), false, OTHER), 0);
    assert_int_equal(table(L1)[0], 0);
    assert_int_equal(nrefs(OTHER), 1);
    assert_int_equal(uses(OTHER), 0);
    assert_int_equal(unmap(VA(0), false, OTHER), -EAGAIN);
    /* By the entry's machine address. */
    assert_int_equal(map(VA(L1) + 3 * 8, true, OTHER), 0);
    assert_int_equal(pte_mfn(table(L1)[3]), OTHER);
    /* The guest overwrites it: then it is gone for the grant, too. */
    assert_int_equal(store(L1, 3, 0, &doms[0]), 0);
    assert_int_equal(nrefs(OTHER), 1);
    assert_int_equal(unmap(VA(L1) + 3 * 8, true, OTHER), -EAGAIN);
    /* Only level 1, only its own tables. */
    assert_int_equal(map(VA(L2) + 8, true, OTHER), -ENOENT);
    assert_int_equal(map(VA(OTHER), true, OTHER), -EFAULT);
    assert_int_equal(map(VA(L1) + 4, true, OTHER), -EFAULT);
    assert_int_equal(map(HV_VIRT_START, false, OTHER), -EFAULT);
    assert_int_equal(nrefs(OTHER), 1);
    assert_int_equal(shim_locks_held(), 0);
}

#define CASE(fn) cmocka_unit_test_setup_teardown(fn, setup, fake_mm_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(walks), CASE(accessed_and_dirty_stay),
        CASE(the_hypervisors_slots), CASE(no_linear_tables),
        CASE(foreign_frames), CASE(devices), CASE(shared_frames),
        CASE(emulated_writes), CASE(grants),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
