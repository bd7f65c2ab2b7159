/* lib/elf.c: a small kernel, and the same with every byte changed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <elf.h>
#include <stdlib.h>
#include <string.h>

#include "lib/elf.h"
#include "lib/abi.h"

struct note {
    Elf64_Nhdr h;
    char name[4];
    uint64_t desc;
};

static struct image {
    Elf64_Ehdr eh;
    Elf64_Phdr ph[3];
    struct note note[6];
    char text[64];
} good;

static void add_note(unsigned int i, uint32_t type, uint64_t val)
{
    good.note[i] = (struct note){ { 4, 8, type }, "Xen", val };
}

static int setup(void **state)
{
    (void)state;
    memset(&good, 0, sizeof(good));
    memcpy(good.eh.e_ident, "\177ELF\2\1\1", 7);
    good.eh.e_type = ET_EXEC;
    good.eh.e_machine = EM_X86_64;
    good.eh.e_phoff = offsetof(struct image, ph);
    good.eh.e_phentsize = sizeof(Elf64_Phdr);
    good.eh.e_phnum = 3;
    good.ph[0] = (Elf64_Phdr){ PT_LOAD, 5, offsetof(struct image, text),
                               0, 0x100000, 64, 0x2000, 0 };
    good.ph[1] = (Elf64_Phdr){ PT_LOAD, 6, offsetof(struct image, text) + 32,
                               0, 0x200000, 32, 32, 0 };
    good.ph[2] = (Elf64_Phdr){ PT_NOTE, 4, offsetof(struct image, note), 0, 0,
                               sizeof(good.note), sizeof(good.note), 0 };
    add_note(0, XEN_ELFNOTE_ENTRY, 0xffffffff80100000);
    add_note(1, XEN_ELFNOTE_VIRT_BASE, 0xffffffff80000000);
    add_note(2, XEN_ELFNOTE_INIT_P2M, 0x8000000000);
    add_note(3, XEN_ELFNOTE_MOD_START_PFN, 1);
    add_note(4, XEN_ELFNOTE_SUPPORTED_FEATURES, 1U << XENFEAT_dom0);
    add_note(5, XEN_ELFNOTE_PADDR_OFFSET, 0);
    return 0;
}

static void test_good(void **state)
{
    struct elf_kernel k;

    (void)state;
    assert_null(elf_parse(&good, sizeof(good), &k));
    assert_true(k.has_notes && k.mod_start_pfn && k.dom0);
    assert_int_equal(k.entry, 0xffffffff80100000);
    assert_int_equal(k.virt_base, 0xffffffff80000000);
    assert_int_equal(k.init_p2m, 0x8000000000);
    assert_int_equal(k.start, 0x100000);
    assert_int_equal(k.end, 0x200020);
    assert_int_equal(k.nr_segments, 2);
    assert_int_equal(k.segment[0].paddr, 0x100000);
    assert_int_equal(k.segment[0].file_size, 64);
    assert_int_equal(k.segment[0].mem_size, 0x2000);
    assert_ptr_equal(k.segment[0].data, good.text);
    good.note[4].desc = 0;           /* a kernel for guests only */
    assert_null(elf_parse(&good, sizeof(good), &k));
    assert_false(k.dom0);
    good.note[4].h.n_type = 999;     /* an old kernel: does not say */
    assert_null(elf_parse(&good, sizeof(good), &k));
    assert_true(k.dom0);
}

/* In exactly as much memory, so that the sanitizer sees a read too far. */
static void parse_copy(const void *data, size_t size)
{
    uint8_t *p = malloc(size ? size : 1), sum = 0;
    struct elf_kernel k;

    memcpy(p, data, size);
    if (!elf_parse(p, size, &k))
        for (unsigned int n = 0; n < k.nr_segments; n++) {
            const struct elf_segment *g = &k.segment[n];

            for (size_t i = 0; i < g->file_size; i++)
                sum += ((const uint8_t *)g->data)[i];
            assert_true(g->file_size <= g->mem_size);
            assert_true(g->paddr >= k.start &&
                        g->paddr + g->mem_size <= k.end);
        }
    free(p);
}

static void test_truncated(void **state)
{
    (void)state;
    for (size_t n = 0; n < sizeof(good); n++)
        parse_copy(&good, n);
}

static void test_changed(void **state)
{
    static const uint8_t values[] = { 0, 1, 0x7f, 0x80, 0xff };
    uint8_t *p = (uint8_t *)&good, was;

    (void)state;
    for (size_t i = 0; i < sizeof(good); i++)
        for (unsigned int n = 0; n < sizeof(values); n++) {
            was = p[i];
            p[i] = values[n];
            parse_copy(p, sizeof(good));
            p[i] = was;
        }
    srand(1);
    for (int n = 0; n < 100000; n++) {
        struct image copy = good;

        for (int j = rand() % 8; j >= 0; j--)
            ((uint8_t *)&copy)[rand() % sizeof(copy)] = rand();
        parse_copy(&copy, sizeof(copy));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_good, setup),
        cmocka_unit_test_setup(test_truncated, setup),
        cmocka_unit_test_setup(test_changed, setup),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
