/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/eventfd.h>
#include <systemd/sd-event.h>

#include "util/cleanup.h"
#include "util/list.h"
#include "util/log.h"
#include "util/worker.h"

struct job {
    struct list link;
    void (*work)(void *arg);
    void (*done)(void *arg);
    void (*drop)(void *arg);
    void *arg;
};

struct workers {
    pthread_mutex_t lock;       /* all below, but for the loop's source */
    pthread_cond_t wake;
    struct list queued, finished;
    pthread_t *thread;
    unsigned int nr_threads, max_threads, nr_idle;
    bool ending;
    int fd;                     /* an eventfd: finished is not empty */
    sd_event_source *source;
};

static void *worker_thread(void *arg)
{
    struct workers *w = arg;
    struct job *job;

    pthread_mutex_lock(&w->lock);
    for (;;) {
        job = list_first(&w->queued, struct job, link);
        if (!job) {
            if (w->ending)
                break;
            w->nr_idle++;
            pthread_cond_wait(&w->wake, &w->lock);
            w->nr_idle--;
            continue;
        }
        list_del(&job->link);
        pthread_mutex_unlock(&w->lock);
        job->work(job->arg);
        pthread_mutex_lock(&w->lock);
        list_add_tail(&w->finished, &job->link);
        if (write(w->fd, &(uint64_t){ 1 }, sizeof(uint64_t)) < 0)
            log_err("eventfd: %m");
    }
    pthread_mutex_unlock(&w->lock);
    return NULL;
}

static int on_finished(sd_event_source *source, int fd, uint32_t events,
                       void *arg)
{
    struct workers *w = arg;
    struct job *job;
    uint64_t n;

    (void)source, (void)events;
    if (read(fd, &n, sizeof(n)) < 0)
        return 0;
    for (;;) {
        pthread_mutex_lock(&w->lock);
        job = list_first(&w->finished, struct job, link);
        if (job)
            list_del(&job->link);
        pthread_mutex_unlock(&w->lock);
        if (!job)
            return 0;
        job->done(job->arg);
        free(job);
    }
}

int workers_create(struct sd_event *loop, unsigned int max,
                   struct workers **ret_w)
{
    struct workers *w = xcalloc(1, sizeof(*w));
    int rc;

    pthread_mutex_init(&w->lock, NULL);
    pthread_cond_init(&w->wake, NULL);
    list_init(&w->queued);
    list_init(&w->finished);
    w->max_threads = max;
    w->thread = xcalloc(max, sizeof(*w->thread));
    w->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    rc = w->fd < 0 ? -errno :
         sd_event_add_io(loop, &w->source, w->fd, EPOLLIN, on_finished, w);
    if (rc < 0) {
        workers_destroy(w);
        return rc;
    }
    *ret_w = w;
    return 0;
}

void workers_destroy(struct workers *w)
{
    struct job *job, *tmp;

    if (!w)
        return;
    pthread_mutex_lock(&w->lock);
    w->ending = true;
    pthread_cond_broadcast(&w->wake);
    pthread_mutex_unlock(&w->lock);
    for (unsigned int i = 0; i < w->nr_threads; i++)
        pthread_join(w->thread[i], NULL);
    list_for_each_safe(job, tmp, &w->finished, link) {
        if (job->drop)
            job->drop(job->arg);
        free(job);
    }
    sd_event_source_unref(w->source);
    if (w->fd >= 0)
        close(w->fd);
    free(w->thread);
    free(w);
}

/* Signals are the loop's: a new thread starts with all of them blocked. */
static bool add_thread(struct workers *w)
{
    sigset_t all, old;
    int rc;

    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &old);
    rc = pthread_create(&w->thread[w->nr_threads], NULL, worker_thread, w);
    pthread_sigmask(SIG_SETMASK, &old, NULL);
    if (!rc)
        w->nr_threads++;
    return !rc;
}

void worker_run(struct workers *w, void (*work)(void *arg),
                void (*done)(void *arg), void (*drop)(void *arg), void *arg)
{
    struct job *job = xcalloc(1, sizeof(*job));

    *job = (struct job){ .work = work, .done = done, .drop = drop,
                         .arg = arg };
    pthread_mutex_lock(&w->lock);
    list_add_tail(&w->queued, &job->link);
    if (!w->nr_idle && w->nr_threads < w->max_threads && !add_thread(w) &&
        !w->nr_threads) {
        log_err("cannot start a thread");
        abort();
    }
    pthread_cond_signal(&w->wake);
    pthread_mutex_unlock(&w->lock);
}
