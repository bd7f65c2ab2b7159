/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Threads for work that would hold up the event loop.  A job's work runs in a
 * thread and may touch only what the job owns and what is safe for threads
 * (the hypervisor handle); its done then runs from the loop.
 */
#ifndef XEND_UTIL_WORKER_H
#define XEND_UTIL_WORKER_H

struct sd_event;
struct workers;

/* Threads start on demand, at most max; more jobs than that wait. */
int workers_create(struct sd_event *loop, unsigned int max,
                   struct workers **ret_w);

/* Finish all jobs' work and end the threads, calling drop in place of done. */
void workers_destroy(struct workers *w);

/*
 * Run work(arg) in a thread and after it done(arg) from the loop; or drop(arg)
 * if the workers end before.  drop NULL: somebody else owns it.
 */
void worker_run(struct workers *w, void (*work)(void *arg),
                void (*done)(void *arg), void (*drop)(void *arg), void *arg);

#endif
