/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Figures of domains, from the answers of host.top: sums, shares and rates. */
#ifndef XL_TOP_H
#define XL_TOP_H

#include <json-c/json.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What a domain has done since it was made. */
struct top_sums {
    int64_t cpu_ns;
    int64_t sent, received;                 /* bytes */
    int64_t out_of_requests, reads, writes;
    int64_t read_sectors, written_sectors;
};

struct top_domain {
    const char *name, *uuid;    /* the sample's */
    int domid;
    char state[7];              /* xentop's letters: d s b c p r */
    const char *word;           /* the same for people */
    int64_t memory_kb, maxmem_kb;           /* -1: no limit */
    unsigned int vcpus, nics, disks;
    struct top_sums sum;
    double cpu_percent;         /* of one CPU; this and what follows are for
                                   the time since the former sample, 0 in the
                                   first one */
    double sent_rate, received_rate, read_rate, write_rate;     /* bytes/s */
    double request_rate;
};

struct top {
    struct json_object *sample;
    int64_t time_ns;
    unsigned int nr_cpus, cpu_khz;
    int64_t total_kb, free_kb;
    struct top_domain *domain;
    size_t nr;
    double cpu_percent;         /* of all domains together */
};

enum top_order { BY_ID, BY_NAME, BY_CPU, BY_MEMORY, BY_NETWORK, BY_DISK };

/* The figures of a new sample, which is used up, after those in t. */
void top_update(struct top *t, struct json_object *sample);
void top_fini(struct top *t);

/* The largest first; names and ids, and what is equal, ascending. */
void top_sort(struct top *t, enum top_order by);

/* Columns as xentop -b has them; names in at least width characters, or in
 * full if they are longer and full is set. */
void top_print_batch(const struct top *t, bool full);

/* At most 5 characters: "0", "999", "1.0K", "12K", "340M". */
void format_amount(double amount, char text[8]);

/* ---- top_screen.c ---- */

/* Show it on the terminal, anew after each delay (in ms) until the user ends
 * it, or rounds times (0: no limit).  An exit code. */
int top_screen(int64_t delay_ms, int64_t rounds);

#endif
