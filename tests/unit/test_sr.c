/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A guest that the builder made, suspended, saved, and restored on another
 * machine whose frames have other numbers: it finds all as it was.  Guests
 * that lie about their memory are not saved.
 */
#define _GNU_SOURCE
#include "fake_kernel.h"
#include "fake_xc.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include <xen/grant_table.h>

#define PTE_MFN(e)  (((e) & 0xffffffffff000) >> 12)

struct machine {
    struct fake_xc *f;
    struct xc *xc;
    uint32_t domid;
};

static struct machine from, to;
static struct xc_error err;
static int file;

static void machine_init(struct machine *m, unsigned int first_frame,
                         unsigned int vcpus)
{
    const struct xc_domain_config config = { .max_vcpus = vcpus };

    m->f = fake_open(&m->xc);
    m->f->next_frame = first_frame;
    assert_int_equal(xc_domain_create(m->xc, &config, &m->domid), 0);
}

static struct shared_info *shared(struct machine *m)
{
    return fake_frame(m->f, fake_mfn(m->f->shared_info));
}

static uint64_t pfn_of(struct machine *m, uint64_t mfn)
{
    return (uint64_t)m->f->pfn_of[(mfn - FAKE_MFN_BASE) ^ 1u];
}

static void *at_va(struct machine *m, uint64_t va)
{
    uint64_t e = fake_walk(m->f, va);

    assert_true(e);
    return (char *)fake_frame(m->f, PTE_MFN(e)) + (va & 0xfff);
}

static struct start_info *start_info(struct machine *m)
{
    return fake_frame(m->f, m->f->context.user_regs.rdx);
}

/* What its kernel does before it calls. */
static void suspend(struct machine *m)
{
    struct vcpu_guest_context *c = &m->f->context;
    struct start_info *si;

    c->user_regs.rdx = PTE_MFN(fake_walk(m->f, c->user_regs.rsi));
    c->ctrlreg[3] = xen_pfn_to_cr3(m->f->pinned_mfn);
    c->gdt_ents = 16;
    c->gdt_frames[0] = PTE_MFN(fake_walk(m->f, c->user_regs.rsp - 8));
    si = start_info(m);
    si->store_mfn = pfn_of(m, si->store_mfn);
    si->console.domU.mfn = pfn_of(m, si->console.domU.mfn);
    shared(m)->arch.max_pfn = si->nr_pages;
    shared(m)->arch.p2m_vaddr = si->mfn_list;
    shared(m)->arch.p2m_cr3 = c->ctrlreg[3];
    m->f->entries.syscall32_callback_eip = 0xffffffff81001234;
    m->f->entries.sysenter_disables_events = 1;
}

static int setup(void **state)
{
    char path[] = "/tmp/test_srXXXXXX";
    struct blob kernel = make_elf(LINUX_LIKE);
    struct xc_dom_params params = {
        .kernel = path, .memory_kb = 32 * 1024, .vcpus = 2, .store_port = 1,
        .console_port = 2,
    };
    struct xc_dom_result result;
    int fd = mkstemp(path);

    (void)state;
    assert_int_equal(write(fd, kernel.p, kernel.size), kernel.size);
    close(fd);
    free(kernel.p);
    machine_init(&from, 2, 2);
    params.domid = from.domid;
    assert_int_equal(xc_dom_build(from.xc, &params, &result, &err), 0);
    unlink(path);
    suspend(&from);
    file = memfd_create("saved", 0);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    fake_close(from.f, from.xc);
    close(file);
    return 0;
}

static int save(void)
{
    const struct xc_sr_save s = {
        .domid = from.domid, .fd = file, .path = "file", .config = "{}",
        .config_size = 2, .store = "nodes", .store_size = 5,
    };
    int rc = xc_sr_save(from.xc, &s, &err);

    assert_int_equal(from.f->nr_maps, 0);
    assert_true(from.xc->pool_used == 0);
    return rc;
}

static int restore(void)
{
    const struct xc_sr_restore r = {
        .domid = to.domid, .fd = file, .path = "file", .store_port = 7,
        .console_port = 8,
    };
    struct xc_dom_result result;
    int rc = xc_sr_restore(to.xc, &r, &result, &err);

    assert_int_equal(to.f->nr_maps, 0);
    assert_true(to.xc->pool_used == 0);
    return rc;
}

/* Below both roots the same pfns are mapped, in the same way. */
static void check_mapping(uint64_t va, uint64_t pages)
{
    for (uint64_t i = 0; i < pages; i++, va += XC_PAGE_SIZE) {
        uint64_t a = fake_walk(from.f, va), b = fake_walk(to.f, va);

        assert_int_equal(a & ~0xffffffffff000, b & ~0xffffffffff000);
        if (a)
            assert_int_equal(pfn_of(&from, PTE_MFN(a)),
                             pfn_of(&to, PTE_MFN(b)));
    }
}

static void check_contents(uint64_t list_va, uint64_t pages)
{
    const uint64_t *a, *b;

    for (uint64_t pfn = 0; pfn < pages; pfn++) {
        unsigned int frame;

        a = at_va(&from, list_va + pfn * 8);
        b = at_va(&to, list_va + pfn * 8);
        assert_int_equal(pfn_of(&to, *b), pfn);
        frame = (unsigned int)(*a - FAKE_MFN_BASE) ^ 1u;
        if (from.f->level[frame] || *a == from.f->context.user_regs.rdx ||
            (*a >= PTE_MFN(fake_walk(from.f, list_va)) &&
             *a - PTE_MFN(fake_walk(from.f, list_va)) < 32))
            continue;           /* they name frames */
        assert_memory_equal(fake_frame(from.f, *a), fake_frame(to.f, *b),
                            XC_PAGE_SIZE);
    }
}

static void test_moved(void **state)
{
    const struct start_info *a, *b;
    const struct grant_entry_v1 *gnt;
    struct xc_sr_info info;

    (void)state;
    memset(at_va(&from, VIRT_BASE + LOAD), 0, XC_PAGE_SIZE);
    if (save())
        fail_msg("%s", err.text);
    assert_int_equal(xc_sr_check(file, "file", NULL, &info, &err), 0);
    assert_string_equal(info.config, "{}");
    assert_string_equal(info.store, "nodes");
    assert_int_equal(info.pages, 8192);
    assert_int_equal(info.vcpus, 2);
    xc_sr_info_fini(&info);
    machine_init(&to, 333, 2);
    if (restore())
        fail_msg("%s (%s)", err.text, to.f->why);
    a = start_info(&from);
    b = start_info(&to);
    check_mapping(VIRT_BASE, 8192);
    check_mapping(a->mfn_list, 16);
    check_contents(a->mfn_list, a->nr_pages);
    assert_int_equal(pfn_of(&to, b->store_mfn), a->store_mfn);
    assert_int_equal(pfn_of(&to, b->console.domU.mfn), a->console.domU.mfn);
    assert_int_equal(b->store_evtchn, 7);
    assert_int_equal(b->console.domU.evtchn, 8);
    assert_int_equal(b->shared_info >> 12, fake_mfn(to.f->shared_info));
    assert_int_equal(to.f->context.user_regs.rip,
                     from.f->context.user_regs.rip);
    assert_int_equal(pfn_of(&to, to.f->context.gdt_frames[0]),
                     pfn_of(&from, from.f->context.gdt_frames[0]));
    assert_int_equal(to.f->entries.syscall32_callback_eip, 0xffffffff81001234);
    assert_int_equal(to.f->entries.sysenter_disables_events, 1);
    /* A kernel that resumes unmasks what it wants, and nothing is pending. */
    for (size_t i = 0; i < 64; i++) {
        assert_int_equal(shared(&to)->evtchn_mask[i], ~0UL);
        assert_int_equal(shared(&to)->evtchn_pending[i], 0);
    }
    assert_int_equal(shared(&to)->vcpu_info[0].evtchn_upcall_mask, 1);
    gnt = fake_frame(to.f, fake_mfn(to.f->grants));
    assert_int_equal(gnt[0].frame, b->console.domU.mfn);
    assert_int_equal(gnt[1].frame, b->store_mfn);
    fake_close(to.f, to.xc);
}

/* ---- guests that lie ---- */

static uint64_t *list_entry(uint64_t pfn)
{
    return at_va(&from, start_info(&from)->mfn_list + pfn * 8);
}

static void no_list(void)
{
    shared(&from)->arch.p2m_cr3 = 0;
}

static void list_unmapped(void)
{
    shared(&from)->arch.p2m_vaddr = 0x7000000000;
}

static void list_long(void)
{
    shared(&from)->arch.max_pfn = ~0UL;
}

static void list_of_strangers(void)
{
    shared(&from)->arch.p2m_cr3 =
        xen_pfn_to_cr3(fake_mfn(FAKE_FRAMES - 5));
}

static void frame_twice(void)
{
    *list_entry(3) = *list_entry(4);
}

static void frame_hidden(void)
{
    /* Mapped by its tables, but not in its list. */
    *list_entry(pfn_of(&from, PTE_MFN(fake_walk(from.f, VIRT_BASE + LOAD)))) =
        ~0UL;
}

static void start_info_elsewhere(void)
{
    from.f->context.user_regs.rdx = fake_mfn(from.f->shared_info);
}

static void gdt_elsewhere(void)
{
    from.f->context.gdt_frames[0] = ~0UL;
}

static void gdt_long(void)
{
    from.f->context.gdt_ents = 100000;
}

static void test_liars(void **state)
{
    static const struct {
        void (*lie)(void);
        int rc;
    } lies[] = {
        { no_list, -EOPNOTSUPP }, { list_unmapped, -EINVAL },
        { list_long, -EINVAL }, { list_of_strangers, -EINVAL },
        { frame_twice, -EINVAL }, { frame_hidden, -EINVAL },
        { start_info_elsewhere, -EINVAL }, { gdt_elsewhere, -EINVAL },
        { gdt_long, -EINVAL },
    };

    teardown(state);
    for (size_t i = 0; i < sizeof(lies) / sizeof(lies[0]); i++) {
        int rc;

        setup(state);
        lies[i].lie();
        rc = save();
        if (rc != lies[i].rc)
            fail_msg("lie %zu: %d, %s", i, rc, err.text);
        assert_null(strchr(err.text, '\n'));
        assert_non_null(strstr(err.text, "cannot be saved"));
        teardown(state);
    }
    setup(state);
}

/* ---- machines that do not fit ---- */

static void test_misfits(void **state)
{
    struct xc_sr_info info;

    (void)state;
    assert_int_equal(save(), 0);
    machine_init(&to, 2, 2);
    to.f->free_frames = 8191;
    assert_int_equal(restore(), -ENOMEM);
    assert_non_null(strstr(err.text, "32 MiB"));
    fake_close(to.f, to.xc);
    machine_init(&to, 2, 1);
    assert_int_equal(restore(), -EBADMSG);
    assert_non_null(strstr(err.text, "vcpus"));
    fake_close(to.f, to.xc);
    /* The file has changed since it was checked. */
    machine_init(&to, 2, 2);
    assert_int_equal(pwrite(file, "x", 1, lseek(file, 0, SEEK_END) / 2), 1);
    assert_int_equal(restore(), -EBADMSG);
    assert_int_equal(xc_sr_check(file, "file", NULL, &info, &err), -EBADMSG);
    fake_close(to.f, to.xc);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_moved, setup, teardown),
        cmocka_unit_test_setup_teardown(test_liars, setup, teardown),
        cmocka_unit_test_setup_teardown(test_misfits, setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
