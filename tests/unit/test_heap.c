/* lib/heap.c: the smallest key is on top, whatever is put in and taken out. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <cmocka.h>

#include "lib/heap.h"

#define NODES 300

static struct heap_node nodes[NODES];
static bool in[NODES];

static int64_t least(void)
{
    int64_t min = INT64_MAX;

    for (unsigned int i = 0; i < NODES; i++)
        if (in[i])
            min = MIN(min, nodes[i].key);
    return min;
}

static void random_operations(void **state)
{
    struct heap h = { NULL };

    (void)state;
    srandom(1);
    for (unsigned int round = 0; round < 100000; round++) {
        unsigned int i = random() % NODES;

        /* Phases of growing and of shrinking. */
        if (in[i] && (round / 5000 % 2 || random() % 4 == 0)) {
            heap_remove(&h, &nodes[i]);
            in[i] = false;
        } else if (!in[i]) {
            nodes[i].key = random() % 1000;
            heap_insert(&h, &nodes[i]);
            in[i] = true;
        }
        if (!h.top)
            assert_int_equal(least(), INT64_MAX);
        else
            assert_int_equal(h.top->key, least());
    }
}

static void sorts(void **state)
{
    static struct heap_node n[1000];
    struct heap h = { NULL };
    int64_t last = INT64_MIN;
    unsigned int count = 0;

    (void)state;
    for (unsigned int i = 0; i < ARRAY_SIZE(n); i++) {
        n[i].key = (i * 7919) % 1000 - 500;
        heap_insert(&h, &n[i]);
    }
    for (; h.top; count++) {
        assert_true(h.top->key >= last);
        last = h.top->key;
        heap_remove(&h, h.top);
    }
    assert_int_equal(count, ARRAY_SIZE(n));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(random_operations),
        cmocka_unit_test(sorts),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
