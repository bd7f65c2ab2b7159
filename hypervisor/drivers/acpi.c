/*
 * ACPI 6.4, chapter 5: tables are read where they lie, through the caller's
 * map function, and only after their checksum.
 */
#include "drivers/acpi.h"
#include "lib/abi.h"
#include "lib/string.h"
#include "x86/io.h"

#define RSDP_SIZE        20
#define HEADER_SIZE      36
#define TABLE_MAX        (1024 * 1024)
#define EFI_SYSTEM_TABLE_SIZE 120
#define EFI_ENTRY_SIZE   24
#define SLP_EN           0x2000

/* Kinds of entries of the MADT, with their length in the low byte. */
#define MADT_CPU         0x0008
#define MADT_IOAPIC      0x010c
#define MADT_OVERRIDE    0x020a

struct acpi_info acpi;

/* A number of n bytes. */
static uint64_t get(const uint8_t *p, unsigned int n)
{
    uint64_t v = 0;

    memcpy(&v, p, n);
    return v;
}

static bool checksum_ok(const uint8_t *p, size_t n)
{
    uint8_t sum = 0;

    while (n--)
        sum += *p++;
    return !sum;
}

/* A whole table with a good checksum; NULL. */
static const uint8_t *map_table(acpi_map_fn *map, paddr_t maddr,
                                uint32_t *ret_len)
{
    const uint8_t *t = map(maddr, HEADER_SIZE);
    uint32_t len = t ? get(t + 4, 4) : 0;

    if (len < HEADER_SIZE || len > TABLE_MAX)
        return NULL;
    t = map(maddr, len);
    if (!t || !checksum_ok(t, len))
        return NULL;
    *ret_len = len;
    return t;
}

static paddr_t search_rsdp(acpi_map_fn *map, paddr_t start, paddr_t end)
{
    for (paddr_t at = start; at < end; at += 16) {
        const uint8_t *p = map(at, RSDP_SIZE);

        if (p && !memcmp(p, "RSD PTR ", 8) && checksum_ok(p, RSDP_SIZE))
            return at;
    }
    return 0;
}

static paddr_t find_rsdp(acpi_map_fn *map)
{
    const uint8_t *bda = map(0x40e, 2);
    paddr_t ebda = bda ? get(bda, 2) << 4 : 0, at = 0;

    if (ebda >= 0x400)
        at = search_rsdp(map, ebda, ebda + 1024);
    return at ? at : search_rsdp(map, 0xe0000, 0x100000);
}

/* UEFI 2.9, 4.3: among the tables that the system table lists. */
paddr_t acpi_efi_rsdp(paddr_t system_table, acpi_map_fn *map)
{
    static const uint8_t acpi_guid[16] = {   /* of ACPI 2.0 and later */
        0x71, 0xe8, 0x68, 0x88, 0xf1, 0xe4, 0xd3, 0x11,
        0xbc, 0x22, 0x00, 0x80, 0xc7, 0x3c, 0x88, 0x81
    };
    const uint8_t *t = map(system_table, EFI_SYSTEM_TABLE_SIZE), *e;

    if (!t || memcmp(t, "IBI SYST", 8))
        return 0;
    for (uint64_t at = get(t + 112, 8), nr = get(t + 104, 8); nr; nr--) {
        e = map(at, EFI_ENTRY_SIZE);
        if (!e)
            return 0;
        if (!memcmp(e, acpi_guid, sizeof(acpi_guid)))
            return get(e + 16, 8);
        at += EFI_ENTRY_SIZE;
    }
    return 0;
}

static void madt_entry(struct acpi_info *info, const uint8_t *e)
{
    uint32_t flags;

    switch (e[0] << 8 | e[1]) {
    case MADT_CPU:
        if (!(get(e + 4, 4) & 1) || info->nr_cpus == NR_CPUS)
            return;
        info->acpi_id[info->nr_cpus] = e[2];
        info->apic_id[info->nr_cpus++] = e[3];
        return;
    case MADT_IOAPIC:
        if (info->nr_ioapics < ACPI_MAX_IOAPICS)
            info->ioapic[info->nr_ioapics++] = (struct acpi_ioapic){
                .maddr = get(e + 4, 4), .gsi_base = get(e + 8, 4) };
        return;
    case MADT_OVERRIDE:
        flags = get(e + 8, 2);
        if (info->nr_overrides < ACPI_MAX_OVERRIDES)
            info->override[info->nr_overrides++] = (struct acpi_override){
                .isa_irq = e[3], .gsi = get(e + 4, 4),
                .active_low = (flags & 3) == 3,
                .level = (flags >> 2 & 3) == 3 };
        return;
    }
}

static void parse_madt(struct acpi_info *info, const uint8_t *t, uint32_t len)
{
    uint32_t at = 44;

    if (len < at)
        return;
    info->lapic_maddr = get(t + 36, 4);
    for (; at + 2 <= len && t[at + 1] >= 2 && at + t[at + 1] <= len;
         at += t[at + 1])
        madt_entry(info, t + at);
}

/* The port of a generic address structure (5.2.3.2); 0: it has none. */
static uint16_t gas_port(const uint8_t *p)
{
    return p[0] == 1 ? get(p + 4, 8) : 0;
}

/* Of the structure at `x`, if the table is long enough; else as at `old`. */
static uint16_t fadt_port(const uint8_t *t, uint32_t len, uint32_t old,
                          uint32_t x)
{
    uint16_t port = len >= x + 12 ? gas_port(t + x) : 0;

    return port ? port : get(t + old, 4);
}

static void parse_fadt(struct acpi_info *info, const uint8_t *t, uint32_t len)
{
    uint32_t flags;

    if (len < 116)
        return;
    flags = get(t + 112, 4);
    info->pm1a_cnt = fadt_port(t, len, 64, 172);
    info->pm1b_cnt = fadt_port(t, len, 68, 184);
    info->pm_timer = fadt_port(t, len, 76, 208);
    info->pm_timer_32bit = flags & (1 << 8);
    if (len >= 129 && (flags & (1 << 10))) {
        info->reset = gas_port(t + 116);
        info->reset_value = t[128];
    }
}

static void parse_hpet(struct acpi_info *info, const uint8_t *t, uint32_t len)
{
    if (len >= 56 && t[40] == 0)
        info->hpet_maddr = get(t + 44, 8);
}

static void parse_mcfg(struct acpi_info *info, const uint8_t *t, uint32_t len)
{
    for (uint32_t at = 44; at + 16 <= len; at += 16) {
        if (get(t + at + 8, 2) == 0) {
            info->mmcfg_maddr = get(t + at, 8);
            info->mmcfg_first_bus = t[at + 10];
            info->mmcfg_last_bus = t[at + 11];
        }
    }
}

static void parse_table(struct acpi_info *info, paddr_t maddr,
                        acpi_map_fn *map)
{
    static const struct {
        char signature[4];
        void (*parse)(struct acpi_info *info, const uint8_t *t, uint32_t len);
    } kinds[] = {
        { "APIC", parse_madt }, { "FACP", parse_fadt },
        { "HPET", parse_hpet }, { "MCFG", parse_mcfg },
    };
    uint32_t len;
    const uint8_t *t = map_table(map, maddr, &len);

    for (unsigned int i = 0; t && i < ARRAY_SIZE(kinds); i++)
        if (!memcmp(t, kinds[i].signature, 4))
            kinds[i].parse(info, t, len);
}

bool acpi_parse(struct acpi_info *info, paddr_t rsdp, acpi_map_fn *map)
{
    const uint8_t *p, *root;
    unsigned int width = 4;
    paddr_t root_maddr;
    uint32_t len;

    if (!rsdp)
        rsdp = find_rsdp(map);
    p = rsdp ? map(rsdp, 36) : NULL;
    if (!p)
        return false;
    info->rsdp = rsdp;
    root_maddr = get(p + 16, 4);
    if (p[15] >= 2 && get(p + 24, 8)) {
        root_maddr = get(p + 24, 8);
        width = 8;
    }
    root = map_table(map, root_maddr, &len);
    for (uint32_t at = HEADER_SIZE; root && at + width <= len; at += width)
        parse_table(info, get(root + at, width), map);
    return info->lapic_maddr && info->nr_cpus && info->nr_ioapics;
}

int acpi_enter_sleep(uint16_t val_a, uint16_t val_b)
{
    if (!acpi.pm1a_cnt || !(val_a & SLP_EN))
        return -EINVAL;
    outw(acpi.pm1a_cnt, val_a);
    if (acpi.pm1b_cnt)
        outw(acpi.pm1b_cnt, val_b);
    return 0;
}

void acpi_reset(void)
{
    if (acpi.reset)
        outb(acpi.reset, acpi.reset_value);
}
