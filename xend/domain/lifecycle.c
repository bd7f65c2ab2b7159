/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "domain/lifecycle.h"

static const struct life_step steps[NR_LIFE_STATES][NR_LIFE_EVENTS] = {
    [LIFE_OFF] = {
        [EVENT_START]        = { LIFE_BUILDING,   ACT_BUILD },
        [EVENT_DESTROY]      = { LIFE_OFF,        ACT_FORGET },
        [EVENT_GONE]         = { LIFE_OFF,        ACT_FORGET },
    },
    [LIFE_BUILDING] = {
        [EVENT_BUILT]        = { LIFE_RUNNING,    ACT_NONE },
        [EVENT_BUILT_PAUSED] = { LIFE_PAUSED,     ACT_NONE },
        [EVENT_FAILED]       = { LIFE_UNDOING,    ACT_UNDO },
        [EVENT_DESTROY]      = { LIFE_UNDOING,    ACT_CANCEL },
    },
    [LIFE_UNDOING] = {
        [EVENT_BUILT]        = { LIFE_UNDOING,    ACT_UNDO },
        [EVENT_BUILT_PAUSED] = { LIFE_UNDOING,    ACT_UNDO },
        [EVENT_FAILED]       = { LIFE_UNDOING,    ACT_UNDO },
        [EVENT_DESTROY]      = { LIFE_UNDOING,    ACT_NONE },
        [EVENT_GONE]         = { LIFE_OFF,        ACT_FORGET },
    },
    [LIFE_RUNNING] = {
        [EVENT_PAUSE]        = { LIFE_PAUSED,     ACT_PAUSE },
        [EVENT_UNPAUSE]      = { LIFE_RUNNING,    ACT_NONE },
        [EVENT_ASK]          = { LIFE_RUNNING,    ACT_ASK },
        [EVENT_EXIT_DESTROY] = { LIFE_STOPPING,   ACT_STOP },
        [EVENT_EXIT_RESTART] = { LIFE_RESTARTING, ACT_STOP },
        [EVENT_EXIT_RENAME]  = { LIFE_ENDED,      ACT_RENAME },
        [EVENT_EXIT_KEEP]    = { LIFE_ENDED,      ACT_NONE },
        [EVENT_EXIT_DUMP]    = { LIFE_DUMPING,    ACT_DUMP },
        [EVENT_DUMP]         = { LIFE_DUMPING,    ACT_DUMP },
        [EVENT_SUSPEND]      = { LIFE_SUSPENDING, ACT_NONE },
        [EVENT_SUSPENDED]    = { LIFE_RUNNING,    ACT_RESUME },
        [EVENT_DESTROY]      = { LIFE_STOPPING,   ACT_STOP },
        [EVENT_GONE]         = { LIFE_STOPPING,   ACT_STOP },
    },
    [LIFE_PAUSED] = {
        [EVENT_PAUSE]        = { LIFE_PAUSED,     ACT_NONE },
        [EVENT_UNPAUSE]      = { LIFE_RUNNING,    ACT_UNPAUSE },
        [EVENT_ASK]          = { LIFE_PAUSED,     ACT_ASK },
        [EVENT_EXIT_DESTROY] = { LIFE_STOPPING,   ACT_STOP },
        [EVENT_EXIT_RESTART] = { LIFE_RESTARTING, ACT_STOP },
        [EVENT_EXIT_RENAME]  = { LIFE_ENDED,      ACT_RENAME },
        [EVENT_EXIT_KEEP]    = { LIFE_ENDED,      ACT_NONE },
        [EVENT_EXIT_DUMP]    = { LIFE_DUMPING,    ACT_DUMP },
        [EVENT_DUMP]         = { LIFE_DUMPING,    ACT_DUMP },
        [EVENT_SUSPENDED]    = { LIFE_PAUSED,     ACT_RESUME },
        [EVENT_DESTROY]      = { LIFE_STOPPING,   ACT_STOP },
        [EVENT_GONE]         = { LIFE_STOPPING,   ACT_STOP },
    },
    [LIFE_SUSPENDING] = {
        [EVENT_UNPAUSE]      = { LIFE_SUSPENDING, ACT_NONE },
        [EVENT_SUSPENDED]    = { LIFE_SAVING,     ACT_SAVE },
        [EVENT_NO_ANSWER]    = { LIFE_RUNNING,    ACT_NONE },
        [EVENT_EXIT_DESTROY] = { LIFE_STOPPING,   ACT_STOP },
        [EVENT_EXIT_RESTART] = { LIFE_RESTARTING, ACT_STOP },
        [EVENT_EXIT_RENAME]  = { LIFE_ENDED,      ACT_RENAME },
        [EVENT_EXIT_KEEP]    = { LIFE_ENDED,      ACT_NONE },
        [EVENT_EXIT_DUMP]    = { LIFE_DUMPING,    ACT_DUMP },
        [EVENT_DESTROY]      = { LIFE_STOPPING,   ACT_STOP },
        [EVENT_GONE]         = { LIFE_STOPPING,   ACT_STOP },
    },
    [LIFE_SAVING] = {
        [EVENT_SAVED]        = { LIFE_STOPPING,   ACT_STOP },
        [EVENT_SAVED_RESUME] = { LIFE_RUNNING,    ACT_RESUME },
        [EVENT_SAVED_PAUSE]  = { LIFE_PAUSED,     ACT_RESUME },
        [EVENT_DESTROY]      = { LIFE_STOPPING,   ACT_STOP },
        [EVENT_GONE]         = { LIFE_STOPPING,   ACT_STOP },
    },
    [LIFE_DUMPING] = {
        [EVENT_DUMPED_RUN]    = { LIFE_RUNNING,    ACT_UNPAUSE },
        [EVENT_DUMPED_PAUSED] = { LIFE_PAUSED,     ACT_NONE },
        [EVENT_EXIT_DESTROY]  = { LIFE_STOPPING,   ACT_STOP },
        [EVENT_EXIT_RESTART]  = { LIFE_RESTARTING, ACT_STOP },
        [EVENT_EXIT_KEEP]     = { LIFE_ENDED,      ACT_NONE },
        [EVENT_DESTROY]       = { LIFE_STOPPING,   ACT_STOP },
        [EVENT_GONE]          = { LIFE_STOPPING,   ACT_STOP },
    },
    [LIFE_ENDED] = {
        [EVENT_DUMP]         = { LIFE_DUMPING,    ACT_DUMP },
        [EVENT_DESTROY]      = { LIFE_STOPPING,   ACT_STOP },
        [EVENT_GONE]         = { LIFE_STOPPING,   ACT_STOP },
    },
    [LIFE_STOPPING] = {
        [EVENT_DESTROY]      = { LIFE_STOPPING,   ACT_NONE },
        [EVENT_GONE]         = { LIFE_OFF,        ACT_FORGET },
    },
    [LIFE_RESTARTING] = {
        [EVENT_DESTROY]      = { LIFE_STOPPING,   ACT_NONE },
        [EVENT_GONE]         = { LIFE_BUILDING,   ACT_BUILD },
    },
};

static const struct {
    const char *word, *phrase;
} words[NR_LIFE_STATES] = {
    [LIFE_OFF]        = { "off", "is not running" },
    [LIFE_BUILDING]   = { "building", "is still being built" },
    [LIFE_UNDOING]    = { "undoing", "is being taken down" },
    [LIFE_RUNNING]    = { "running", "is running" },
    [LIFE_PAUSED]     = { "paused", "is paused" },
    [LIFE_SUSPENDING] = { "suspending", "is about to be saved" },
    [LIFE_SAVING]     = { "saving", "is being saved" },
    [LIFE_DUMPING]    = { "dumping", "is being dumped" },
    [LIFE_ENDED]      = { "ended", "has ended and is only kept to be looked "
                                   "at" },
    [LIFE_STOPPING]   = { "stopping", "is being taken down" },
    [LIFE_RESTARTING] = { "restarting", "is being restarted" },
};

static const char *const reasons[NR_REASONS] = {
    "poweroff", "reboot", "suspend", "crash", "watchdog", "soft-reset",
};

struct life_step life_step(enum life_state state, enum life_event event)
{
    struct life_step step = steps[state][event];

    if (step.action == ACT_REFUSE)
        step.next = state;
    return step;
}

const char *life_word(enum life_state state)
{
    return words[state].word;
}

const char *life_phrase(enum life_state state)
{
    return words[state].phrase;
}

const char *life_reason_word(unsigned int reason)
{
    return reason < NR_REASONS ? reasons[reason] : "unknown";
}

static enum config_action action_at(const struct domain_config *c,
                                    unsigned int reason)
{
    switch (reason) {
    case REASON_POWEROFF:   return c->on_poweroff;
    case REASON_REBOOT:     return c->on_reboot;
    case REASON_WATCHDOG:   return c->on_watchdog;
    case REASON_SOFT_RESET: return ACTION_RESTART;
    default:                return c->on_crash;
    }
}

bool life_dumps(const struct domain_config *c, unsigned int reason)
{
    enum config_action action = action_at(c, reason);

    return reason != REASON_SUSPEND && (action == ACTION_COREDUMP_DESTROY ||
                                        action == ACTION_COREDUMP_RESTART);
}

enum life_event life_exit(const struct domain_config *c, unsigned int reason,
                          bool looping)
{
    if (reason == REASON_SUSPEND)
        return EVENT_SUSPENDED;
    switch (action_at(c, reason)) {
    case ACTION_DESTROY:
    case ACTION_COREDUMP_DESTROY:
        return EVENT_EXIT_DESTROY;
    case ACTION_PRESERVE:
    case NR_ACTIONS:
        return EVENT_EXIT_KEEP;
    case ACTION_RENAME_RESTART:
        return looping ? EVENT_EXIT_KEEP : EVENT_EXIT_RENAME;
    case ACTION_RESTART:
    case ACTION_COREDUMP_RESTART:
    case ACTION_SOFT_RESET:
        break;
    }
    return looping ? EVENT_EXIT_KEEP : EVENT_EXIT_RESTART;
}
