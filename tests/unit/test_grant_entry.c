/* grant/entry.c: who may claim what, and against a guest that interferes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <pthread.h>
#include <stdatomic.h>

#include "grant/private.h"
#include "x86/atomic.h"

#define R GTF_reading
#define W GTF_writing

static const struct claim_case {
    const char *claim;
    uint16_t flags;
    domid_t domid;
    bool write;
    int rc;
    uint16_t after;
} cases[] = {
    { "read", GTF_permit_access, 5, false, GNTST_okay, GTF_permit_access | R },
    { "write", GTF_permit_access, 5, true, GNTST_okay,
      GTF_permit_access | R | W },
    { "read-only: read", GTF_permit_access | GTF_readonly, 5, false,
      GNTST_okay, GTF_permit_access | GTF_readonly | R },
    { "read-only: no write", GTF_permit_access | GTF_readonly, 5, true,
      GNTST_general_error, GTF_permit_access | GTF_readonly },
    { "another domain's", GTF_permit_access, 6, false, GNTST_general_error,
      GTF_permit_access },
    { "nothing granted", GTF_invalid, 5, false, GNTST_general_error, 0 },
    { "transfer", GTF_accept_transfer, 5, false, GNTST_general_error,
      GTF_accept_transfer },
    { "transitive", GTF_transitive, 5, false, GNTST_general_error,
      GTF_transitive },
    { "part of a page", GTF_permit_access | GTF_sub_page, 5, false,
      GNTST_general_error, GTF_permit_access | GTF_sub_page },
    { "again, for writing", GTF_permit_access | R, 5, true, GNTST_okay,
      GTF_permit_access | R | W },
};

static void test_claim(void **state)
{
    (void)state;
    for (unsigned int i = 0; i < ARRAY_SIZE(cases); i++) {
        const struct claim_case *c = &cases[i];
        struct grant_entry_v1 e = { c->flags, c->domid, 77 };
        uint32_t frame = 0;
        int rc = grant_entry_claim(&e, 5, c->write, &frame);

        if (rc != c->rc || e.flags != c->after)
            fail_msg("%s: %d, flags %x", c->claim, rc, e.flags);
        assert_int_equal(frame, rc ? 0 : 77);
    }
}

static void test_release(void **state)
{
    struct grant_entry_v1 e = { GTF_permit_access | R | W, 5, 77 };

    (void)state;
    grant_entry_release(&e, W);
    assert_int_equal(e.flags, GTF_permit_access | R);
    grant_entry_release(&e, R | W);
    assert_int_equal(e.flags, GTF_permit_access);
}

/*
 * A guest that grants and takes back, as the ABI says: it clears flags that
 * have neither R nor W by compare-and-exchange.  It must never succeed while
 * we hold the entry, and we must never hold one that it has taken back.
 */
static struct grant_entry_v1 shared;
static atomic_bool held, stop, broken;

static void *guest(void *arg)
{
    while (!stop) {
        WRITE_ONCE(shared.flags, GTF_permit_access);
        for (;;) {
            uint16_t f = READ_ONCE(shared.flags);

            if (f & (R | W))
                continue;
            if (cmpxchg(&shared.flags, f, (uint16_t)0) == f)
                break;
        }
        if (held)
            broken = true;
    }
    return arg;
}

static void test_race(void **state)
{
    pthread_t t;
    uint32_t frame;
    unsigned int claims = 0;

    (void)state;
    shared = (struct grant_entry_v1){ 0, 5, 1 };
    assert_int_equal(pthread_create(&t, NULL, guest, NULL), 0);
    for (unsigned int i = 0; i < 1000000 || !claims; i++) {
        if (grant_entry_claim(&shared, 5, i & 1, &frame))
            continue;
        held = true;
        claims++;
        held = false;
        grant_entry_release(&shared, R | W);
    }
    stop = true;
    pthread_join(t, NULL);
    assert_false(broken);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_claim),
        cmocka_unit_test(test_release),
        cmocka_unit_test(test_race),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
