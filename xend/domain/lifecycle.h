/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The life of a domain as a table: in each state, what an event leads to and
 * what is to be done.  Pure: domain.c carries the actions out.
 */
#ifndef XEND_DOMAIN_LIFECYCLE_H
#define XEND_DOMAIN_LIFECYCLE_H

#include <stdbool.h>

#include "config/config.h"

enum life_state {
    LIFE_OFF,                   /* known, but no domain in the hypervisor */
    LIFE_BUILDING,              /* being made */
    LIFE_UNDOING,               /* what was made is being taken down */
    LIFE_RUNNING,
    LIFE_PAUSED,                /* by us; a guest never sees this */
    LIFE_SUSPENDING,            /* asked to, so that it can be saved */
    LIFE_SAVING,                /* suspended, and being written to a file */
    LIFE_DUMPING,               /* stands still, and is written to a file */
    LIFE_ENDED,                 /* shut down or crashed, and kept to look at */
    LIFE_STOPPING,              /* being taken down, for good */
    LIFE_RESTARTING,            /* being taken down, to be made again */
    NR_LIFE_STATES
};

enum life_event {
    EVENT_START,                /* asked for */
    EVENT_BUILT,                /* made; it is to run */
    EVENT_BUILT_PAUSED,         /* made; it is to stay paused */
    EVENT_FAILED,               /* making it failed */
    EVENT_PAUSE, EVENT_UNPAUSE, /* asked for */
    EVENT_ASK,                  /* the guest is to be asked to shut down */
    EVENT_EXIT_DESTROY,         /* it ended by itself; on_* says the rest */
    EVENT_EXIT_RESTART,
    EVENT_EXIT_RENAME,
    EVENT_EXIT_KEEP,
    EVENT_EXIT_DUMP,            /* it is dumped before one of these */
    EVENT_DUMP,                 /* asked for */
    EVENT_DUMPED_RUN,           /* or not; it goes on as it was */
    EVENT_DUMPED_PAUSED,
    EVENT_SUSPEND,              /* asked for: it is to be saved */
    EVENT_NO_ANSWER,            /* it has not suspended in time */
    EVENT_SUSPENDED,            /* by itself, or because it was asked */
    EVENT_SAVED,                /* and not needed here any more */
    EVENT_SAVED_RESUME,         /* or not; it is to run on */
    EVENT_SAVED_PAUSE,
    EVENT_DESTROY,              /* asked for */
    EVENT_GONE,                 /* nothing of it is left in the hypervisor */
    NR_LIFE_EVENTS
};

enum life_action {
    ACT_REFUSE,                 /* the event cannot be in this state */
    ACT_NONE,
    ACT_BUILD,
    ACT_UNDO,                   /* take down what a failed build left */
    ACT_CANCEL,                 /* stop the build, then take down */
    ACT_PAUSE, ACT_UNPAUSE,
    ACT_ASK,
    ACT_SAVE,                   /* write it to a file */
    ACT_DUMP,
    ACT_RESUME,                 /* from its suspension, where it was */
    ACT_STOP,                   /* take it down */
    ACT_RENAME,                 /* keep it under another name, build anew */
    ACT_FORGET,                 /* it does not exist any more */
};

struct life_step {
    enum life_state next;
    enum life_action action;
};

/* What event does in state.  For ACT_REFUSE, next is state. */
struct life_step life_step(enum life_state state, enum life_event event);

/* A word for listings and events; and a phrase: "NAME <is being built>". */
const char *life_word(enum life_state state);
const char *life_phrase(enum life_state state);

/* Why a domain ended: <xen/sched.h>'s SHUTDOWN_* values. */
enum life_reason {
    REASON_POWEROFF, REASON_REBOOT, REASON_SUSPEND, REASON_CRASH,
    REASON_WATCHDOG, REASON_SOFT_RESET, NR_REASONS
};

const char *life_reason_word(unsigned int reason);

/*
 * Which EVENT_EXIT_* a domain's end is.  A guest that keeps ending soon after
 * its start (looping) is kept instead of restarted.
 */
enum life_event life_exit(const struct domain_config *c, unsigned int reason,
                          bool looping);

/* Whether its config wants a dump at such an end. */
bool life_dumps(const struct domain_config *c, unsigned int reason);

#endif
