/* lib/rangeset.c against a bitmap. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lib/rangeset.h"

#define N 40

static void check(const struct rangeset *s, const bool *model)
{
    unsigned int ranges = 0;

    for (unsigned int i = 0; i < N; i++) {
        assert_int_equal(rangeset_contains(s, i, i), model[i]);
        ranges += model[i] && (!i || !model[i - 1]);
    }
    assert_int_equal(s->nr, ranges); /* none overlap, none touch */
}

static void test_random(void **state)
{
    struct rangeset s = { 0 };
    bool model[N] = { false };

    (void)state;
    srand(1);
    for (int i = 0; i < 20000; i++) {
        unsigned long a = rand() % N, b = a + rand() % (N - a);
        bool add = rand() % 2, all = true;

        assert_int_equal(add ? rangeset_add(&s, a, b)
                             : rangeset_remove(&s, a, b), 0);
        for (unsigned long n = a; n <= b; n++)
            model[n] = add;
        check(&s, model);
        a = rand() % N;
        b = a + rand() % (N - a);
        for (unsigned long n = a; n <= b; n++)
            all &= model[n];
        assert_int_equal(rangeset_contains(&s, a, b), all);
    }
}

static void test_limits(void **state)
{
    struct rangeset s = { 0 }, before;

    (void)state;
    assert_int_equal(rangeset_add(&s, 2, 1), -EINVAL);
    assert_int_equal(rangeset_remove(&s, 2, 1), -EINVAL);
    assert_int_equal(rangeset_add(&s, 0, ~0UL), 0);
    assert_true(rangeset_contains(&s, 0, ~0UL));
    for (unsigned long i = 1; i < RANGESET_MAX; i++)
        assert_int_equal(rangeset_remove(&s, i * 10, i * 10), 0);
    before = s;
    assert_int_equal(rangeset_remove(&s, 5, 5), -ENOSPC);
    assert_memory_equal(&s, &before, sizeof(s));
    assert_int_equal(rangeset_remove(&s, 0, 9), 0);
    assert_int_equal(rangeset_add(&s, 3, 3), 0);
    assert_int_equal(rangeset_add(&s, 6, 6), -ENOSPC);
    assert_int_equal(rangeset_add(&s, 0, ~0UL), 0);
    assert_int_equal(s.nr, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_random),
        cmocka_unit_test(test_limits),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
