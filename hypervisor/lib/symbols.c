#include "lib/symbols.h"
#include "lib/string.h"

/* Of symtab.awk: low halves of addresses, ascending, and as many names, each
 * with its zero byte. */
extern const uint32_t symbol_nr, symbol_low[];
extern const char symbol_names[];

void symbol_format(char *buf, size_t size, unsigned long addr)
{
    const char *name = symbol_names;
    uint32_t i, low = addr;

    for (i = 0; i + 1 < symbol_nr && symbol_low[i + 1] <= low; i++)
        name += strlen(name) + 1;
    snprintf(buf, size, "%s+%#x", name, low - symbol_low[i]);
}
