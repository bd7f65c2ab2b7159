/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The domain builder over a model of the hypervisor: what it puts into a
 * domain's memory, whatever form the kernel comes in, and what it says of
 * files that are no kernels.
 */
#define _GNU_SOURCE
#include "fake_xc.h"
#include "fake_kernel.h"
#include "xc_dom.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <xen/grant_table.h>

static char dir[] = "/tmp/test_xc_domXXXXXX";
static char kernel_path[64], ramdisk_path[64], cache_path[64];

static void store(const char *path, const uint8_t *p, size_t size)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);

    assert_true(fd >= 0);
    assert_int_equal(write(fd, p, size), size);
    close(fd);
}

static void store_free(const char *path, struct blob b)
{
    store(path, b.p, b.size);
    free(b.p);
}

/* ---- one build ---- */

struct build {
    struct fake_xc *f;
    struct xc *xc;
    struct xc_dom_params params;
    struct xc_dom_result result;
    struct xc_error err;
};

static int setup(void **state)
{
    struct build *b = calloc(1, sizeof(*b));
    const struct xc_domain_config config = { .max_vcpus = 2 };

    b->f = fake_open(&b->xc);
    assert_int_equal(xc_domain_create(b->xc, &config, &b->params.domid), 0);
    b->params.kernel = kernel_path;
    b->params.cmdline = "console=hvc0 root=/dev/xvda";
    b->params.memory_kb = 32 * 1024;
    b->params.vcpus = 2;
    b->params.store_port = 1;
    b->params.console_port = 2;
    xc_domain_set_max_mem(b->xc, b->params.domid, 32 * 1024 + 1024);
    *state = b;
    return 0;
}

static int teardown(void **state)
{
    struct build *b = *state;

    fake_close(b->f, b->xc);
    free(b);
    return 0;
}

static int build(struct build *b)
{
    int rc = xc_dom_build(b->xc, &b->params, &b->result, &b->err);

    /* Nothing stays mapped, whatever happened. */
    assert_int_equal(b->f->nr_maps, 0);
    assert_true(b->xc->pool_used == 0);
    return rc;
}

static void build_ok(struct build *b)
{
    int rc = build(b);

    if (rc)
        fail_msg("rc %d: %s (%s)", rc, b->err.text, b->f->why);
}

static uint8_t *at_va(struct build *b, uint64_t va)
{
    uint64_t e = fake_walk(b->f, va);

    assert_true(e);
    return (uint8_t *)fake_frame(b->f, (e & 0xffffffffff000) >> 12) +
           (va & 0xfff);
}

static uint64_t mfn_at(struct build *b, uint64_t va)
{
    uint64_t e = fake_walk(b->f, va);

    return (e & 0xffffffffff000) >> 12;
}

/* The segments are where they belong, and the bss is zero. */
static void check_kernel(struct build *b, uint64_t va)
{
    for (size_t i = 0; i < 0x4e00; i++)
        assert_int_equal(*at_va(b, va + i), pattern(0x1000 + i));
    for (size_t i = 0; i < DATA_FILE; i++)
        assert_int_equal(*at_va(b, va + 0x10000 + i), pattern(DATA_OFF + i));
    for (size_t i = DATA_FILE; i < DATA_MEM; i++)
        assert_int_equal(*at_va(b, va + 0x10000 + i), 0);
}

static struct start_info *start_info(struct build *b)
{
    return (struct start_info *)at_va(b, b->f->context.user_regs.rsi);
}

/* Every pfn's place in the list, as the guest sees it, is right. */
static void check_p2m(struct build *b, const struct start_info *si)
{
    for (uint64_t pfn = 0; pfn < si->nr_pages; pfn++) {
        uint64_t mfn = *(uint64_t *)at_va(b, si->mfn_list + pfn * 8);
        unsigned int frame = (unsigned int)(mfn - FAKE_MFN_BASE) ^ 1u;

        assert_true(b->f->owned[frame]);
        assert_int_equal(b->f->pfn_of[frame], pfn);
    }
}

/* What holds for every kernel that was built. */
static void check_domain(struct build *b, uint64_t virt_base)
{
    const struct vcpu_guest_context *c = &b->f->context;
    const struct start_info *si = start_info(b);
    struct grant_entry_v1 *gnt = fake_frame(b->f, fake_mfn(b->f->grants));
    struct shared_info *sh = fake_frame(b->f, fake_mfn(b->f->shared_info));

    assert_string_equal(si->magic, "xen-3.0-x86_64");
    assert_int_equal(si->nr_pages, b->params.memory_kb / 4);
    assert_int_equal(si->shared_info, fake_mfn(b->f->shared_info) << 12);
    assert_string_equal((const char *)si->cmd_line, b->params.cmdline);
    assert_int_equal(si->store_evtchn, 1);
    assert_int_equal(si->console.domU.evtchn, 2);
    assert_int_equal(si->store_mfn, b->result.store_mfn);
    assert_int_equal(si->console.domU.mfn, b->result.console_mfn);
    assert_int_equal(mfn_at(b, si->pt_base), b->f->pinned_mfn);
    for (uint64_t i = 0; i < si->nr_pt_frames; i++)
        assert_false(fake_walk(b->f, si->pt_base + i * 4096) & 2);
    assert_int_equal(c->ctrlreg[3], b->f->pinned_mfn << 12);
    assert_int_equal(c->flags, VGCF_in_kernel | VGCF_online);
    assert_int_equal(c->user_regs.rip, b->result.entry);
    assert_int_equal(c->kernel_sp, c->user_regs.rsp);
    assert_true(fake_walk(b->f, c->user_regs.rsp - 8) & 2);
    assert_true(fake_walk(b->f, virt_base) & 2);
    assert_int_equal(gnt[0].flags, GTF_permit_access);
    assert_int_equal(gnt[0].frame, b->result.console_mfn);
    assert_int_equal(gnt[1].frame, b->result.store_mfn);
    assert_int_equal(sh->vcpu_info[31].evtchn_upcall_mask, 1);
    assert_int_equal(sh->evtchn_pending[0], 0);
    check_p2m(b, si);
}

/* ---- tests ---- */

static void test_linux_like(void **state)
{
    struct build *b = *state;
    const struct start_info *si;

    store_free(kernel_path, make_elf(LINUX_LIKE));
    build_ok(b);
    check_kernel(b, VIRT_BASE + LOAD);
    check_domain(b, VIRT_BASE);
    si = start_info(b);
    assert_int_equal(si->mfn_list, P2M_BASE);
    assert_int_equal(si->nr_p2m_frames, 16 + 3);
    assert_int_equal(si->flags, 0);
    assert_int_equal(b->f->address_bits, 64);
    assert_int_equal(b->f->map_kb, 32 * 1024);
    assert_string_equal(b->result.guest_os, "test");
    /* 4 MiB rounding with at least 512 KiB behind the stack. */
    assert_true(fake_walk(b->f, VIRT_BASE + (20ull << 20) - 4096));
    assert_false(fake_walk(b->f, VIRT_BASE + (20ull << 20)));
}

static void test_plain_pv(void **state)
{
    struct build *b = *state;
    const struct start_info *si;

    store_free(kernel_path, make_elf(0));
    b->f->refuse_large = b->f->refuse_resource = true;
    build_ok(b);
    check_kernel(b, VIRT_BASE + LOAD);
    check_domain(b, VIRT_BASE);
    si = start_info(b);
    assert_true(si->mfn_list > VIRT_BASE + LOAD);
    assert_int_equal(si->nr_p2m_frames, 0);
}

static void test_unaligned(void **state)
{
    struct build *b = *state;

    store_free(kernel_path, make_elf(UNALIGNED));
    build_ok(b);
    check_kernel(b, VIRT_BASE + LOAD + 0x10);
    check_domain(b, VIRT_BASE);
}

static void test_legacy(void **state)
{
    struct build *b = *state;

    store_free(kernel_path, make_elf(LEGACY));
    build_ok(b);
    check_kernel(b, 0x40000000);
    check_domain(b, 0x40000000);
    assert_int_equal(b->f->hypercall_mfn, mfn_at(b, 0x40002000));
    assert_string_equal(b->result.guest_os, "old");
    assert_int_equal(b->result.entry, 0x40000100);
}

static void test_packed(void **state)
{
    static struct blob (*const packers[])(const struct blob *) = {
        pack_gzip, pack_xz, pack_lz4, pack_zstd,
    };

    (void)state;
    for (int kind = 0; kind <= UNALIGNED; kind += UNALIGNED)
        for (size_t i = 0; i < 4; i++) {
            struct blob elf = make_elf(LINUX_LIKE | kind);
            struct blob packed = packers[i](&elf);
            struct build *b;

            store_free(kernel_path, make_bzimage(&packed, ELF_SIZE, i != 0));
            setup((void **)&b);
            build_ok(b);
            check_kernel(b, VIRT_BASE + LOAD + (kind ? 0x10 : 0));
            check_domain(b, VIRT_BASE);
            teardown((void **)&b);
            free(packed.p);
            free(elf.p);
        }
}

static void test_gzipped_elf(void **state)
{
    struct build *b = *state;
    struct blob elf = make_elf(LEGACY);

    store_free(kernel_path, pack_gzip(&elf));
    build_ok(b);
    check_kernel(b, 0x40000000);
    check_domain(b, 0x40000000);
    free(elf.p);
}

static void check_ramdisk(struct build *b, const uint8_t *p, size_t size)
{
    const struct start_info *si = start_info(b);

    assert_int_equal(si->mod_len, size);
    for (size_t i = 0; i < size; i++) {
        uint64_t mfn, at = (si->mod_start << 12) + i;

        if (si->flags & SIF_MOD_START_PFN) {
            mfn = *(uint64_t *)at_va(b, si->mfn_list + (at >> 12) * 8);
            assert_int_equal(((uint8_t *)fake_frame(b->f, mfn))[at & 0xfff],
                             p[i]);
        } else {
            assert_int_equal(*at_va(b, si->mod_start + i), p[i]);
        }
    }
}

static void test_ramdisk(void **state)
{
    struct build *b = *state;
    struct blob raw = { malloc(70001), 70001 }, packed, two;

    for (size_t i = 0; i < raw.size; i++)
        raw.p[i] = (uint8_t)(i / 100);
    packed = pack_gzip(&raw);
    two.size = packed.size * 2;
    two.p = malloc(two.size);
    memcpy(two.p, packed.p, packed.size);
    memcpy(two.p + packed.size, packed.p, packed.size);
    b->params.ramdisk = ramdisk_path;

    /* By pfn, unpacked by us. */
    store_free(kernel_path, make_elf(LINUX_LIKE));
    store(ramdisk_path, packed.p, packed.size);
    build_ok(b);
    assert_int_equal(start_info(b)->flags, SIF_MOD_START_PFN);
    check_ramdisk(b, raw.p, raw.size);
    check_domain(b, VIRT_BASE);
    teardown(state);

    /* In the mapping, and not compressed. */
    setup(state);
    b = *state;
    b->params.ramdisk = ramdisk_path;
    store_free(kernel_path, make_elf(0));
    store(ramdisk_path, raw.p, raw.size);
    build_ok(b);
    check_ramdisk(b, raw.p, raw.size);
    teardown(state);

    /* Two members: left to the kernel. */
    setup(state);
    b = *state;
    b->params.ramdisk = ramdisk_path;
    store(ramdisk_path, two.p, two.size);
    build_ok(b);
    check_ramdisk(b, two.p, two.size);
    free(raw.p);
    free(packed.p);
    free(two.p);
}

/* The only file of the cache; NULL if there is none. */
static char *cached_file(void)
{
    static char path[400];
    struct dirent *d;
    DIR *stream = opendir(cache_path);
    int n = 0;

    while (stream && (d = readdir(stream)))
        if (d->d_name[0] != '.') {
            snprintf(path, sizeof(path), "%s/%s", cache_path, d->d_name);
            n++;
        }
    if (stream)
        closedir(stream);
    assert_true(n <= 1);
    return n ? path : NULL;
}

static void restart(void **state, struct build **b)
{
    teardown(state);
    setup(state);
    *b = *state;
    (*b)->params.cache_dir = cache_path;
}

static void test_cache(void **state)
{
    struct build *b;
    struct blob elf = make_elf(LINUX_LIKE), packed = pack_lz4(&elf);
    struct blob image = make_bzimage(&packed, ELF_SIZE, true);
    struct stat st;
    char old[100];
    int fd;

    restart(state, &b);
    store(kernel_path, image.p, image.size);
    build_ok(b);
    assert_int_equal(stat(cached_file(), &st), 0);
    assert_int_equal(st.st_size, ELF_SIZE);

    /* The next start reads it: shown by another byte in it. */
    fd = open(cached_file(), O_WRONLY);
    assert_int_equal(pwrite(fd, "#", 1, 0x1010), 1);
    close(fd);
    restart(state, &b);
    build_ok(b);
    check_domain(b, VIRT_BASE);
    assert_int_equal(*at_va(b, VIRT_BASE + LOAD + 0x10), '#');

    /* Not in a directory that others can write to. */
    chmod(cache_path, 0770);
    restart(state, &b);
    build_ok(b);
    check_kernel(b, VIRT_BASE + LOAD);
    chmod(cache_path, 0700);

    /* Not for another file, and what another boot left goes. */
    unlink(kernel_path);
    store(kernel_path, image.p, image.size);
    snprintf(old, sizeof(old), "%s/00000000-old", cache_path);
    assert_int_equal(rename(cached_file(), old), 0);
    restart(state, &b);
    build_ok(b);
    check_kernel(b, VIRT_BASE + LOAD);
    assert_null(strstr(cached_file(), "00000000-old"));
    unlink(cached_file());
    rmdir(cache_path);
    free(image.p);
    free(packed.p);
    free(elf.p);
}

static void test_cached_ramdisk(void **state)
{
    struct build *b;
    struct blob raw = { malloc(70001), 70001 }, packed;

    for (size_t i = 0; i < raw.size; i++)
        raw.p[i] = (uint8_t)(i / 50);
    packed = pack_gzip(&raw);
    store_free(kernel_path, make_elf(LINUX_LIKE));
    store(ramdisk_path, packed.p, packed.size);
    for (int i = 0; i < 2; i++) {
        restart(state, &b);
        b->params.ramdisk = ramdisk_path;
        build_ok(b);
        check_ramdisk(b, raw.p, raw.size);
        assert_non_null(cached_file());
    }
    unlink(cached_file());
    rmdir(cache_path);
    free(packed.p);
    free(raw.p);
}

static void test_maxmem(void **state)
{
    struct build *b = *state;

    store_free(kernel_path, make_elf(LINUX_LIKE));
    b->params.maxmem_kb = 64 * 1024;
    build_ok(b);
    assert_int_equal(b->f->map_kb, 64 * 1024);
    assert_int_equal(start_info(b)->nr_pages, 32 * 256);
}

/* Whatever it is, the error has this code and mentions this. */
static void expect(struct build *b, int rc, const char *text)
{
    b->err.text[0] = '\0';
    assert_int_equal(build(b), rc);
    if (!strstr(b->err.text, text))
        fail_msg("\"%s\" is not in \"%s\"", text, b->err.text);
    assert_null(strchr(b->err.text, '\n'));
    assert_false(b->f->has_context);
}

static void test_bad_kernels(void **state)
{
    struct build *b = *state;
    struct blob elf = make_elf(LINUX_LIKE), packed, image;

    b->params.kernel = "/nonexistent/vmlinuz";
    expect(b, -ENOENT, "/nonexistent/vmlinuz");
    b->params.kernel = dir;
    expect(b, -ENOEXEC, "not a regular file");
    b->params.kernel = kernel_path;
    store(kernel_path, elf.p, 0);
    expect(b, -ENODATA, "empty");
    store(kernel_path, (const uint8_t *)"#!/bin/sh\n", 10);
    expect(b, -ENOEXEC, "not a kernel");
    store(kernel_path, elf.p, 40);
    expect(b, -ENODATA, "truncated");
    store(kernel_path, elf.p, 0x7000);
    expect(b, -ENODATA, "truncated");
    store_free(kernel_path, make_elf(NO_NOTES));
    expect(b, -ENOEXEC, "no PV notes");
    elf.p[EI_CLASS] = ELFCLASS32;
    store(kernel_path, elf.p, elf.size);
    expect(b, -ENOEXEC, "x86-64");
    elf.p[EI_CLASS] = ELFCLASS64;

    packed = pack_xz(&elf);
    image = make_bzimage(&packed, ELF_SIZE, true);
    store(kernel_path, image.p, image.size - 100);
    expect(b, -ENODATA, "truncated");
    memset(image.p + 1024 + 0x300 + 200, 0, 50);
    store(kernel_path, image.p, image.size);
    expect(b, -ENODATA, "xz");
    memcpy(image.p + 1024 + 0x300, "BZh9", 4);
    store(kernel_path, image.p, image.size);
    expect(b, -ENOEXEC, "bzip2");
    free(image.p);
    free(packed.p);
    free(elf.p);

    elf = make_elf(NO_NOTES);
    packed = pack_lz4(&elf);
    store_free(kernel_path, make_bzimage(&packed, ELF_SIZE, true));
    expect(b, -ENOEXEC, "no PV notes");
    free(packed.p);
    free(elf.p);
}

static void test_sizes(void **state)
{
    struct build *b = *state;
    struct xc_error err;

    store_free(kernel_path, make_elf(LINUX_LIKE));
    b->params.memory_kb = 18 * 1024;
    expect(b, -E2BIG, "at least 21 MiB");
    assert_int_equal(xc_dom_check(&b->params, &err), -E2BIG);
    assert_string_equal(err.text, b->err.text);
    b->params.memory_kb = 21 * 1024;
    assert_int_equal(xc_dom_check(&b->params, &err), 0);
    b->f->free_frames = 20 * 256;
    expect(b, -ENOMEM, "20 MiB are free");
    b->params.memory_kb = 512 * 1024;
    xc_domain_set_max_mem(b->xc, b->params.domid, 32 * 1024);
    b->f->free_frames = FAKE_FRAMES - 16;
    expect(b, -EINVAL, "limit");
}

static void test_cancel(void **state)
{
    atomic_bool cancel = false;

    store_free(kernel_path, make_elf(LINUX_LIKE));
    for (unsigned int at = 1;; at++) {
        struct build *b = *state;
        int rc;

        atomic_store(&cancel, false);
        b->params.cancel = b->f->cancel = &cancel;
        b->f->cancel_at = b->f->hypercalls + at;
        rc = build(b);
        if (!atomic_load(&cancel))
            break;
        assert_true(rc == -ECANCELED || !rc);
        teardown(state);
        setup(state);
    }
}

/* Change a few bytes where headers and notes are. */
static void mutate(struct blob *b, uint64_t *seed)
{
    static const struct { unsigned int at, size; } places[] = {
        { 0, 64 }, { 64, 168 }, { 0x1f0, 0x60 }, { 0x5e00, 160 },
        { 0x8400, 128 }, { 0x8a00, 128 }, { 0x700, 64 },
    };

    for (int i = 0; i < 3; i++) {
        unsigned int r;

        *seed = *seed * 6364136223846793005ull + 1442695040888963407ull;
        r = (unsigned int)(*seed >> 33);
        r = places[r % 7].at + (r >> 8) % places[r % 7].size;
        if (r < b->size)
            b->p[r] ^= (uint8_t)(*seed >> 20) | 1;
    }
}

/* Whatever a file says, there is an answer, and nothing stays behind. */
static void test_mutated(void **state)
{
    static const int kinds[] = { LINUX_LIKE, 0, LEGACY };
    uint64_t seed = 1;

    for (int i = 0; i < 1200; i++) {
        struct build *b = *state;
        struct blob file = make_elf(kinds[i % 3]);
        int rc;

        if (i % 4 == 3) {
            struct blob packed = pack_lz4(&file);

            free(file.p);
            file = make_bzimage(&packed, ELF_SIZE, true);
            free(packed.p);
        }
        mutate(&file, &seed);
        store_free(kernel_path, file);
        rc = xc_dom_check(&b->params, &b->err);
        assert_true(!rc || b->err.text[0]);
        if (rc || i % 16)
            continue;
        rc = build(b);
        assert_true(!rc || b->err.text[0]);
        teardown(state);
        setup(state);
    }
}

static int group_setup(void **state)
{
    (void)state;
    assert_non_null(mkdtemp(dir));
    snprintf(kernel_path, sizeof(kernel_path), "%s/kernel", dir);
    snprintf(ramdisk_path, sizeof(ramdisk_path), "%s/ramdisk", dir);
    snprintf(cache_path, sizeof(cache_path), "%s/cache", dir);
    return 0;
}

static int group_teardown(void **state)
{
    (void)state;
    unlink(kernel_path);
    unlink(ramdisk_path);
    return rmdir(dir);
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(test_linux_like), T(test_plain_pv), T(test_unaligned),
        T(test_legacy), cmocka_unit_test(test_packed), T(test_gzipped_elf),
        T(test_ramdisk), T(test_cache), T(test_cached_ramdisk),
        T(test_maxmem), T(test_bad_kernels), T(test_sizes),
        T(test_cancel), T(test_mutated),
    };

    return cmocka_run_group_tests(tests, group_setup, group_teardown);
}
