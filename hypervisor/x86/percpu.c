#include "x86/percpu.h"

/* Named by boot/head.S. */
char boot_percpu[PERCPU_SIZE] __aligned(PERCPU_SIZE);

struct percpu *percpu_of[NR_CPUS] = {
    (struct percpu *)(boot_percpu + PERCPU_SIZE) - 1,
};
cpumask_t cpu_online_mask = 1;
unsigned int nr_cpus = 1;
