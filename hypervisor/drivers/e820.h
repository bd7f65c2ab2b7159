/*
 * The memory map: ranges of the machine's address space and their kind.
 */
#ifndef DRIVERS_E820_H
#define DRIVERS_E820_H

#include "lib/types.h"

#define E820_RAM       1
#define E820_RESERVED  2
#define E820_ACPI      3
#define E820_NVS       4
#define E820_UNUSABLE  5
#define E820_MAX       128

/* The layout that XENMEM_memory_map gives to guests. */
struct e820_entry {
    uint64_t addr, size;
    uint32_t type;
} __packed;

struct e820_map {
    unsigned int nr;
    struct e820_entry e[E820_MAX];
};

extern struct e820_map machine_e820;     /* (c) sorted, no overlaps */

/* Sort by address; where ranges overlap the higher type wins; merge. */
void e820_sanitize(struct e820_map *map);
/* Make [start, end) another type (0: remove it) where it was RAM. */
void e820_change(struct e820_map *map, paddr_t start, paddr_t end,
                 uint32_t type);
/* Type of the range that holds addr; 0: none. */
uint32_t e820_type(const struct e820_map *map, paddr_t addr);

#endif
