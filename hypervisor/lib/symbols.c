#include "lib/symbols.h"
#include "lib/string.h"

const char *symbol_lookup(const struct symbol_table *t, unsigned long addr,
                          unsigned long *ret_offset)
{
    const char *name = t->names;
    unsigned int i;

    if (addr < t->base || addr >= t->end || !t->nr ||
        addr - t->base < t->offsets[0])
        return NULL;
    for (i = 0; i + 1 < t->nr && t->offsets[i + 1] <= addr - t->base; i++)
        name += strlen(name) + 1;
    *ret_offset = addr - t->base - t->offsets[i];
    return name;
}
