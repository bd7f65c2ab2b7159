/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "top.h"
#include "xl.h"

#define SECTOR 512
#define NAME_WIDTH 10           /* of xentop's first column */

/* ---- reading ---- */

static void read_state(struct json_object *o, struct top_domain *d)
{
    bool ended = get_bool(o, "shutdown"), crashed = has_crashed(o);
    const struct {
        bool set;
        char letter;
        const char *word;
    } flags[6] = {
        { get_bool(o, "dying"), 'd', "dying" },
        { ended && !crashed, 's', "ended" },
        { get_bool(o, "blocked"), 'b', "blocked" },
        { crashed, 'c', "crashed" },
        { get_bool(o, "paused"), 'p', "paused" },
        { get_bool(o, "running"), 'r', "running" },
    };
    /* What says most comes first. */
    static const int order[] = { 0, 3, 1, 4, 5, 2 };

    for (int i = 0; i < 6; i++)
        d->state[i] = flags[i].set ? flags[i].letter : '-';
    d->state[6] = 0;
    d->word = "ready";
    for (int i = 5; i >= 0; i--)
        if (flags[order[i]].set)
            d->word = flags[order[i]].word;
}

static void read_domain(struct json_object *o, struct top_domain *d)
{
    struct json_object *list, *e;
    size_t nr;

    memset(d, 0, sizeof(*d));
    d->name = get_str(o, "name");
    d->uuid = get_str(o, "uuid");
    d->domid = (int)get_int(o, "domid");
    read_state(o, d);
    d->memory_kb = get_int(o, "memory_kb");
    d->maxmem_kb = json_object_object_get_ex(o, "maxmem_kb", NULL) ?
                   get_int(o, "maxmem_kb") : -1;
    d->vcpus = (unsigned int)get_int(o, "vcpus");
    d->sum.cpu_ns = get_int(o, "cpu_time_ns");
    list = get_list(o, "nics", &nr);
    d->nics = (unsigned int)nr;
    for (size_t i = 0; i < nr; i++) {
        e = json_object_array_get_idx(list, i);
        d->sum.sent += get_int(e, "tx_bytes");
        d->sum.received += get_int(e, "rx_bytes");
    }
    list = get_list(o, "disks", &nr);
    d->disks = (unsigned int)nr;
    for (size_t i = 0; i < nr; i++) {
        e = json_object_array_get_idx(list, i);
        d->sum.out_of_requests += get_int(e, "out_of_requests");
        d->sum.reads += get_int(e, "reads");
        d->sum.writes += get_int(e, "writes");
        d->sum.read_sectors += get_int(e, "read_sectors");
        d->sum.written_sectors += get_int(e, "written_sectors");
    }
}

/* ---- comparing with the former sample ---- */

/* A device that went takes its sums along: no rate is below 0. */
static double rate(int64_t now, int64_t before, double seconds)
{
    return now > before ? (double)(now - before) / seconds : 0;
}

static void compare(struct top_domain *d, const struct top_sums *p,
                    double seconds)
{
    double most = 100.0 * d->vcpus;

    /* The sums are read a moment after the time. */
    d->cpu_percent = rate(d->sum.cpu_ns, p->cpu_ns, seconds) / 1e7;
    if (d->cpu_percent > most)
        d->cpu_percent = most;
    d->sent_rate = rate(d->sum.sent, p->sent, seconds);
    d->received_rate = rate(d->sum.received, p->received, seconds);
    d->read_rate = rate(d->sum.read_sectors, p->read_sectors, seconds) *
                   SECTOR;
    d->write_rate = rate(d->sum.written_sectors, p->written_sectors, seconds) *
                    SECTOR;
    d->request_rate = rate(d->sum.reads + d->sum.writes, p->reads + p->writes,
                           seconds);
}

/* A domain that was restarted has the same uuid and began anew. */
static const struct top_domain *find(const struct top *t,
                                     const struct top_domain *d)
{
    for (size_t i = 0; i < t->nr; i++)
        if (t->domain[i].domid == d->domid &&
            !strcmp(t->domain[i].uuid, d->uuid))
            return &t->domain[i];
    return NULL;
}

void top_update(struct top *t, struct json_object *sample)
{
    struct top next = { .sample = sample };
    struct json_object *list = get_list(sample, "domains", &next.nr);
    const struct top_domain *before;
    double seconds;

    next.time_ns = get_int(sample, "time_ns");
    next.nr_cpus = (unsigned int)get_int(sample, "nr_cpus");
    next.cpu_khz = (unsigned int)get_int(sample, "cpu_khz");
    next.total_kb = get_int(sample, "total_kb");
    next.free_kb = get_int(sample, "free_kb");
    next.domain = calloc(next.nr + 1, sizeof(*next.domain));
    if (!next.domain)
        exit(fail("out of memory"));
    seconds = (double)(next.time_ns - t->time_ns) / 1e9;
    for (size_t i = 0; i < next.nr; i++) {
        read_domain(json_object_array_get_idx(list, i), &next.domain[i]);
        before = find(t, &next.domain[i]);
        if (before && seconds > 0)
            compare(&next.domain[i], &before->sum, seconds);
        next.cpu_percent += next.domain[i].cpu_percent;
    }
    top_fini(t);
    *t = next;
}

void top_fini(struct top *t)
{
    json_object_put(t->sample);
    free(t->domain);
}

/* ---- order ---- */

static enum top_order sort_by;

static double weight(const struct top_domain *d)
{
    switch (sort_by) {
    case BY_CPU:     return d->cpu_percent;
    case BY_MEMORY:  return (double)d->memory_kb;
    case BY_NETWORK: return d->sent_rate + d->received_rate;
    case BY_DISK:    return d->read_rate + d->write_rate;
    default:         return 0;
    }
}

static int in_order(const void *a, const void *b)
{
    const struct top_domain *x = a, *y = b;
    double wx = weight(x), wy = weight(y);

    if (wx != wy)
        return wx > wy ? -1 : 1;
    if (sort_by == BY_NAME && strcmp(x->name, y->name))
        return strcmp(x->name, y->name);
    return (x->domid > y->domid) - (x->domid < y->domid);
}

void top_sort(struct top *t, enum top_order by)
{
    sort_by = by;
    qsort(t->domain, t->nr, sizeof(*t->domain), in_order);
}

/* ---- for scripts ---- */

static void print_limit(const struct top *t, const struct top_domain *d)
{
    if (d->maxmem_kb < 0)
        printf(" %10s %9s", "no limit", "n/a");
    else
        printf(" %10lld %9.1f", (long long)d->maxmem_kb,
               100.0 * (double)d->maxmem_kb / (double)t->total_kb);
}

static void print_row(const struct top *t, const struct top_domain *d,
                      int width)
{
    const struct top_sums *s = &d->sum;

    printf("%*.*s %s %10lld %6.1f %10lld %6.1f", width, width, d->name,
           d->state, (long long)s->cpu_ns / 1000000000, d->cpu_percent,
           (long long)d->memory_kb,
           100.0 * (double)d->memory_kb / (double)t->total_kb);
    print_limit(t, d);
    printf(" %5u %4u %8lld %8lld %4u %8lld %8lld %8lld %10lld %10lld %4d\n",
           d->vcpus, d->nics, (long long)s->sent / 1024,
           (long long)s->received / 1024, d->disks,
           (long long)s->out_of_requests, (long long)s->reads,
           (long long)s->writes, (long long)s->read_sectors,
           (long long)s->written_sectors, 0);
}

void top_print_batch(const struct top *t, bool full)
{
    size_t width = NAME_WIDTH;

    for (size_t i = 0; i < t->nr && full; i++)
        if (strlen(t->domain[i].name) > width)
            width = strlen(t->domain[i].name);
    printf("%*s  STATE   CPU(sec) CPU(%%)     MEM(k) MEM(%%)  MAXMEM(k) "
           "MAXMEM(%%) VCPUS NETS NETTX(k) NETRX(k) VBDS   VBD_OO   VBD_RD   "
           "VBD_WR  VBD_RSECT  VBD_WSECT SSID\n", (int)width, "NAME");
    for (size_t i = 0; i < t->nr; i++)
        print_row(t, &t->domain[i], (int)width);
}

void format_amount(double amount, char text[8])
{
    static const char units[] = " KMGTP";
    int u = 0;

    /* 999.5 would be rounded to four digits. */
    while (amount >= 999.5 && u < 5) {
        amount /= 1024;
        u++;
    }
    if (!u)
        snprintf(text, 8, "%.0f", amount);
    else if (amount < 9.95)
        snprintf(text, 8, "%.1f%c", amount, units[u]);
    else
        snprintf(text, 8, "%.0f%c", amount, units[u]);
}
