/* drivers/acpi.c: tables in an array of bytes, whole and damaged. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "drivers/acpi.h"

#define RAM 0x100000
#define RSDP 0xf0000
#define RSDT 0x1000
#define MADT 0x2000
#define FADT 0x3000
#define HPET 0x4000
#define MCFG 0x5000

static uint8_t ram[RAM];

static const void *map(paddr_t maddr, size_t n)
{
    return maddr < RAM && n <= RAM - maddr ? ram + maddr : NULL;
}

static void put(unsigned int at, uint64_t val, unsigned int bytes)
{
    memcpy(ram + at, &val, bytes);
}

static void seal(unsigned int at, unsigned int sum_at, unsigned int len)
{
    uint8_t sum = 0;

    ram[sum_at] = 0;
    for (unsigned int i = 0; i < len; i++)
        sum += ram[at + i];
    ram[sum_at] = -sum;
}

static void table(unsigned int at, const char *signature, unsigned int len)
{
    memcpy(ram + at, signature, 4);
    put(at + 4, len, 4);
    seal(at, at + 9, len);
}

static void make_madt(void)
{
    static const uint8_t entries[] = {
        0, 8, 1, 4, 1, 0, 0, 0,                       /* CPU 4 */
        0, 8, 2, 5, 0, 0, 0, 0,                       /* not enabled */
        1, 12, 7, 0, 0, 0, 0xc0, 0xfe, 24, 0, 0, 0,   /* I/O APIC */
        2, 10, 0, 9, 20, 0, 0, 0, 0x0f, 0,            /* 9: GSI 20, level low */
        99, 3, 0,                                     /* a kind of later days */
        0, 8, 3, 6, 1, 0, 0, 0,                       /* CPU 6 */
    };

    put(MADT + 36, 0xfee00000, 4);
    memcpy(ram + MADT + 44, entries, sizeof(entries));
    table(MADT, "APIC", 44 + sizeof(entries));
}

static void make_fadt(void)
{
    put(FADT + 64, 0x604, 4);
    put(FADT + 76, 0x608, 4);
    put(FADT + 112, 1 << 10 | 1 << 8, 4);
    put(FADT + 116, 1, 1);                  /* reset: a port */
    put(FADT + 120, 0xcf9, 8);
    put(FADT + 128, 0x0f, 1);
    put(FADT + 172, 1, 1);                  /* X_PM1a_CNT wins */
    put(FADT + 176, 0x804, 8);
    table(FADT, "FACP", 244);
}

static int setup(void **state)
{
    (void)state;
    memset(ram, 0, sizeof(ram));
    memcpy(ram + RSDP, "RSD PTR ", 8);
    put(RSDP + 16, RSDT, 4);
    seal(RSDP, RSDP + 8, 20);
    put(RSDT + 36, MADT, 4);
    put(RSDT + 40, FADT, 4);
    put(RSDT + 44, HPET, 4);
    put(RSDT + 48, MCFG, 4);
    table(RSDT, "RSDT", 52);
    make_madt();
    make_fadt();
    put(HPET + 44, 0xfed00000, 8);
    table(HPET, "HPET", 56);
    put(MCFG + 44, 0xb0000000, 8);
    put(MCFG + 55, 0xff, 1);
    table(MCFG, "MCFG", 60);
    return 0;
}

static void everything_found(void **state)
{
    struct acpi_info a = { 0 };

    (void)state;
    assert_true(acpi_parse(&a, 0, map));
    assert_int_equal(a.rsdp, RSDP);
    assert_int_equal(a.lapic_maddr, 0xfee00000);
    assert_int_equal(a.nr_cpus, 2);
    assert_int_equal(a.apic_id[0], 4);
    assert_int_equal(a.apic_id[1], 6);
    assert_int_equal(a.acpi_id[1], 3);
    assert_int_equal(a.nr_ioapics, 1);
    assert_int_equal(a.ioapic[0].maddr, 0xfec00000);
    assert_int_equal(a.ioapic[0].gsi_base, 24);
    assert_int_equal(a.nr_overrides, 1);
    assert_int_equal(a.override[0].isa_irq, 9);
    assert_int_equal(a.override[0].gsi, 20);
    assert_true(a.override[0].level && a.override[0].active_low);
    assert_int_equal(a.pm1a_cnt, 0x804);
    assert_int_equal(a.pm1b_cnt, 0);
    assert_int_equal(a.pm_timer, 0x608);
    assert_true(a.pm_timer_32bit);
    assert_int_equal(a.reset, 0xcf9);
    assert_int_equal(a.reset_value, 0x0f);
    assert_int_equal(a.hpet_maddr, 0xfed00000);
    assert_int_equal(a.mmcfg_maddr, 0xb0000000);
    assert_int_equal(a.mmcfg_last_bus, 0xff);
}

static void bad_checksum_is_no_table(void **state)
{
    struct acpi_info a = { 0 };

    (void)state;
    ram[HPET + 50]++;
    assert_true(acpi_parse(&a, 0, map));
    assert_int_equal(a.hpet_maddr, 0);
    ram[MADT + 50]++;
    a = (struct acpi_info){ 0 };
    assert_false(acpi_parse(&a, 0, map));
    ram[RSDP + 3]++;
    assert_false(acpi_parse(&a, 0, map));
}

static void xsdt_is_preferred(void **state)
{
    struct acpi_info a = { 0 };

    (void)state;
    ram[RSDP + 15] = 2;
    put(RSDP + 24, 0x6000, 8);
    seal(RSDP, RSDP + 8, 20);
    put(0x6000 + 36, MADT, 8);
    table(0x6000, "XSDT", 44);
    assert_true(acpi_parse(&a, RSDP, map));
    assert_int_equal(a.nr_cpus, 2);
    assert_int_equal(a.hpet_maddr, 0);
}

static void efi_names_the_rsdp(void **state)
{
    static const uint8_t guid[16] = {
        0x71, 0xe8, 0x68, 0x88, 0xf1, 0xe4, 0xd3, 0x11,
        0xbc, 0x22, 0x00, 0x80, 0xc7, 0x3c, 0x88, 0x81
    };
    enum { TABLE = 0x8000, LIST = 0x9000 };

    (void)state;
    memcpy(ram + TABLE, "IBI SYST", 8);
    put(TABLE + 104, 3, 8);
    put(TABLE + 112, LIST, 8);
    memcpy(ram + LIST + 48, guid, 16);
    put(LIST + 64, 0x17fb7d014, 8);
    assert_int_equal(acpi_efi_rsdp(TABLE, map), 0x17fb7d014);
    put(TABLE + 104, 2, 8);                 /* it lies behind the list */
    assert_int_equal(acpi_efi_rsdp(TABLE, map), 0);
    memset(ram + LIST + 48, 0, 16);
    put(TABLE + 104, -1, 8);                /* a list without end */
    assert_int_equal(acpi_efi_rsdp(TABLE, map), 0);
    put(TABLE + 112, -1, 8);
    assert_int_equal(acpi_efi_rsdp(TABLE, map), 0);
    ram[TABLE]++;
    assert_int_equal(acpi_efi_rsdp(TABLE, map), 0);
    assert_int_equal(acpi_efi_rsdp(-8, map), 0);
}

/* Any byte of the tables damaged, lengths included: no read outside. */
static void damage_is_survived(void **state)
{
    srandom(3);
    for (unsigned int round = 0; round < 5000; round++) {
        static const unsigned int at[] = { RSDT, MADT, FADT, HPET, MCFG };
        unsigned int t = at[random() % 5], where = t + random() % 64;
        struct acpi_info a = { 0 };
        uint32_t len;

        if (round % 100 == 0)
            setup(state);
        ram[where] = random();
        memcpy(&len, ram + t + 4, 4);
        if (len >= 36 && len < 4096)
            seal(t, t + 9, len);
        acpi_parse(&a, 0, map);
        assert_true(a.nr_cpus <= NR_CPUS);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(everything_found, setup),
        cmocka_unit_test_setup(bad_checksum_is_no_table, setup),
        cmocka_unit_test_setup(xsdt_is_preferred, setup),
        cmocka_unit_test_setup(efi_names_the_rsdp, setup),
        cmocka_unit_test_setup(damage_is_survived, setup),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
