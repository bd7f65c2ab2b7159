/* boot/multiboot*.c: what loaders hand over, rightly and wrongly. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "boot/private.h"

#define MB1          0x2badb002
#define MB2          0x36d76289
#define RAM          0x10000
#define INFO         0x1000
#define MODULE_TAG   3
#define MIB          0x100000UL

/*
 * Of the machine's memory only the first 64 KiB can be read.  The block of
 * multiboot 2 is memory of its own, so that a byte behind it is found out.
 */
static uint8_t ram[RAM];
static uint8_t *block;
static uint32_t used;
static struct boot_info bi;

static const void *map(paddr_t maddr, size_t n)
{
    if (block && maddr >= INFO && maddr < INFO + RAM)
        return n <= used && maddr - INFO <= used - n ? block + maddr - INFO
                                                     : NULL;
    return n <= RAM && maddr <= RAM - n ? ram + maddr : NULL;
}

static void put(unsigned int at, uint64_t val, unsigned int bytes)
{
    memcpy(ram + at, &val, bytes);
}

static void fresh(void)
{
    memset(ram, 0, sizeof(ram));
    memset(&bi, 0, sizeof(bi));
    bi.image_start = 2 * MIB;
    bi.image_end = 3 * MIB;
    free(block);
    block = NULL;
    used = 8;
}

/* Append a tag of these 32-bit words, then text (NULL: none). */
static void tag(uint32_t type, const uint32_t *words, unsigned int nr,
                const char *text)
{
    uint32_t size = 8 + nr * 4 + (text ? strlen(text) + 1 : 0);

    put(INFO + used, type | (uint64_t)size << 32, 8);
    if (nr)
        memcpy(ram + INFO + used + 8, words, nr * 4);
    if (text)
        memcpy(ram + INFO + used + 8 + nr * 4, text, strlen(text) + 1);
    used += (size + 7) & ~7U;
}

static void mmap_tag(void)
{
    static const uint32_t words[] = {
        24, 0,
        0, 0, 0xa0000, 0, 1, 0,
        0x100000, 0, 0x1000000, 0, 1, 0,
        0x1100000, 0, 0x1000, 0, 20, 0,
    };

    tag(6, words, 20, NULL);
}

static void module_tag(uint32_t start, uint32_t end, const char *text)
{
    tag(MODULE_TAG, (uint32_t[]){ start, end }, 2, text);
}

static const char *parse2(void)
{
    put(INFO, used, 4);
    block = malloc(used);
    memcpy(block, ram + INFO, used);
    return multiboot_parse(MB2, INFO, map, &bi);
}

static const char *finish2(void)
{
    tag(0, NULL, 0, NULL);
    return parse2();
}

static void good2(void)
{
    static const uint32_t fb[] = {
        0xc0000000, 1, 4096, 1024, 768, 32 | 1 << 8, 8 << 8 | 16 | 8U << 24 |
        8 << 16, 8 << 8
    };

    fresh();
    tag(1, NULL, 0, "  com1=1 loglvl=all");
    module_tag(4 * MIB, 5 * MIB + 1, "root=/dev/sda ro");
    module_tag(6 * MIB, 7 * MIB, "");
    mmap_tag();
    tag(99, fb, 3, NULL);
    tag(8, fb, 8, NULL);
    put(INFO + used - 36, 38, 4);           /* without padding */
    tag(12, (uint32_t[]){ 0x7fb00018, 1 }, 2, NULL);
    tag(15, (uint32_t[9]){ 0 }, 9, "");
}

static void second_protocol(void **state)
{
    (void)state;
    good2();
    assert_null(finish2());
    assert_string_equal(bi.cmdline, "com1=1 loglvl=all");
    assert_string_equal(bi.kernel.cmdline, "root=/dev/sda ro");
    assert_int_equal(bi.kernel.start, 4 * MIB);
    assert_int_equal(bi.kernel.end, 5 * MIB + 1);
    assert_int_equal(bi.initrd.end, 7 * MIB);
    assert_int_equal(bi.memory.nr, 3);
    assert_int_equal(bi.memory.e[1].size, 16 * MIB);
    assert_int_equal(bi.memory.e[2].type, E820_RESERVED);
    assert_int_equal(bi.fb.maddr, 0x1c0000000);
    assert_int_equal(bi.fb.width, 1024);
    assert_int_equal(bi.fb.bpp, 32);
    assert_int_equal(bi.fb.colour[0], 16);
    assert_int_equal(bi.fb.colour[3], 8);
    assert_false(bi.text_mode);
    assert_int_equal(bi.efi_table, 0x17fb00018);
    assert_int_equal(map(bi.rsdp, 36) == NULL, 0);
}

static void text_mode(void **state)
{
    static const uint32_t fb[] = { 0xb8000, 0, 160, 80, 25, 16 | 2 << 8 };

    (void)state;
    fresh();
    mmap_tag();
    tag(8, fb, 6, NULL);
    assert_null(finish2());
    assert_true(bi.text_mode);
    assert_int_equal(bi.fb.maddr, 0);
}

struct module_case {
    const char *claim;
    uint32_t start[3], end[3];
    const char *why;                 /* part of it; NULL: accepted */
};

static const struct module_case modules[] = {
    { "one", { 4 * MIB }, { 5 * MIB }, NULL },
    { "below the image", { 1 * MIB }, { 2 * MIB }, NULL },
    { "empty", { 4 * MIB }, { 4 * MIB }, "empty" },
    { "upside down", { 5 * MIB }, { 4 * MIB }, "empty" },
    { "low", { 0x8000 }, { 0x9000 }, "outside of RAM" },
    { "in no memory", { 0x20000000 }, { 0x20001000 }, "outside of RAM" },
    { "to the end of RAM", { 16 * MIB }, { 17 * MIB }, NULL },
    { "over the end of RAM", { 16 * MIB }, { 17 * MIB + 1 }, "outside of RAM" },
    { "not at a page", { 4 * MIB + 16 }, { 5 * MIB }, "begin at a page" },
    { "at the image's end", { 3 * MIB }, { 4 * MIB }, NULL },
    { "into the image", { 1 * MIB }, { 2 * MIB + 1 }, "over the hypervisor" },
    { "around the image", { 1 * MIB }, { 9 * MIB }, "over the hypervisor" },
    { "beside each other", { 4 * MIB, 5 * MIB }, { 5 * MIB, 6 * MIB }, NULL },
    { "sharing a page", { 4 * MIB, 5 * MIB }, { 5 * MIB + 1, 6 * MIB },
      "over another" },
    { "within another", { 4 * MIB, 5 * MIB }, { 8 * MIB, 6 * MIB },
      "over another" },
    { "three", { 4 * MIB, 5 * MIB, 6 * MIB }, { 5 * MIB, 6 * MIB, 7 * MIB },
      "third" },
};

static void module_places(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(modules); i++) {
        const struct module_case *c = &modules[i];
        const char *why;

        fresh();
        mmap_tag();
        for (unsigned int n = 0; n < 3 && c->start[n]; n++)
            module_tag(c->start[n], c->end[n], "");
        why = finish2();
        if (c->why ? !why || !strstr(why, c->why) : why != NULL)
            fail_msg("%s: %s", c->claim, why ? why : "accepted");
    }
}

static void assert_refused(const char *why, const char *part)
{
    assert_non_null(why);
    if (!strstr(why, part))
        fail_msg("no '%s' in: %s", part, why);
}

static void odd_tags(void **state)
{
    static char text[1100];

    (void)state;
    fresh();
    assert_refused(finish2(), "no memory map");

    fresh();
    mmap_tag();
    assert_refused(parse2(), "ends within a tag");

    fresh();
    put(INFO + 8, 6 | 7ULL << 32, 8);           /* shorter than its head */
    used = 16;
    assert_refused(finish2(), "ends within a tag");

    fresh();
    put(INFO + 8, 6 | 0xfffffffcULL << 32, 8);  /* longer than all */
    used = 16;
    assert_refused(finish2(), "ends within a tag");

    fresh();
    mmap_tag();
    tag(18, NULL, 0, NULL);
    assert_refused(finish2(), "boot services");

    fresh();
    tag(12, (uint32_t[]){ 1 }, 1, NULL);
    assert_refused(finish2(), "too short");

    fresh();
    tag(6, (uint32_t[]){ 0, 0, 0, 0, 0, 0 }, 6, NULL);
    assert_refused(finish2(), "within a range");

    fresh();
    tag(6, (uint32_t[]){ 24, 0, 0, 0, 1, 0 }, 6, NULL);
    assert_refused(finish2(), "within a range");

    fresh();
    mmap_tag();
    memset(text, 'x', sizeof(text) - 1);
    tag(1, NULL, 0, text);
    assert_refused(finish2(), "more than 1023");

    fresh();
    tag(1, (uint32_t[]){ 0x61616161 }, 1, NULL);    /* no zero at its end */
    mmap_tag();
    assert_null(finish2());
    assert_string_equal(bi.cmdline, "aaaa");

    fresh();
    for (unsigned int i = 0; i < 43; i++)
        mmap_tag();
    assert_refused(finish2(), "more than 128");

    fresh();
    assert_refused(multiboot_parse(MB2, 0xfffffff0, map, &bi), "nowhere");
    assert_refused(multiboot_parse(0x12345678, INFO, map, &bi), "none of");
}

/* Changed at random the information is parsed or refused, and nothing else. */
static void mutated(void **state)
{
    unsigned int seed = 1, accepted = 0, refused = 0;

    (void)state;
    for (unsigned int i = 0; i < 20000; i++) {
        good2();
        tag(0, NULL, 0, NULL);
        for (unsigned int n = rand_r(&seed) % 4 + 1; n; n--)
            ram[INFO + 8 + rand_r(&seed) % (used - 8)] =
                rand_r(&seed) % 4 ? rand_r(&seed) : 0xff;
        if (parse2())
            refused++;
        else
            accepted++;
    }
    assert_true(accepted > 1000 && refused > 1000);
}

static void good1(void)
{
    fresh();
    put(0x449, 3, 1);
    put(INFO, 0x24c, 4);                        /* all that we know of */
    put(INFO + 16, 0x2000, 4);
    put(INFO + 20, 2, 4);
    put(INFO + 24, 0x3000, 4);
    put(INFO + 44, 48, 4);
    put(INFO + 48, 0x4000, 4);
    put(INFO + 64, 0x5000, 4);
    strcpy((char *)ram + 0x2000, "/boot/zazen com1=1");
    put(0x3000, 4 * MIB | 5 * MIB << 32, 8);
    put(0x3008, 0x6000, 4);
    put(0x3010, 6 * MIB | 7 * MIB << 32, 8);
    strcpy((char *)ram + 0x6000, "vmlinuz  quiet");
    for (unsigned int at = 0x4000; at < 0x4030; at += 24) {
        put(at, 20, 4);
        put(at + 4, at == 0x4000 ? 0 : MIB, 8);
        put(at + 12, at == 0x4000 ? 0xa0000 : 16 * MIB, 8);
        put(at + 20, 1, 4);
    }
    strcpy((char *)ram + 0x5000, "qemu");
}

static void first_protocol(void **state)
{
    (void)state;
    good1();
    assert_null(multiboot_parse(MB1, INFO, map, &bi));
    assert_string_equal(bi.cmdline, "com1=1");
    assert_string_equal(bi.kernel.cmdline, "quiet");
    assert_int_equal(bi.kernel.end, 5 * MIB);
    assert_int_equal(bi.initrd.start, 6 * MIB);
    assert_int_equal(bi.memory.nr, 2);
    assert_true(bi.text_mode);

    good1();
    strcpy((char *)ram + 0x5000, "GRUB 2.06");  /* gives no file's name */
    put(0x449, 0, 1);
    assert_null(multiboot_parse(MB1, INFO, map, &bi));
    assert_string_equal(bi.cmdline, "/boot/zazen com1=1");
    assert_false(bi.text_mode);

    good1();
    put(0x4000, 0, 4);                          /* a range of no size */
    assert_refused(multiboot_parse(MB1, INFO, map, &bi), "within a range");
    good1();
    put(INFO + 44, 47, 4);
    assert_refused(multiboot_parse(MB1, INFO, map, &bi), "within a range");
    good1();
    put(INFO + 20, 0xffffffff, 4);              /* modules without end */
    assert_refused(multiboot_parse(MB1, INFO, map, &bi), "third");
    good1();
    put(INFO + 16, 0xfffff000, 4);
    assert_refused(multiboot_parse(MB1, INFO, map, &bi), "nowhere");
    good1();
    put(INFO, 0, 4);
    assert_refused(multiboot_parse(MB1, INFO, map, &bi), "no memory map");
}

static int teardown(void **state)
{
    (void)state;
    free(block);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(second_protocol),
        cmocka_unit_test(text_mode),
        cmocka_unit_test(module_places),
        cmocka_unit_test(odd_tags),
        cmocka_unit_test(mutated),
        cmocka_unit_test(first_protocol),
    };

    return cmocka_run_group_tests(tests, NULL, teardown);
}
