/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The machine and its hypervisor: the handle to it, what it has, and the
 * memory that is promised to domains under construction.
 */
#ifndef XEND_HOST_HOST_H
#define XEND_HOST_HOST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "util/err.h"

struct host;
struct xc;
struct xend;

struct host_cpu {
    uint32_t core, socket, node;
};

/* What `xl info` shows; strings belong to the struct. */
struct host_info {
    unsigned int nr_cpus, max_cpu_id, nr_nodes;
    unsigned int cores_per_socket, threads_per_core, cpu_khz;
    uint32_t hw_cap[8];
    char virt_caps[128];
    uint64_t total_kb, free_kb, outstanding_kb;
    unsigned int xen_major, xen_minor, pagesize;
    uint64_t virt_start;
    char xen_extra[16], xen_caps[1024], changeset[64], commandline[1024];
    char compiler[64], compile_by[16], compile_domain[32], compile_date[32];
    char build_id[65], scheduler[16];
};

/*
 * Open the hypervisor; on_exit is called from the loop when some domain has
 * shut down, crashed or gone.  *err says what is missing.
 */
int host_create(struct xend *x, void (*on_exit)(struct xend *x),
                struct host **ret_h, struct err *err);
void host_destroy(struct host *h);

/* The handle, for the parts that drive domains and rings. */
struct xc *host_xc(const struct host *h);

/* Physical CPUs, counted at start. */
unsigned int host_nr_cpus(const struct host *h);

/*
 * Promise kb of free memory to a build, so that no other is promised it too.
 * -ENOMEM: there is not as much; *err names both sizes.
 */
int host_reserve(struct host *h, uint64_t kb, struct err *err);
void host_unreserve(struct host *h, uint64_t kb);

int host_get_info(struct host *h, struct host_info *ret_info);
/* Only CPUs and memory, and nothing of the hypervisor: one hypercall. */
int host_get_machine(struct host *h, struct host_info *ret_info);

/* Up to max CPUs; returns how many there are. */
int host_get_cpus(struct host *h, unsigned int max, struct host_cpu *ret_cpus);

/* The hypervisor's log as text, to be freed; clear empties it afterwards. */
int host_dmesg(struct host *h, bool clear, char **ret_text);

/* Keys as on the hypervisor's own console. */
int host_debug_keys(struct host *h, const char *keys);

#endif
