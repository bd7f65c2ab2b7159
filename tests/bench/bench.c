/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the kernel's crossings cost, seen from a program.
 *
 *   bench WHERE            every measurement, a line each: zzb WHERE NAME us
 *   bench time WHERE NAME COUNT COMMAND [UNDO]
 *                          the command by the shell, COUNT times, in ms
 *   bench run WHERE NAME COUNT PROGRAM [ARGUMENT]...
 *                          the program itself, its output thrown away, in ms
 *   bench tsc WHERE        the time stamp counter, in ms of a 1 GHz clock
 *   bench true             nothing (what exec starts)
 *
 * A line has the smallest of several batches: what else runs only adds.  Under
 * the emulator's instruction clock a nanosecond is one instruction.
 */
#include "bench.h"

#include <fcntl.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>
#include <x86intrin.h>

#define BATCHES 7
#define PAGES   64UL

static const char *self;
static char *area;                   /* PAGES of memory, for each batch anew */
static int file = -1;
static sigjmp_buf fault_env;

static void run_null(unsigned int n)
{
    while (n--)
        syscall(SYS_getppid);
}

static void run_clock(unsigned int n)
{
    struct timespec ts;

    while (n--)
        clock_gettime(CLOCK_MONOTONIC, &ts);
}

static void on_signal(int sig)
{
    (void)sig;
}

static void run_signal(unsigned int n)
{
    pid_t me = getpid();

    signal(SIGUSR1, on_signal);
    while (n--)
        kill(me, SIGUSR1);
}

static void child_ended(pid_t pid)
{
    int status;

    must(pid > 0 && waitpid(pid, &status, 0) == pid && !status, "child");
}

static void run_fork(unsigned int n)
{
    while (n--) {
        pid_t pid = fork();

        if (!pid)
            _exit(0);
        child_ended(pid);
    }
}

static void run_exec(unsigned int n)
{
    while (n--) {
        pid_t pid = fork();

        if (!pid) {
            execl(self, self, "true", NULL);
            _exit(1);
        }
        child_ended(pid);
    }
}

/* n round trips of a byte between two processes, by these descriptors. */
static void ping_pong(unsigned int n, int to[2], int from[2])
{
    unsigned int i;
    char c = 0;
    pid_t pid = fork();

    if (!pid) {
        for (i = 0; i < n; i++)
            if (read(to[0], &c, 1) != 1 || write(from[1], &c, 1) != 1)
                _exit(1);
        _exit(0);
    }
    for (i = 0; i < n; i++)
        must(write(to[1], &c, 1) == 1 && read(from[0], &c, 1) == 1, "ring");
    child_ended(pid);
}

/* A switch there and one back: half a round trip each. */
static void run_switch(unsigned int n)
{
    int to[2], from[2];

    must(!pipe(to) && !pipe(from), "pipe");
    ping_pong(n / 2, to, from);
    for (int i = 0; i < 2; i++) {
        close(to[i]);
        close(from[i]);
    }
}

static void run_unix(unsigned int n)
{
    int s[2], to[2], from[2];

    must(!socketpair(AF_UNIX, SOCK_STREAM, 0, s), "socketpair");
    to[1] = from[0] = s[0];
    to[0] = from[1] = s[1];
    ping_pong(n, to, from);
    close(s[0]);
    close(s[1]);
}

static void map_area(void)
{
    area = mmap(NULL, PAGES << 12, PROT_READ | PROT_WRITE,
                MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    must(area != MAP_FAILED, "mmap");
}

static void unmap_area(void)
{
    munmap(area, PAGES << 12);
}

static void run_fault(unsigned int n)
{
    while (n--)
        ((volatile char *)area)[(unsigned long)n << 12] = 1;
}

/* Map PAGES of a file at a time and look at each page. */
static void run_mmap(unsigned int n)
{
    for (; n >= PAGES; n -= PAGES) {
        volatile char *p = mmap(NULL, PAGES << 12, PROT_READ, MAP_SHARED, file,
                                0);

        must(p != MAP_FAILED, "mmap");
        for (unsigned long i = 0; i < PAGES; i++)
            (void)p[i << 12];
        munmap((void *)p, PAGES << 12);
    }
}

static void on_fault(int sig)
{
    (void)sig;
    siglongjmp(fault_env, 1);
}

static void run_protection(unsigned int n)
{
    volatile unsigned int left = n;
    volatile char *p = mmap(NULL, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS,
                            -1, 0);

    signal(SIGSEGV, on_fault);
    sigsetjmp(fault_env, 1);
    if (left-- > 0)
        *p = 1;
    munmap((void *)p, 4096);
}

static void run_loop(unsigned int n)
{
    for (volatile unsigned int i = 0; i < n * 1000; i++)
        ;
}

static const struct {
    const char *name;
    void (*run)(unsigned int n);
    unsigned int n;
    void (*before)(void), (*after)(void);
} table[] = {
    { "null",       run_null,       5000, NULL,     NULL },
    { "clock",      run_clock,      5000, NULL,     NULL },
    { "signal",     run_signal,     1000, NULL,     NULL },
    { "fork",       run_fork,       20,   NULL,     NULL },
    { "exec",       run_exec,       10,   NULL,     NULL },
    { "switch",     run_switch,     600,  NULL,     NULL },
    { "unix",       run_unix,       200,  NULL,     NULL },
    { "fault",      run_fault,      PAGES, map_area, unmap_area },
    { "mmap",       run_mmap,       8 * PAGES, NULL, NULL },
    { "protection", run_protection, 500,  NULL,     NULL },
    { "loop",       run_loop,       100,  NULL,     NULL },
};

static void measure_all(const char *where)
{
    char name[] = "/tmp/bench-XXXXXX", page[4096] = "";

    file = mkstemp(name);
    must(file >= 0, "mkstemp");
    unlink(name);
    for (unsigned long i = 0; i < PAGES; i++)
        must(write(file, page, sizeof(page)) == sizeof(page), "write");
    for (unsigned int t = 0; t < sizeof(table) / sizeof(table[0]); t++) {
        double best = 1e12;

        for (unsigned int b = 0; b < BATCHES; b++) {
            double start, took;

            if (table[t].before)
                table[t].before();
            start = now();
            table[t].run(table[t].n);
            took = (now() - start) / table[t].n;
            if (table[t].after)
                table[t].after();
            if (took < best)
                best = took;
        }
        printf("zzb %s %s %.3f\n", where, table[t].name, best);
        fflush(stdout);
    }
}

static void by_shell(char **command)
{
    must(system(*command) == 0, *command);
}

static void by_itself(char **program)
{
    posix_spawn_file_actions_t quiet;
    pid_t pid;

    must(!posix_spawn_file_actions_init(&quiet) &&
         !posix_spawn_file_actions_addopen(&quiet, 1, "/dev/null", O_WRONLY,
                                           0), "file actions");
    must(!posix_spawnp(&pid, *program, &quiet, NULL, program, environ),
         *program);
    child_ended(pid);
    posix_spawn_file_actions_destroy(&quiet);
}

/* argv: WHERE NAME COUNT and what run takes; undo may be null. */
static void measure_command(char **argv, void (*run)(char **what), char *undo)
{
    double best = 1e12;

    for (int i = atoi(argv[2]); i > 0; i--) {
        double start = now(), took;

        run(argv + 3);
        took = now() - start;
        if (took < best)
            best = took;
        if (undo)
            by_shell(&undo);
    }
    printf("zzb %s %s %.3f\n", argv[0], argv[1], best / 1000);
}

int main(int argc, char **argv)
{
    cpu_set_t one;

    self = "/proc/self/exe";
    if (argc == 2 && !strcmp(argv[1], "true"))
        return 0;
    if (argc == 3 && !strcmp(argv[1], "tsc")) {
        printf("zzb %s boot %.3f\n", argv[2], __rdtsc() / 1e6);
        return 0;
    }
    if (argc >= 6 && !strcmp(argv[1], "time")) {
        measure_command(argv + 2, by_shell, argv[6]);
        return 0;
    }
    if (argc >= 6 && !strcmp(argv[1], "run")) {
        measure_command(argv + 2, by_itself, NULL);
        return 0;
    }
    if (argc != 2)
        return 2;
    CPU_ZERO(&one);
    CPU_SET(0, &one);
    sched_setaffinity(0, sizeof(one), &one);
    measure_all(argv[1]);
    return 0;
}
