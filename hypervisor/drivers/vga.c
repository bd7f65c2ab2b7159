/*
 * VGA's text mode: 25 lines of 80 cells, each a character and its colours.
 */
#include "drivers/console.h"
#include "lib/string.h"

#define ROWS             25U
#define COLUMNS          80U
#define CELLS            (ROWS * COLUMNS)
#define BLANK            0x0720      /* light grey on black */

/* Whoever feeds the devices is alone.  (a) atomic */
static bool ours;                    /* (a) */
static uint16_t *screen;
static unsigned int at;              /* the cell that is next */

static void blank(unsigned int from)
{
    for (unsigned int i = from; i < CELLS; i++)
        screen[i] = BLANK;
}

static void put(char c)
{
    if (c == '\r') {
        at -= at % COLUMNS;
        return;
    }
    if (c != '\n')
        screen[at] = (BLANK & 0xff00) | (uint8_t)c;
    at += c == '\n' ? COLUMNS : 1;
    if (at >= CELLS) {
        memmove(screen, screen + COLUMNS,
                (CELLS - COLUMNS) * sizeof(*screen));
        blank(CELLS - COLUMNS);
        at -= COLUMNS;
    }
}

void vga_init(uint16_t *cells)
{
    screen = cells;
    at = 0;
    blank(0);
    ours = true;
}

void vga_write(const char *s, size_t n)
{
    while (n-- && READ_ONCE(ours))
        put(*s++);
}

bool vga_release(void)
{
    bool was_ours = ours;

    WRITE_ONCE(ours, false);
    return was_ours;
}
