/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <sys/pidfd.h>
#include <systemd/sd-event.h>
#include <time.h>

#include "device/dnsmasq.h"
#include "device/hostnet.h"
#include "device/hostnet_guard.h"
#include "util/cleanup.h"
#include "util/log.h"
#include "util/worker.h"

#define SECONDS   1000000ull
#define LONG_RUN  60            /* seconds; after that its end is news */
#define MAX_DELAY 60

struct hostnet_guard {
    sd_event *loop;
    struct workers *workers;
    char *run_dir;
    sd_event_source *end;       /* of the one that is followed */
    sd_event_source *timer;     /* to the next start */
    uint64_t since;             /* when that was begun, in microseconds */
    unsigned int delay;         /* seconds before the next start */
    bool busy;                  /* a thread starts it */
    struct err err;             /* of the thread: why it is not started */
    bool needed;                /* and whether it is to run */
};

static uint64_t now(void)
{
    struct timespec ts;

    clock_gettime(CLOCK_MONOTONIC, &ts);
    return ts.tv_sec * SECONDS + ts.tv_nsec / 1000;
}

struct hostnet_guard *hostnet_guard_create(struct sd_event *loop,
                                           struct workers *workers,
                                           const char *run_dir)
{
    struct hostnet_guard *g = xcalloc(1, sizeof(*g));

    g->loop = loop;
    g->workers = workers;
    g->run_dir = xstrdup(run_dir);
    return g;
}

void hostnet_guard_destroy(struct hostnet_guard *g)
{
    if (!g)
        return;
    sd_event_source_disable_unref(g->end);
    sd_event_source_disable_unref(g->timer);
    free(g->run_dir);
    free(g);
}

static void start_again(struct hostnet_guard *g);
static bool follow(struct hostnet_guard *g);

static void work(void *arg)
{
    struct hostnet_guard *g = arg;

    g->err = ERR_INIT;
    hostnet_resume(g->run_dir, &g->err);
    g->needed = hostnet_is_ours();
}

static void work_done(void *arg)
{
    struct hostnet_guard *g = arg;

    g->busy = false;
    g->since = now();
    if (g->err.rc)
        log_err("%s", g->err.text);
    if (!follow(g) && g->needed)
        start_again(g);         /* it has ended by now */
}

static int on_time(sd_event_source *source, uint64_t usec, void *arg)
{
    struct hostnet_guard *g = arg;

    (void)source, (void)usec;
    g->timer = sd_event_source_disable_unref(g->timer);
    g->busy = true;
    worker_run(g->workers, work, work_done, NULL, g);
    return 0;
}

static void start_again(struct hostnet_guard *g)
{
    int rc;

    if (now() - g->since >= LONG_RUN * SECONDS)
        g->delay = 0;
    rc = sd_event_add_time_relative(g->loop, &g->timer, CLOCK_MONOTONIC,
                                    g->delay * SECONDS, 10000, on_time, g);
    if (rc < 0)
        log_err("no timer: %s", strerror(-rc));
    g->delay = !g->delay ? 1 : g->delay < MAX_DELAY / 2 ? g->delay * 2 :
               MAX_DELAY;
}

static int on_end(sd_event_source *source, int fd, uint32_t revents, void *arg)
{
    struct hostnet_guard *g = arg;

    (void)source, (void)fd, (void)revents;
    g->end = sd_event_source_disable_unref(g->end);
    if (follow(g))
        return 0;               /* it was the parent of the one that serves */
    log_warn(HOSTNET_BRIDGE ": dnsmasq has ended, no DHCP for guests; it is "
             "started again in %u s", now() - g->since >= LONG_RUN * SECONDS ?
             0 : g->delay);
    start_again(g);
    return 0;
}

/* Be told of its end, if it runs. */
static bool follow(struct hostnet_guard *g)
{
    pid_t pid = dnsmasq_pid(g->run_dir);
    int fd = pid ? pidfd_open(pid, 0) : -1;

    if (fd < 0)
        return false;
    if (sd_event_add_io(g->loop, &g->end, fd, EPOLLIN, on_end, g) < 0) {
        close(fd);
        return false;
    }
    sd_event_source_set_io_fd_own(g->end, true);
    return true;
}

void hostnet_guard_look(struct hostnet_guard *g)
{
    if (g->end || g->busy || g->timer)
        return;
    g->since = now();
    if (!follow(g))
        start_again(g);         /* or find that none is needed */
}
