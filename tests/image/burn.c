/*
 * Use all of one CPU and say each second how far the work has come.
 *
 * usage: burn NAME [CPU]
 */
#define _GNU_SOURCE
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static double seconds(void)
{
    struct timespec ts;

    clock_gettime(CLOCK_MONOTONIC, &ts);
    return ts.tv_sec + ts.tv_nsec / 1e9;
}

int main(int argc, char **argv)
{
    const char *name = argc > 1 ? argv[1] : "guest";
    unsigned int cpu = argc > 2 ? strtoul(argv[2], NULL, 10) : 0;
    unsigned long long work = 0;
    volatile unsigned int sink = 0;
    double next = seconds() + 1;
    cpu_set_t set;

    CPU_ZERO(&set);
    CPU_SET(cpu, &set);
    sched_setaffinity(0, sizeof(set), &set);
    for (;;) {
        for (unsigned int i = 0; i < 100000; i++)
            sink += i;
        work++;
        if (seconds() >= next) {
            printf("zz-work %s %u %llu\n", name, cpu, work);
            fflush(stdout);
            next += 1;
        }
    }
}
