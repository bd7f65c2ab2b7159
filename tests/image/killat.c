/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Kill a process at its Nth step while a command makes it work.
 *
 *   killat PID N before|after COMMAND...
 *
 * A step is a system call that may change something outside the process: any
 * that is not known to be without effect there.  COMMAND runs, and just before
 * (or just after) the process makes the call, it and all its threads are gone.
 *
 * N 0 kills nobody and prints what each step is, a line each: the call, and
 * what tells it from others of its kind (a file, a hypercall, a message) with
 * numbers left out.  Otherwise one such line is printed, of the step.
 *
 * Exit: 0 killed, or all steps printed; 3 COMMAND has ended well without it; 4
 * it has ended otherwise; 1 something does not work.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <signal.h>
#include <sys/ptrace.h>
#include <sys/wait.h>

#include "step.h"

#define QUIET_MS 100            /* without a step after COMMAND: it is over */

static unsigned long wanted, seen;
static bool after;

static void die(const char *what)
{
    fprintf(stderr, "killat: %s: %s\n", what, strerror(errno));
    exit(1);
}

static void seize_threads(void)
{
    char path[32];
    struct dirent *e;
    DIR *d;

    snprintf(path, sizeof(path), "/proc/%d/task", (int)target);
    d = opendir(path);
    if (!d)
        die("no such process");
    while ((e = readdir(d))) {
        pid_t tid = atoi(e->d_name);

        if (!tid)
            continue;
        if (ptrace(PTRACE_SEIZE, tid, 0, PTRACE_O_TRACESYSGOOD |
                   PTRACE_O_TRACECLONE) ||
            ptrace(PTRACE_INTERRUPT, tid, 0, 0))
            die("cannot trace");
    }
    closedir(d);
}

/* Its threads are ours to take leave of, before it is gone. */
static void kill_target(void)
{
    int status;
    pid_t tid;

    kill(target, SIGKILL);
    printf("%s\n", word);
    do {
        tid = waitpid(-1, &status, __WALL);
    } while (tid > 0 && (tid != target || WIFSTOPPED(status)));
}

/* One call begins or ends in a thread; true: it was the one. */
static bool at_call(pid_t tid)
{
    static pid_t last;              /* makes the call that is waited for */
    struct __ptrace_syscall_info info;
    struct call c;

    if (ptrace(PTRACE_GET_SYSCALL_INFO, tid, sizeof(info), &info) <= 0)
        return false;
    if (info.op == PTRACE_SYSCALL_INFO_EXIT)
        return tid == last;
    if (info.op != PTRACE_SYSCALL_INFO_ENTRY)
        return false;
    c.nr = info.entry.nr;
    c.arg = (const uint64_t *)info.entry.args;
    if (!is_step(&c))
        return false;
    if (!wanted)
        printf("%s\n", word);
    if (++seen != wanted)
        return false;
    if (after)
        last = tid;
    return !after;
}

/* A thread has stopped; true: at the call that is looked for. */
static bool stopped(pid_t tid, int status)
{
    int sig = WSTOPSIG(status), event = status >> 16;

    if (sig == (SIGTRAP | 0x80)) {
        if (at_call(tid))
            return true;
        sig = 0;
    } else if (event) {
        sig = 0;
    }
    ptrace(PTRACE_SYSCALL, tid, 0, sig);
    return false;
}

/* Follow it until it is killed (0), or COMMAND and what it began have ended
 * (COMMAND's wait status, or -1 if that is not known). */
static bool follow(pid_t command, int *ret_status)
{
    struct timespec quiet = { QUIET_MS / 1000, QUIET_MS % 1000 * 1000000l };
    bool ended = false;
    sigset_t chld;
    int status;
    pid_t tid;

    sigemptyset(&chld);
    sigaddset(&chld, SIGCHLD);
    for (;;) {
        while ((tid = waitpid(-1, &status, __WALL | WNOHANG)) > 0) {
            if (tid == command) {
                *ret_status = status;
                ended = true;
            } else if (WIFSTOPPED(status)) {
                if (stopped(tid, status)) {
                    kill_target();
                    return true;
                }
            } else if (tid == target) {
                fprintf(stderr, "killat: it has ended by itself\n");
                exit(1);
            }
        }
        if (sigtimedwait(&chld, NULL, ended ? &quiet : NULL) < 0 &&
            errno == EAGAIN)
            return false;
    }
}

static pid_t start(char **argv)
{
    sigset_t chld, old;
    pid_t pid;

    sigemptyset(&chld);
    sigaddset(&chld, SIGCHLD);
    sigprocmask(SIG_BLOCK, &chld, &old);
    pid = fork();
    if (!pid) {
        sigprocmask(SIG_SETMASK, &old, NULL);
        execvp(argv[0], argv);
        die(argv[0]);
    }
    return pid;
}

int killat(int argc, char **argv);

int killat(int argc, char **argv)
{
    int status = 0;
    pid_t command;

    if (argc < 5 || (strcmp(argv[3], "before") && strcmp(argv[3], "after"))) {
        fprintf(stderr, "usage: killat PID N before|after COMMAND...\n");
        return 1;
    }
    target = atoi(argv[1]);
    wanted = strtoul(argv[2], NULL, 10);
    after = !strcmp(argv[3], "after");
    seize_threads();
    command = start(argv + 4);
    if (follow(command, &status)) {
        waitpid(command, &status, 0);
        return 0;
    }
    if (status)
        return 4;
    return wanted ? 3 : 0;
}

/* A unit test has a main of its own. */
__attribute__((weak)) int main(int argc, char **argv)
{
    return killat(argc, argv);
}
