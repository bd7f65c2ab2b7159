/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/pidfd.h>
#include <sys/wait.h>
#include <time.h>

#include "util/buf.h"
#include "util/cleanup.h"
#include "util/run.h"

/* Of a program's words only the end is kept. */
#define WORDS_MAX 4096
/* An error shows so many lines, or as many of them as have room. */
#define LINES_MAX  3
#define LINES_SIZE 300

static int64_t now_ms(void)
{
    struct timespec ts;

    clock_gettime(CLOCK_MONOTONIC, &ts);
    return ts.tv_sec * 1000ll + ts.tv_nsec / 1000000;
}

static bool has_name(char *const *env, size_t nr, const char *setting)
{
    size_t len = strcspn(setting, "=") + 1;

    while (nr--)
        if (!strncmp(env[nr], setting, len))
            return true;
    return false;
}

/* The environment, but for what more has. */
static char **join_env(const char *const *more)
{
    size_t nr = 0, extra = 0, i;
    char **env;

    while (environ[nr])
        nr++;
    while (more && more[extra])
        extra++;
    env = xcalloc(nr + extra + 1, sizeof(*env));
    for (i = 0; i < extra; i++)
        env[i] = (char *)more[i];
    for (nr = extra, i = 0; environ[i]; i++)
        if (!has_name(env, extra, environ[i]))
            env[nr++] = environ[i];
    return env;
}

/* In a process group of its own, with all signals as for a fresh program. */
static int spawn(const char *const argv[], const char *const env[], int out,
                 pid_t *ret_pid)
{
    _cleanup_free_ char **all = join_env(env);
    posix_spawn_file_actions_t files;
    posix_spawnattr_t attr;
    sigset_t none, pipe;
    int rc;

    sigemptyset(&none);
    sigemptyset(&pipe);
    sigaddset(&pipe, SIGPIPE);
    posix_spawnattr_init(&attr);
    posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETPGROUP |
                             POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
    posix_spawnattr_setsigmask(&attr, &none);
    posix_spawnattr_setsigdefault(&attr, &pipe);
    posix_spawn_file_actions_init(&files);
    posix_spawn_file_actions_addopen(&files, 0, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_addopen(&files, 1, "/dev/null", O_WRONLY, 0);
    posix_spawn_file_actions_adddup2(&files, out, 2);
    rc = posix_spawnp(ret_pid, argv[0], &files, &attr, (char *const *)argv,
                      all);
    posix_spawn_file_actions_destroy(&files);
    posix_spawnattr_destroy(&attr);
    return -rc;
}

/* Take what there is; false at the end of it. */
static bool listen_to(int fd, struct buf *words)
{
    ssize_t n;

    do {
        n = buf_read(words, fd, WORDS_MAX);
        if (words->len > WORDS_MAX)
            buf_consume(words, words->len - WORDS_MAX);
    } while (n > 0);
    return n == -EAGAIN || n == -EINTR;
}

/* Until the program ends, whoever else may still hold its standard error. */
static int follow(pid_t pid, int fd, struct buf *words, unsigned int seconds,
                  int *ret_status)
{
    _cleanup_close_ int pidfd = pidfd_open(pid, 0);
    struct pollfd fds[] = { { pidfd, POLLIN, 0 }, { fd, POLLIN, 0 } };
    int64_t end = now_ms() + seconds * 1000ll, left;
    int rc = pidfd < 0 ? -errno : 0;

    while (!rc && !(fds[0].revents & POLLIN)) {
        left = end - now_ms();
        if (left <= 0)
            rc = -ETIMEDOUT;
        else if (poll(fds, 2, left) < 0 && errno != EINTR)
            rc = -errno;
        else if (fds[1].revents && !listen_to(fd, words))
            fds[1].fd = -1;
    }
    if (rc)
        kill(-pid, SIGKILL);
    while (waitpid(pid, ret_status, 0) < 0 && errno == EINTR)
        ;
    listen_to(fd, words);
    return rc;
}

/* The last lines in one, to be freed; NULL: it has said nothing. */
static char *last_lines(struct buf *words)
{
    struct buf b = BUF_INIT;
    char *from, *start, *line;

    while (words->len && words->data[words->len - 1] == '\n')
        words->len--;
    from = start = words->data + words->len;
    if (words->len)
        *from = 0;
    for (int n = 0; n < LINES_MAX && start > words->data; n++) {
        do
            start--;
        while (start > words->data && start[-1] != '\n');
        if (!n || words->data + words->len - start <= LINES_SIZE)
            from = start;
    }
    while (words->len && (line = strsep(&from, "\n")))
        if (*line)
            buf_addf(&b, "%s%s", b.len ? "; " : "", line);
    return b.len ? buf_steal(&b) : NULL;
}

int run_program(const char *const argv[], const char *const env[],
                unsigned int seconds, struct err *err)
{
    _cleanup_(buf_fini) struct buf words = BUF_INIT;
    _cleanup_free_ char *why = NULL;
    int fds[2], rc, status = 0;
    pid_t pid;

    if (pipe2(fds, O_CLOEXEC))
        return err_sys(err, -errno, "cannot run %s", argv[0]);
    fcntl(fds[0], F_SETFL, O_NONBLOCK);
    rc = spawn(argv, env, fds[1], &pid);
    close(fds[1]);
    if (!rc)
        rc = follow(pid, fds[0], &words, seconds, &status);
    else
        err_sys(err, rc, "cannot run %s", argv[0]);
    close(fds[0]);
    why = last_lines(&words);
    if (rc == -ETIMEDOUT)
        return err_set(err, rc, "%s did not end within %u s%s%s", argv[0],
                       seconds, why ? ": " : "", why ? why : "");
    if (rc)
        return err->rc ? rc : err_sys(err, rc, "cannot wait for %s", argv[0]);
    if (!status)
        return 0;
    if (!why)
        return err_set(err, -EIO, WIFEXITED(status) ? "%s ended with code %d" :
                       "%s was killed by signal %d", argv[0],
                       WIFEXITED(status) ? WEXITSTATUS(status) :
                       WTERMSIG(status));
    return err_set(err, -EIO, "%s: %s", argv[0], why);
}
