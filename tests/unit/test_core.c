/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A domain's memory dump, read as its format says: the sections, the notes,
 * each frame under its name, whatever the guest has done to its memory.
 */
#define _GNU_SOURCE
#include "fake_xc.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>
#include <elf.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <xen/elfnote.h>

#define FRAMES 2500u            /* some batches, and a part of one */

static struct fake_xc *f;
static struct xc *xc;
static uint32_t domid;
static int file;
static struct xc_error err;
static atomic_bool cancel;
static atomic_uint percent;
static const char *dump_at;     /* the file in memory */
static size_t dump_size;

static int setup(void **state)
{
    const struct xc_domain_config config = { .max_vcpus = 2 };
    uint64_t pfns[FRAMES];

    (void)state;
    f = fake_open(&xc);
    assert_int_equal(xc_domain_create(xc, &config, &domid), 0);
    for (unsigned int i = 0; i < FRAMES; i++)
        pfns[i] = (i * 7) % FRAMES + 10;
    assert_int_equal(xc_memory_populate(xc, domid, 0, FRAMES, pfns), FRAMES);
    for (unsigned int i = 0; i < FAKE_FRAMES; i++)
        if (f->owned[i])
            *(uint64_t *)(f->mem + (size_t)i * XC_PAGE_SIZE + 8) =
                0xc0de0000 + (uint64_t)f->pfn_of[i];
    f->has_context = true;
    f->context.user_regs.rip = 0x1234;
    strcpy(f->mem + (size_t)f->shared_info * XC_PAGE_SIZE, "shared");
    file = memfd_create("core", 0);
    atomic_store(&cancel, false);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    if (dump_at)
        munmap((void *)dump_at, dump_size);
    dump_at = NULL;
    assert_int_equal(f->nr_maps, 0);
    close(file);
    fake_close(f, xc);
    return 0;
}

static int dump(int fd)
{
    const struct xc_core c = { .domid = domid, .fd = fd, .path = "core",
                               .cancel = &cancel, .percent = &percent };

    return xc_core_dump(xc, &c, &err);
}

static void dump_ok(void)
{
    struct stat st;

    if (dump(file))
        fail_msg("%s", err.text);
    assert_int_equal(atomic_load(&percent), 100);
    assert_int_equal(fstat(file, &st), 0);
    dump_size = (size_t)st.st_size;
    dump_at = mmap(NULL, dump_size, PROT_READ, MAP_SHARED, file, 0);
    assert_ptr_not_equal(dump_at, MAP_FAILED);
}

static const Elf64_Shdr *section(const char *name)
{
    const Elf64_Ehdr *e = (const Elf64_Ehdr *)dump_at;
    const Elf64_Shdr *s = (const Elf64_Shdr *)(dump_at + e->e_shoff);

    for (int i = 1; i < e->e_shnum; i++)
        if (!strcmp(dump_at + s[e->e_shstrndx].sh_offset + s[i].sh_name, name))
            return &s[i];
    fail_msg("no section %s", name);
    return NULL;
}

static const void *bytes(const char *name)
{
    return dump_at + section(name)->sh_offset;
}

static const void *note(uint32_t type, uint32_t size)
{
    const Elf64_Shdr *s = section(".note.Xen");
    const char *p = dump_at + s->sh_offset, *end = p + s->sh_size;

    while (p < end) {
        const Elf64_Nhdr *n = (const Elf64_Nhdr *)p;

        assert_int_equal(n->n_namesz, 4);
        assert_string_equal(p + sizeof(*n), "Xen");
        p += sizeof(*n) + 4;
        if (n->n_type == type) {
            assert_int_equal(n->n_descsz, size);
            return p;
        }
        p += n->n_descsz;
    }
    fail_msg("no note %#x", type);
    return NULL;
}

static void test_sections(void **state)
{
    const struct vcpu_guest_context *vcpu;
    const uint64_t *h;

    (void)state;
    dump_ok();
    assert_memory_equal(dump_at, ELFMAG "\2\1\1", 7);
    assert_int_equal(((const Elf64_Ehdr *)dump_at)->e_type, ET_CORE);
    assert_int_equal(((const Elf64_Ehdr *)dump_at)->e_machine, EM_X86_64);
    note(XEN_ELFNOTE_DUMPCORE_NONE, 0);
    h = note(XEN_ELFNOTE_DUMPCORE_HEADER, 32);
    assert_int_equal(h[0], 0xf00febed);
    assert_int_equal(h[1], 1);
    assert_int_equal(h[2], FRAMES);
    assert_int_equal(h[3], XC_PAGE_SIZE);
    h = note(XEN_ELFNOTE_DUMPCORE_XEN_VERSION, 1280);
    assert_int_equal(h[0], 4);
    assert_int_equal(h[1], 17);
    h = note(XEN_ELFNOTE_DUMPCORE_FORMAT_VERSION, 8);
    assert_int_equal(h[0], 1);
    vcpu = bytes(".xen_prstatus");
    assert_int_equal(section(".xen_prstatus")->sh_size, sizeof(*vcpu));
    assert_int_equal(section(".xen_prstatus")->sh_entsize, sizeof(*vcpu));
    assert_int_equal(vcpu->user_regs.rip, 0x1234);
    assert_int_equal(section(".xen_shared_info")->sh_size, XC_PAGE_SIZE);
    assert_string_equal(bytes(".xen_shared_info"), "shared");
}

/* Each name once and in order, each with its page; and how many. */
static uint64_t check_pages(void)
{
    const uint64_t *p2m = bytes(".xen_p2m");
    const char *pages = bytes(".xen_pages");
    uint64_t nr = section(".xen_p2m")->sh_size / 16;

    assert_int_equal(section(".xen_p2m")->sh_entsize, 16);
    assert_int_equal(section(".xen_pages")->sh_size, nr * XC_PAGE_SIZE);
    assert_int_equal(section(".xen_pages")->sh_entsize, XC_PAGE_SIZE);
    assert_int_equal(section(".xen_pages")->sh_offset % XC_PAGE_SIZE, 0);
    assert_int_equal(section(".xen_pages")->sh_offset + nr * XC_PAGE_SIZE,
                     dump_size);
    for (uint64_t i = 0; i < nr; i++) {
        assert_memory_equal(pages + i * XC_PAGE_SIZE,
                            fake_frame(f, p2m[2 * i + 1]), XC_PAGE_SIZE);
        assert_true(!i || p2m[2 * i] >= p2m[2 * i - 2]);
    }
    return nr;
}

static void test_pages(void **state)
{
    const uint64_t *p2m;
    const char *pages;

    (void)state;
    dump_ok();
    p2m = bytes(".xen_p2m");
    pages = bytes(".xen_pages");
    assert_int_equal(check_pages(), FRAMES);
    for (uint64_t i = 0; i < FRAMES; i++) {
        assert_int_equal(p2m[2 * i], i + 10);
        assert_int_equal(*(const uint64_t *)(pages + i * XC_PAGE_SIZE + 8),
                         0xc0de0000 + i + 10);
    }
}

/* Claim: a frame without a name is left out, names that are there twice are
 * there twice, and one that is absurd is none. */
static void test_lies(void **state)
{
    unsigned int lies = 0;

    (void)state;
    for (unsigned int i = 0; i < FAKE_FRAMES && lies < 3; i++)
        if (f->owned[i])
            f->pfn_of[i] = lies++ ? 77 : -1;
    dump_ok();
    assert_int_equal(check_pages(), FRAMES - 1);
}

/* Claim: whatever ends it, the domain is as it was, nothing stays mapped, and
 * the line names file or cause. */
static void test_failures(void **state)
{
    int full = open("/dev/full", O_WRONLY);

    (void)state;
    assert_int_equal(dump(full), -ENOSPC);
    assert_string_equal(err.text, "core cannot be written: No space left on "
                        "device");
    close(full);
    for (unsigned int at = 1; at < 1000; at++) {
        atomic_store(&cancel, false);
        f->cancel = &cancel;
        f->cancel_at = f->hypercalls + at;
        assert_int_equal(ftruncate(file, 0), 0);
        assert_int_equal(lseek(file, 0, SEEK_SET), 0);
        if (!dump(file)) {
            assert_true(at > 20);
            break;
        }
        assert_string_equal(err.text, "the dump was cancelled");
        assert_int_equal(f->nr_maps, 0);
    }
    f->cancel = NULL;
    f->exists = false;
    assert_int_equal(dump(file), -ESRCH);
    assert_non_null(strstr(err.text, "domain 1 cannot be dumped"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_sections, setup, teardown),
        cmocka_unit_test_setup_teardown(test_pages, setup, teardown),
        cmocka_unit_test_setup_teardown(test_lies, setup, teardown),
        cmocka_unit_test_setup_teardown(test_failures, setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
