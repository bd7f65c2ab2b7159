#include "drivers/e820.h"

struct e820_map machine_e820;

static void sort_points(uint64_t *p, unsigned int n)
{
    for (unsigned int i = 1; i < n; i++) {
        uint64_t v = p[i];
        unsigned int j = i;

        for (; j > 0 && p[j - 1] > v; j--)
            p[j] = p[j - 1];
        p[j] = v;
    }
}

static uint64_t entry_end(const struct e820_entry *e)
{
    return e->addr + e->size < e->addr ? UINT64_MAX : e->addr + e->size;
}

uint32_t e820_type(const struct e820_map *map, paddr_t addr)
{
    uint32_t type = 0;

    for (unsigned int i = 0; i < map->nr; i++)
        if (addr >= map->e[i].addr && addr < entry_end(&map->e[i]))
            type = MAX(type, map->e[i].type);
    return type;
}

/* Append a range behind all others; what touches its like is merged. */
static void append(struct e820_map *map, uint64_t start, uint64_t end,
                   uint32_t type)
{
    struct e820_entry *last = map->nr ? &map->e[map->nr - 1] : NULL;

    if (last && last->type == type && last->addr + last->size == start)
        last->size += end - start;
    else if (map->nr < E820_MAX)
        map->e[map->nr++] = (struct e820_entry){ start, end - start, type };
}

void e820_change(struct e820_map *map, paddr_t start, paddr_t end,
                 uint32_t type)
{
    struct e820_map changed = { .nr = 0 };
    uint64_t points[2 * E820_MAX + 2] = { start, end };
    unsigned int nr = 2;

    for (unsigned int i = 0; i < map->nr; i++) {
        points[nr++] = map->e[i].addr;
        points[nr++] = entry_end(&map->e[i]);
    }
    sort_points(points, nr);
    for (unsigned int i = 0; i + 1 < nr; i++) {
        uint32_t t = e820_type(map, points[i]);

        if (t == E820_RAM && points[i] >= start && points[i] < end)
            t = type;
        if (t && points[i] < points[i + 1])
            append(&changed, points[i], points[i + 1], t);
    }
    *map = changed;
}

void e820_sanitize(struct e820_map *map)
{
    e820_change(map, 0, 0, 0);
}
