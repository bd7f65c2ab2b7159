/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A store that is killed again and again while guests use it: no guest sees a
 * lost or a doubled reply, no change is lost or made twice, and no watch
 * misses an event.
 *
 * The store runs in a child process over rings in shared memory, the guests
 * here.  The child is killed by a signal at random moments, and also exactly
 * before, in the middle of and after its writes to the journal, and around
 * each event that it takes or sends.
 */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include <cmocka.h>
#include <systemd/sd-event.h>

#include "fake_guest.h"
#include "store/store.h"
#include "util/log.h"

#define KILLS 300
#define STUCK_S 20

static char dir[32];

/* In the child: die when this many more hooks have been passed. */
static int lives = -1;

static void hook(void)
{
    if (lives > 0 && --lives == 0)
        raise(SIGKILL);
}

/* In front of the C library's: the journal is written with it. */
ssize_t pwrite(int fd, const void *data, size_t len, off_t at)
{
    hook();
    if (lives == 1) {                   /* the next one is in the middle */
        syscall(SYS_pwrite64, fd, data, len / 2, at);
        hook();
    }
    ssize_t n = syscall(SYS_pwrite64, fd, data, len, at);
    hook();
    return n;
}

static void child(bool first)
{
    struct store_params params = { .xc = fake_xc(), .state_dir = dir,
                                   .kernel_ring = true };
    struct store *s;
    char path[32];

    log_set_level(LOG_WARNING);
    fake_hook = hook;
    if (sd_event_new(&params.loop) < 0 || store_create(&params, &s) ||
        store_start(s))
        _exit(3);
    for (unsigned int i = 1; first && i <= 3; i++) {
        snprintf(path, sizeof(path), "/local/domain/%u", i);
        store_mkdir(s, NULL, path);
        snprintf(path + 20, 12, "n%u", i);
        store_set_perms(s, NULL, path, path + 20);
        if (store_introduce(s, i, i, FAKE_PORT_STORE))
            _exit(3);
    }
    sd_event_loop(params.loop);
    _exit(3);
}

/* ---- guests: each has one request under way, and knows its answer ---- */

struct player {
    struct guest g;
    char msg[4096], got[8192];
    size_t size, at;                    /* of the request */
    bool waits;                         /* for a reply */
    bool holds;                         /* for something else, too */
    unsigned int step, round;
    uint32_t tx;
    unsigned int value, commits, retries, events;
    void (*next)(struct player *p);
    void (*judge)(struct player *p, uint32_t type, const char *reply,
                  size_t len);
};

static void send_request(struct player *p, uint32_t type, uint32_t tx,
                         const char *payload, size_t len)
{
    p->size = guest_request(&p->g, p->msg, type, tx, payload, len);
    p->at = 0;
    p->waits = true;
}

/* Writes values of many sizes and reads each back. */
static size_t value_of(unsigned int round, char *to)
{
    size_t len = (round * 37) % 1900 + 1;

    memset(to, 'a' + round % 26, len);
    memcpy(to, &round, len < sizeof(round) ? len : sizeof(round));
    return len;
}

static void writer_next(struct player *p)
{
    char payload[2048] = "v";

    if (p->step == 0) {
        size_t len = value_of(++p->round, payload + 2);

        send_request(p, XS_WRITE, 0, payload, len + 2);
    } else {
        send_request(p, XS_READ, 0, "v", 2);
    }
}

static void writer_judge(struct player *p, uint32_t type, const char *reply,
                         size_t len)
{
    char want[2048];

    if (p->step == 0) {
        assert_int_equal(type, XS_WRITE);
    } else {
        assert_int_equal(type, XS_READ);
        assert_int_equal(len, value_of(p->round, want));
        assert_memory_equal(reply, want, len);
    }
    p->step = !p->step;
}

/* Counts in transactions: each that ended well counts once. */
static void counter_next(struct player *p)
{
    char payload[64];
    int len;

    switch (p->step) {
    case 0:
        send_request(p, XS_TRANSACTION_START, 0, "", 1);
        break;
    case 1:
        send_request(p, XS_READ, p->tx, "n", 2);
        break;
    case 2:
        len = snprintf(payload, sizeof(payload), "n%c%u", 0, p->value + 1);
        send_request(p, XS_WRITE, p->tx, payload, len);
        break;
    case 3:
        send_request(p, XS_READ, p->tx, "n", 2);
        break;
    default:
        send_request(p, XS_TRANSACTION_END, p->tx, "T", 2);
    }
}

static void counter_judge(struct player *p, uint32_t type, const char *reply,
                          size_t len)
{
    (void)len;
    switch (p->step) {
    case 0:
        assert_int_equal(type, XS_TRANSACTION_START);
        p->tx = atoi(reply);
        break;
    case 1:
        if (type == XS_ERROR)
            assert_string_equal(reply, "ENOENT");
        p->value = type == XS_ERROR ? 0 : atoi(reply);
        assert_int_equal(p->value, p->commits);
        break;
    case 2:
        assert_int_equal(type, XS_WRITE);
        break;
    case 3:
        assert_int_equal(type, XS_READ);
        assert_int_equal(atoi(reply), p->value + 1);
        break;
    default:
        if (type == XS_ERROR) {
            assert_string_equal(reply, "EAGAIN");
            p->retries++;
        } else {
            assert_int_equal(type, XS_TRANSACTION_END);
            p->commits++;
        }
        p->step = 0;
        return;
    }
    p->step++;
}

/*
 * Sets a watch, writes below it, takes it away: each step fails if it is done
 * twice or not at all, and each has exactly one event.
 */
static void watcher_next(struct player *p)
{
    static const char arg[] = "w\0token";
    char payload[64];
    int len;

    p->events = 0;
    p->holds = true;
    switch (p->step) {
    case 0:
        send_request(p, XS_WATCH, 0, arg, sizeof(arg));
        break;
    case 1:
        len = snprintf(payload, sizeof(payload), "w%c%u", 0, p->round);
        send_request(p, XS_WRITE, 0, payload, len);
        break;
    default:
        p->round++;
        send_request(p, XS_UNWATCH, 0, arg, sizeof(arg));
    }
}

static void watcher_judge(struct player *p, uint32_t type, const char *reply,
                          size_t len)
{
    static const uint32_t want[] = { XS_WATCH, XS_WRITE, XS_UNWATCH };

    (void)len;
    if (type == XS_WATCH_EVENT) {
        assert_memory_equal(reply, "w\0token", 8);
        p->events++;
    } else {
        assert_int_equal(type, want[p->step]);
    }
    /* Whichever comes first, both must come before the next step. */
    assert_true(p->events <= (p->step < 2));
    p->holds = p->waits || p->events < (p->step < 2);
    if (!p->holds)
        p->step = (p->step + 1) % 3;
}

static void play(struct player *p)
{
    struct xsd_sockmsg hdr;
    size_t n;

    if (!p->waits && !p->holds)
        p->next(p);
    while (p->at < p->size) {           /* the header, then the rest */
        n = p->at < sizeof(hdr) ? sizeof(hdr) - p->at : p->size - p->at;
        n = guest_put(&p->g, p->msg + p->at, n);
        p->at += n;
        if (!n)
            break;
        /* Meanwhile the store may see the one without the other. */
        for (volatile int i = rand() % 4 ? 0 : rand() % 50000; i; i--)
            ;
    }
    guest_get(&p->g);
    while ((n = guest_message(&p->g, p->got))) {
        memcpy(&hdr, p->got, sizeof(hdr));
        p->got[n] = 0;
        if (hdr.type != XS_WATCH_EVENT) {
            assert_int_equal(hdr.req_id, p->g.req_id);
            assert_int_equal(p->at, p->size);
            assert_true(p->waits);
            p->waits = false;
        }
        p->judge(p, hdr.type, p->got + sizeof(hdr), n - sizeof(hdr));
        if (!p->waits && !p->holds)
            p->next(p);
    }
}

static pid_t start(bool first, int die_after)
{
    pid_t pid = fork();

    if (pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        lives = die_after;
        child(first);
    }
    assert_true(pid > 0);
    return pid;
}

static void nap(unsigned int us)
{
    nanosleep(&(struct timespec){ 0, us * 1000l }, NULL);
}

/* Let the guests work until the child is dead. */
static void reap(pid_t pid, struct player *players, int nr)
{
    time_t begin = time(NULL);
    int status;

    while (waitpid(pid, &status, WNOHANG) == 0) {
        for (int i = 0; i < nr; i++)
            play(&players[i]);
        if (time(NULL) - begin > STUCK_S) {
            kill(pid, SIGKILL);
            fail_msg("a guest waits for ever");
        }
        nap(20);
    }
    assert_true(WIFSIGNALED(status));
    fake_killed();
}

#define PLAYERS { \
        { .g.domid = 0, .next = counter_next, .judge = counter_judge }, \
        { .g.domid = 1, .next = writer_next, .judge = writer_judge }, \
        { .g.domid = 2, .next = counter_next, .judge = counter_judge }, \
        { .g.domid = 3, .next = watcher_next, .judge = watcher_judge }, \
    }

/*
 * The first store, without a kill: no guest comes to a standstill, although
 * each notifies as rarely as Linux does.
 */
static void test_first(void **state)
{
    struct player players[4] = PLAYERS;
    time_t begin = time(NULL);
    unsigned int slowest;
    pid_t pid = start(true, -1);

    (void)state;
    do {
        slowest = ~0u;
        for (int k = 0; k < 4; k++) {
            play(&players[k]);
            if (players[k].g.req_id < slowest)
                slowest = players[k].g.req_id;
        }
        if (time(NULL) - begin > STUCK_S)
            fail_msg("a guest stands still after %u requests", slowest);
    } while (slowest < 2000);
    kill(pid, SIGKILL);
    reap(pid, players, 4);
}

static void test_kills(void **state)
{
    struct player players[4] = PLAYERS;
    unsigned int done;
    pid_t pid;

    (void)state;
    srand(7);
    /* The first one lives until the domains are there. */
    pid = start(true, -1);
    for (int i = 0; i < 200 || players[3].round < 3; i++) {
        for (int k = 0; k < 4; k++)
            play(&players[k]);
        nap(200);
    }
    kill(pid, SIGKILL);
    reap(pid, players, 4);
    for (int kills = 0; kills < KILLS; kills++) {
        if (kills % 4) {
            pid = start(false, 1 + rand() % 100);
        } else {
            pid = start(false, -1);
            for (unsigned int i = rand() % 300; i; i--) {
                for (int k = 0; k < 4; k++)
                    play(&players[k]);
                nap(10);
            }
            kill(pid, SIGKILL);
        }
        reap(pid, players, 4);
    }
    pid = start(false, -1);
    done = players[1].round + 3;
    for (time_t begin = time(NULL); players[1].round < done; ) {
        for (int k = 0; k < 4; k++)
            play(&players[k]);
        assert_true(time(NULL) - begin < STUCK_S);
    }
    kill(pid, SIGKILL);
    reap(pid, players, 4);
    print_message("%u values, %u + %u transactions (%u + %u again), "
                  "%u watches\n", players[1].round, players[0].commits,
                  players[2].commits, players[0].retries, players[2].retries,
                  players[3].round);
    assert_true(players[1].round > 20 && players[2].commits > 20 &&
                players[3].round > 20);
}

static int setup(void **state)
{
    (void)state;
    fake_reset();
    strcpy(dir, "/tmp/test_store_kill.XXXXXX");
    return mkdtemp(dir) ? 0 : -1;
}

static int teardown(void **state)
{
    static const char *const files[] = { "store.lock", "store.journal",
                                         "store.journal.new" };
    char path[64];

    (void)state;
    for (int i = 0; i < 3; i++) {
        snprintf(path, sizeof(path), "%s/%s", dir, files[i]);
        unlink(path);
    }
    return rmdir(dir);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_first, setup, teardown),
        cmocka_unit_test_setup_teardown(test_kills, setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
