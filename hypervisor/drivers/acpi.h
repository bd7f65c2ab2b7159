/*
 * ACPI tables: find, check, and read what starting the machine needs.
 */
#ifndef DRIVERS_ACPI_H
#define DRIVERS_ACPI_H

#include "lib/types.h"

#define ACPI_MAX_IOAPICS   16
#define ACPI_MAX_OVERRIDES 16

struct acpi_ioapic {
    paddr_t maddr;
    uint32_t gsi_base;
};

/* An ISA interrupt that arrives on another GSI or in another way. */
struct acpi_override {
    uint8_t isa_irq;
    uint32_t gsi;
    bool level, active_low;
};

/* (c) after boot */
struct acpi_info {
    paddr_t rsdp, lapic_maddr;
    unsigned int nr_cpus;            /* enabled ones */
    uint8_t apic_id[NR_CPUS], acpi_id[NR_CPUS];
    unsigned int nr_ioapics, nr_overrides;
    struct acpi_ioapic ioapic[ACPI_MAX_IOAPICS];
    struct acpi_override override[ACPI_MAX_OVERRIDES];
    uint16_t pm_timer, pm1a_cnt, pm1b_cnt, reset;    /* ports; 0: none */
    bool pm_timer_32bit;
    uint8_t reset_value;
    paddr_t hpet_maddr;              /* 0: none */
    paddr_t mmcfg_maddr;             /* of segment 0; 0: none */
    uint8_t mmcfg_first_bus, mmcfg_last_bus;
};
extern struct acpi_info acpi;

/*
 * Access to n bytes of machine memory while the tables are read: a pointer,
 * or NULL if it cannot be reached.
 */
typedef const void *acpi_map_fn(paddr_t maddr, size_t n);

/* Where EFI's system table says that the RSDP is; 0: it does not. */
paddr_t acpi_efi_rsdp(paddr_t system_table, acpi_map_fn *map);
/* Fill *info from the tables; false: no usable RSDP or MADT. rsdp 0: search
 * the BIOS areas. */
bool acpi_parse(struct acpi_info *info, paddr_t rsdp, acpi_map_fn *map);

/* XENPF_enter_acpi_sleep: write the values (with SLP_EN) to PM1a/PM1b.
 * -EINVAL; 0: the machine goes off soon, or never. */
int acpi_enter_sleep(uint16_t val_a, uint16_t val_b);
/* Reset by the register of the FADT; returns if that did nothing. */
void acpi_reset(void);

#endif
