/*
 * boot/decompress.c: kernels packed by xz and zstd, whole and damaged.  What is
 * read ends, and what is written begins, right at memory that cannot be used:
 * the libraries themselves are not instrumented.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <cmocka.h>
#include <lzma.h>
#include <zstd.h>

#include "boot/private.h"
#include "mm/buddy.h"

#define PAYLOAD  0x400               /* of a kernel with one setup sector */
#define KERNEL   100000
#define PAGES    (64UL * PAGE_SIZE)  /* room for either side, or none */

static uint8_t kernel[KERNEL];
static uint8_t image[2][KERNEL + 4096];
static size_t image_size[2];
static char *in_area, *out_area;
static unsigned int out_used;

/* n bytes that end where memory ends. */
static void *at_end(char *area, size_t n)
{
    return area + PAGES - n;
}

void *kzalloc(size_t n)
{
    assert_int_equal(out_used, 0);
    if (n > PAGES)
        return NULL;
    out_used = 1;
    memset(out_area, 0xee, PAGES);
    return at_end(out_area, n);
}

void kfree(void *p)
{
    assert_non_null(p);
    out_used--;
}

bool hosted_call(bool (*fn)(void *arg), void *arg)
{
    return fn(arg);
}

static char *new_area(void)
{
    char *p = mmap(NULL, PAGES + PAGE_SIZE, PROT_READ | PROT_WRITE,
                   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    assert_ptr_not_equal(p, MAP_FAILED);
    assert_int_equal(mprotect(p + PAGES, PAGE_SIZE, PROT_NONE), 0);
    return p;
}

static void finish(unsigned int kind, size_t packed)
{
    static const uint32_t offset = PAYLOAD - 0x400;
    uint8_t *p = image[kind];
    uint32_t length = packed + 4, size = KERNEL;

    p[0x1f1] = 1;
    memcpy(p + 0x202, "HdrS\x0f\x02", 6);
    memcpy(p + 0x248, &offset, 4);
    memcpy(p + 0x24c, &length, 4);
    memcpy(p + PAYLOAD + packed, &size, 4);
    image_size[kind] = PAYLOAD + packed + 4;
}

static int setup(void **state)
{
    unsigned int seed = 5;
    size_t n = 0;

    (void)state;
    in_area = new_area();
    out_area = new_area();
    for (size_t i = 0; i < KERNEL; i++)     /* half of it can be packed */
        kernel[i] = i / 512 % 2 ? (uint8_t)rand_r(&seed) : i / 64;
    if (lzma_easy_buffer_encode(6, LZMA_CHECK_CRC32, NULL, kernel, KERNEL,
                                image[0] + PAYLOAD, &n, KERNEL) != LZMA_OK)
        return -1;
    finish(0, n);
    n = ZSTD_compress(image[1] + PAYLOAD, KERNEL, kernel, KERNEL, 19);
    if (ZSTD_isError(n))
        return -1;
    finish(1, n);
    return 0;
}

/* Unpack the first n bytes of an image; the result must have been given to
 * us alone, or nothing. */
static const char *try(const uint8_t *p, size_t n, void **ret)
{
    void *copy = at_end(in_area, n);
    const char *why = "not set";
    size_t size = 0;

    memcpy(copy, p, n);
    *ret = bzimage_unpack(copy, n, &size, &why);
    assert_int_equal(out_used, *ret ? 1 : 0);
    assert_true(!*ret || (!why && size > 0 && size <= PAGES));
    out_used = 0;
    return why;
}

static void both_unpack(void **state)
{
    (void)state;
    for (unsigned int kind = 0; kind < 2; kind++) {
        void *out;

        assert_null(try(image[kind], image_size[kind], &out));
        assert_non_null(out);
        assert_memory_equal(out, kernel, KERNEL);
    }
}

static void other_files(void **state)
{
    static uint8_t elf[0x300] = "\177ELF";
    void *out;

    (void)state;
    assert_null(try(elf, sizeof(elf), &out));
    assert_null(out);
    assert_null(try(image[0], 0x24f, &out));
    assert_null(out);
}

static void put(uint8_t *p, unsigned int at, uint32_t v)
{
    memcpy(p + at, &v, 4);
}

#define SIZE  UINT32_MAX             /* the word that ends the payload */

static void wrong_words(void **state)
{
    static const struct {
        unsigned int at;
        uint32_t val;
        const char *why;
    } cases[] = {
        { 0x206, 0x207, "older than 2.08" },
        { 0x248, 0xffffffff, "truncated" },
        { 0x24c, 0xffffffff, "truncated" },
        { 0x24c, 7, "truncated" },
        { PAYLOAD, 0x04034b50, "neither xz nor zstd" },
        { SIZE, 0, "makes no sense" },
        { SIZE, 0x40000001, "makes no sense" },
        { SIZE, 0x40000000, "no memory" },
        { SIZE, KERNEL - 1, "does not unpack" },
        { SIZE, KERNEL + 1, "does not unpack" },
        { SIZE, 1, "does not unpack" },
    };

    (void)state;
    for (size_t i = 0; i < 2 * ARRAY_SIZE(cases); i++) {
        unsigned int kind = i % 2, at = cases[i / 2].at;
        uint8_t copy[sizeof(image[0])];
        const char *why;
        void *out;

        memcpy(copy, image[kind], sizeof(copy));
        put(copy, at == SIZE ? image_size[kind] - 4 : at, cases[i / 2].val);
        why = try(copy, image_size[kind], &out);
        assert_null(out);
        if (!strstr(why, cases[i / 2].why))
            fail_msg("%#x at %#x: %s", cases[i / 2].val, at, why);
    }
}

/* The file ends early; then also the payload, by what the header says. */
static void truncated(void **state)
{
    (void)state;
    for (unsigned int kind = 0; kind < 2; kind++) {
        for (size_t n = 0; n < image_size[kind]; n += n / 16 + 1) {
            uint8_t copy[sizeof(image[0])];
            void *out;

            memcpy(copy, image[kind], sizeof(copy));
            try(copy, n, &out);
            assert_null(out);
            if (n < PAYLOAD + 8)
                continue;
            put(copy, 0x24c, n - PAYLOAD);
            put(copy, n - 4, KERNEL);
            assert_non_null(try(copy, n, &out));
            assert_null(out);
        }
    }
}

static void mutated(void **state)
{
    unsigned int seed = 7, refused = 0;

    (void)state;
    for (unsigned int i = 0; i < 6000; i++) {
        unsigned int kind = i % 2;
        size_t n = image_size[kind] - PAYLOAD;
        uint8_t copy[sizeof(image[0])];
        void *out;

        memcpy(copy, image[kind], sizeof(copy));
        for (unsigned int k = rand_r(&seed) % 8 + 1; k; k--) {
            /* Half of the changes in the headers of the formats. */
            size_t at = rand_r(&seed) % (k % 2 ? 64 : n);

            copy[PAYLOAD + at] = rand_r(&seed);
        }
        refused += try(copy, image_size[kind], &out) != NULL;
    }
    assert_true(refused > 3000 && refused < 6000);   /* of zstd, not all */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(both_unpack),
        cmocka_unit_test(other_files),
        cmocka_unit_test(wrong_words),
        cmocka_unit_test(truncated),
        cmocka_unit_test(mutated),
    };

    return cmocka_run_group_tests(tests, setup, NULL);
}
