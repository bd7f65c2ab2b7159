/* drivers/vga.c: where text appears on a screen that is an array. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "drivers/console.h"

#define ROWS 25
#define COLUMNS 80

static uint16_t *cells;

static int setup(void **state)
{
    (void)state;
    cells = malloc(ROWS * COLUMNS * sizeof(*cells));
    memset(cells, 0xee, ROWS * COLUMNS * sizeof(*cells));
    vga_init(cells);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    vga_release();
    free(cells);
    return 0;
}

static void write_text(const char *s)
{
    vga_write(s, strlen(s));
}

/* The row is this text, then blanks, all in the same colours. */
static void assert_row(unsigned int row, const char *text)
{
    for (unsigned int i = 0; i < COLUMNS; i++) {
        unsigned int cell = cells[row * COLUMNS + i];

        assert_int_equal(cell >> 8, 0x07);
        assert_int_equal(cell & 0xff, i < strlen(text) ? text[i] : ' ');
    }
}

static void lines_from_the_top(void **state)
{
    (void)state;
    for (unsigned int row = 0; row < ROWS; row++)
        assert_row(row, "");
    write_text("one\r\ntwo\r\n");
    write_text("three");
    assert_row(0, "one");
    assert_row(1, "two");
    assert_row(2, "three");
    write_text("\rT\n\xff");
    assert_row(2, "Three");
    assert_int_equal(cells[3 * COLUMNS + 1], 0x07ff);
}

static void it_scrolls(void **state)
{
    char text[16];

    (void)state;
    for (unsigned int i = 0; i < 100; i++) {
        snprintf(text, sizeof(text), "line %u\r\n", i);
        write_text(text);
    }
    for (unsigned int row = 0; row < ROWS - 1; row++) {
        snprintf(text, sizeof(text), "line %u", 76 + row);
        assert_row(row, text);
    }
    assert_row(ROWS - 1, "");
}

static void long_lines_go_on(void **state)
{
    char text[2 * COLUMNS + 2];

    (void)state;
    memset(text, 'x', sizeof(text));
    text[sizeof(text) - 1] = '\0';
    for (unsigned int i = 0; i < ROWS - 1; i++)
        write_text("\n");
    write_text(text);
    assert_row(ROWS - 1, "x");
    text[COLUMNS] = '\0';
    assert_row(ROWS - 2, text);
    assert_row(ROWS - 3, text);
    assert_row(ROWS - 4, "");
}

static void released_is_left_alone(void **state)
{
    (void)state;
    write_text("ours");
    assert_true(vga_release());
    write_text("theirs");
    assert_row(0, "ours");
    assert_false(vga_release());
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(lines_from_the_top, setup, teardown),
        cmocka_unit_test_setup_teardown(it_scrolls, setup, teardown),
        cmocka_unit_test_setup_teardown(long_lines_go_on, setup, teardown),
        cmocka_unit_test_setup_teardown(released_is_left_alone, setup,
                                        teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
