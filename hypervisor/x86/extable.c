#include "x86/extable.h"
#include "lib/types.h"

struct extable_entry {
    int32_t from, to;                /* each relative to itself */
};

extern const struct extable_entry extable_start[], extable_end[];

unsigned long extable_lookup(unsigned long rip)
{
    for (const struct extable_entry *e = extable_start; e < extable_end; e++)
        if ((unsigned long)&e->from + e->from == rip)
            return (unsigned long)&e->to + e->to;
    return 0;
}
