/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The lifecycle table: no state is a trap, no end is missed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "domain/lifecycle.h"

static const struct {
    const char *claim;
    enum life_state state;
    enum life_event event;
    enum life_state next;
    enum life_action action;
} cases[] = {
    { "a start builds", LIFE_OFF, EVENT_START, LIFE_BUILDING, ACT_BUILD },
    { "a failed build is undone", LIFE_BUILDING, EVENT_FAILED, LIFE_UNDOING,
      ACT_UNDO },
    { "a build can be destroyed", LIFE_BUILDING, EVENT_DESTROY, LIFE_UNDOING,
      ACT_CANCEL },
    { "one that was done before the cancel is undone, too", LIFE_UNDOING,
      EVENT_BUILT, LIFE_UNDOING, ACT_UNDO },
    { "what is undone is forgotten", LIFE_UNDOING, EVENT_GONE, LIFE_OFF,
      ACT_FORGET },
    { "pausing twice is no error", LIFE_PAUSED, EVENT_PAUSE, LIFE_PAUSED,
      ACT_NONE },
    { "nor is unpausing twice", LIFE_RUNNING, EVENT_UNPAUSE, LIFE_RUNNING,
      ACT_NONE },
    { "a paused domain may end", LIFE_PAUSED, EVENT_EXIT_DESTROY,
      LIFE_STOPPING, ACT_STOP },
    { "a kept one can be destroyed", LIFE_ENDED, EVENT_DESTROY, LIFE_STOPPING,
      ACT_STOP },
    { "a kept one cannot be unpaused", LIFE_ENDED, EVENT_UNPAUSE, LIFE_ENDED,
      ACT_REFUSE },
    { "a restart builds when the old one is gone", LIFE_RESTARTING,
      EVENT_GONE, LIFE_BUILDING, ACT_BUILD },
    { "a destroy ends a restart", LIFE_RESTARTING, EVENT_DESTROY,
      LIFE_STOPPING, ACT_NONE },
    { "destroying twice is no error", LIFE_STOPPING, EVENT_DESTROY,
      LIFE_STOPPING, ACT_NONE },
    { "a building domain cannot be paused", LIFE_BUILDING, EVENT_PAUSE,
      LIFE_BUILDING, ACT_REFUSE },
    { "one that has suspended for it is saved", LIFE_SUSPENDING,
      EVENT_SUSPENDED, LIFE_SAVING, ACT_SAVE },
    { "one that does not answer runs on", LIFE_SUSPENDING, EVENT_NO_ANSWER,
      LIFE_RUNNING, ACT_NONE },
    { "it may end instead", LIFE_SUSPENDING, EVENT_EXIT_DESTROY,
      LIFE_STOPPING, ACT_STOP },
    { "who suspends unasked goes on", LIFE_RUNNING, EVENT_SUSPENDED,
      LIFE_RUNNING, ACT_RESUME },
    { "or stays paused", LIFE_PAUSED, EVENT_SUSPENDED, LIFE_PAUSED,
      ACT_RESUME },
    { "a failed save resumes", LIFE_SAVING, EVENT_SAVED_RESUME, LIFE_RUNNING,
      ACT_RESUME },
    { "a saved domain goes", LIFE_SAVING, EVENT_SAVED, LIFE_STOPPING,
      ACT_STOP },
    { "one that is saved can be destroyed", LIFE_SAVING, EVENT_DESTROY,
      LIFE_STOPPING, ACT_STOP },
    { "but not be saved twice", LIFE_SAVING, EVENT_SUSPEND, LIFE_SAVING,
      ACT_REFUSE },
    { "a paused guest cannot answer", LIFE_PAUSED, EVENT_SUSPEND, LIFE_PAUSED,
      ACT_REFUSE },
    { "one that is dumped stands still", LIFE_RUNNING, EVENT_DUMP,
      LIFE_DUMPING, ACT_DUMP },
    { "and goes on", LIFE_DUMPING, EVENT_DUMPED_RUN, LIFE_RUNNING,
      ACT_UNPAUSE },
    { "or stays paused", LIFE_DUMPING, EVENT_DUMPED_PAUSED, LIFE_PAUSED,
      ACT_NONE },
    { "nobody lets it run meanwhile", LIFE_DUMPING, EVENT_UNPAUSE,
      LIFE_DUMPING, ACT_REFUSE },
    { "one that has crashed is dumped", LIFE_RUNNING, EVENT_EXIT_DUMP,
      LIFE_DUMPING, ACT_DUMP },
    { "and restarted then", LIFE_DUMPING, EVENT_EXIT_RESTART,
      LIFE_RESTARTING, ACT_STOP },
    { "one that was kept is kept", LIFE_DUMPING, EVENT_EXIT_KEEP, LIFE_ENDED,
      ACT_NONE },
    { "one that is dumped can be destroyed", LIFE_DUMPING, EVENT_DESTROY,
      LIFE_STOPPING, ACT_STOP },
    { "a vanished domain is cleaned up", LIFE_RUNNING, EVENT_GONE,
      LIFE_STOPPING, ACT_STOP },
};

static void test_cases(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct life_step s = life_step(cases[i].state, cases[i].event);

        if (s.next != cases[i].next || s.action != cases[i].action)
            fail_msg("%s", cases[i].claim);
    }
}

/* Claim: from every state a destroy leads, by what follows it, to LIFE_OFF. */
static void test_no_trap(void **state)
{
    (void)state;
    for (enum life_state s = 0; s < NR_LIFE_STATES; s++) {
        struct life_step step = life_step(s, EVENT_DESTROY);

        if (step.action == ACT_REFUSE)
            fail_msg("%s cannot be destroyed", life_word(s));
        if (step.action == ACT_CANCEL)
            step = life_step(step.next, EVENT_FAILED);
        if (step.next != LIFE_OFF)
            step = life_step(step.next, EVENT_GONE);
        if (step.next != LIFE_OFF || step.action != ACT_FORGET)
            fail_msg("%s does not end", life_word(s));
    }
}

/* Claim: what is refused changes nothing, and every state has its words. */
static void test_refusals(void **state)
{
    (void)state;
    for (enum life_state s = 0; s < NR_LIFE_STATES; s++) {
        assert_non_null(life_word(s));
        assert_non_null(life_phrase(s));
        for (enum life_event e = 0; e < NR_LIFE_EVENTS; e++) {
            struct life_step step = life_step(s, e);

            if (step.action == ACT_REFUSE)
                assert_int_equal(step.next, s);
        }
    }
}

static void test_exit(void **state)
{
    struct domain_config c = {
        .on_poweroff = ACTION_PRESERVE, .on_reboot = ACTION_RESTART,
        .on_crash = ACTION_RENAME_RESTART, .on_watchdog = ACTION_DESTROY,
    };

    (void)state;
    assert_int_equal(life_exit(&c, REASON_POWEROFF, false), EVENT_EXIT_KEEP);
    assert_int_equal(life_exit(&c, REASON_REBOOT, false), EVENT_EXIT_RESTART);
    assert_int_equal(life_exit(&c, REASON_REBOOT, true), EVENT_EXIT_KEEP);
    assert_int_equal(life_exit(&c, REASON_CRASH, false), EVENT_EXIT_RENAME);
    assert_int_equal(life_exit(&c, REASON_CRASH, true), EVENT_EXIT_KEEP);
    assert_int_equal(life_exit(&c, REASON_WATCHDOG, false),
                     EVENT_EXIT_DESTROY);
    assert_int_equal(life_exit(&c, 77, false), EVENT_EXIT_RENAME);
    assert_string_equal(life_reason_word(77), "unknown");
    c.on_crash = ACTION_COREDUMP_RESTART;
    c.on_reboot = ACTION_COREDUMP_DESTROY;
    assert_int_equal(life_exit(&c, REASON_CRASH, false), EVENT_EXIT_RESTART);
    assert_int_equal(life_exit(&c, REASON_REBOOT, false), EVENT_EXIT_DESTROY);
    assert_true(life_dumps(&c, REASON_CRASH));
    assert_true(life_dumps(&c, REASON_REBOOT));
    assert_false(life_dumps(&c, REASON_POWEROFF));
    assert_false(life_dumps(&c, REASON_WATCHDOG));
    assert_false(life_dumps(&c, REASON_SUSPEND));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_cases),
        cmocka_unit_test(test_no_trap),
        cmocka_unit_test(test_refusals),
        cmocka_unit_test(test_exit),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
