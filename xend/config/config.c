/* SPDX-License-Identifier: GPL-2.0-or-later */
/* struct domain_config and the small types in it; no notation of its own. */
#include <ctype.h>
#include <errno.h>
#include <stdarg.h>

#include "config/config.h"
#include "util/buf.h"
#include "util/cleanup.h"

const char *const config_action_words[] = {
    "destroy", "restart", "rename-restart", "preserve", "coredump-destroy",
    "coredump-restart", "soft-reset", NULL
};

void config_report_fini(struct config_report *r)
{
    free(r->error);
    r->error = NULL;
    strlist_fini(&r->warnings);
}

int config_error(struct config_report *r, const char *fmt, ...)
{
    va_list ap;

    if (!r->error) {
        va_start(ap, fmt);
        if (vasprintf(&r->error, fmt, ap) < 0)
            abort();
        va_end(ap);
    }
    return -EINVAL;
}

void config_warn(struct config_report *r, const char *fmt, ...)
{
    _cleanup_free_ char *line = NULL;
    va_list ap;

    va_start(ap, fmt);
    if (vasprintf(&line, fmt, ap) < 0)
        abort();
    va_end(ap);
    strlist_add(&r->warnings, line);
}

struct domain_config *config_new(void)
{
    struct domain_config *c = xcalloc(1, sizeof(*c));

    c->weight = 256;
    c->on_poweroff = ACTION_DESTROY;
    c->on_reboot = ACTION_RESTART;
    c->on_crash = ACTION_DESTROY;
    c->on_watchdog = ACTION_DESTROY;
    c->max_grant_frames = c->max_maptrack_frames = -1;
    c->max_event_channels = 1023;
    return c;
}

static void *copy_bytes(const void *p, size_t n)
{
    return p && n ? memcpy(xmalloc(n), p, n) : NULL;
}

static char *copy_string(const char *s)
{
    return s ? xstrdup(s) : NULL;
}

struct domain_config *config_copy(const struct domain_config *c)
{
    struct domain_config *n = copy_bytes(c, sizeof(*c));

    n->name = copy_string(c->name);
    n->kernel = copy_string(c->kernel);
    n->firmware = copy_string(c->firmware);
    n->ramdisk = copy_string(c->ramdisk);
    n->cmdline = copy_string(c->cmdline);
    n->hard = copy_bytes(c->hard, c->nr_hard * sizeof(*c->hard));
    n->soft = copy_bytes(c->soft, c->nr_soft * sizeof(*c->soft));
    n->device = xcalloc(c->nr_devices, sizeof(*n->device));
    for (unsigned int i = 0; i < c->nr_devices; i++)
        n->device[i] = device_config_copy(c->device[i]);
    return n;
}

void config_free(struct domain_config *c)
{
    if (!c)
        return;
    free(c->name);
    free(c->kernel);
    free(c->firmware);
    free(c->ramdisk);
    free(c->cmdline);
    free(c->hard);
    free(c->soft);
    while (c->nr_devices)
        device_config_free(c->device[--c->nr_devices]);
    free(c->device);
    free(c);
}

void config_freep(struct domain_config **c)
{
    config_free(*c);
}

void cpuset_fill(struct cpuset *set)
{
    memset(set, 0xff, sizeof(*set));
}

bool cpuset_test(const struct cpuset *set, unsigned int cpu)
{
    return cpu < CONFIG_MAX_CPUS && set->bits[cpu / 64] >> cpu % 64 & 1;
}

void cpuset_set(struct cpuset *set, unsigned int cpu)
{
    if (cpu < CONFIG_MAX_CPUS)
        set->bits[cpu / 64] |= 1ull << cpu % 64;
}

static const char *parse_cpu(const char *s, unsigned int *ret)
{
    char *end;
    unsigned long n;

    if (!isdigit((unsigned char)*s))
        return NULL;
    n = strtoul(s, &end, 10);
    if (n >= CONFIG_MAX_CPUS)
        return NULL;
    *ret = n;
    return end;
}

/* One word of the list: N, N-M, all, none; node:0 is the only node there is. */
static bool parse_range(const char *s, struct cpuset *set)
{
    unsigned int first, last;

    if (!strncmp(s, "nodes:", 6) || !strncmp(s, "node:", 5)) {
        s = strchr(s, ':') + 1;
        if (!streq(s, "0") && !streq(s, "all"))
            return false;
        s = "all";
    }
    if (streq(s, "all")) {
        cpuset_fill(set);
        return true;
    }
    if (streq(s, "none"))
        return true;
    s = parse_cpu(s, &first);
    last = first;
    if (s && *s == '-')
        s = parse_cpu(s + 1, &last);
    if (!s || *s || last < first)
        return false;
    while (first <= last)
        cpuset_set(set, first++);
    return true;
}

int cpuset_parse(const char *s, struct cpuset *set, const char **ret_why)
{
    _cleanup_free_ char *copy = xstrdup(s);
    struct cpuset result = { { 0 } };
    char *word, *save = NULL;
    bool any = false;

    for (word = strtok_r(copy, ", \t", &save); word;
         word = strtok_r(NULL, ", \t", &save)) {
        struct cpuset one = { { 0 } };
        bool not = *word == '^';

        if (!parse_range(word + not, &one)) {
            *ret_why = "is no CPU list; write for example \"0-3,^2\" or "
                       "\"all\", CPUs from 0 to 255";
            return -EINVAL;
        }
        if (not && !any)
            cpuset_fill(&result);       /* "^0": all but 0 */
        any = true;
        for (unsigned int i = 0; i < CONFIG_MAX_CPUS / 64; i++)
            if (not)
                result.bits[i] &= ~one.bits[i];
            else
                result.bits[i] |= one.bits[i];
    }
    if (!any) {
        *ret_why = "is empty; write for example \"0-3\" or \"all\"";
        return -EINVAL;
    }
    *set = result;
    return 0;
}

char *cpuset_format(const struct cpuset *set, unsigned int nr_cpus)
{
    unsigned int first, last, in = 0;
    struct buf b = BUF_INIT;

    for (first = 0; first < nr_cpus; first++)
        in += cpuset_test(set, first);
    if (in == nr_cpus && nr_cpus)
        return xstrdup("all");
    for (first = 0; first < nr_cpus; first = last + 1) {
        for (last = first; cpuset_test(set, last + 1) && last + 1 < nr_cpus; )
            last++;
        if (!cpuset_test(set, first)) {
            last = first;
            continue;
        }
        buf_addf(&b, b.len ? ",%u" : "%u", first);
        if (last > first)
            buf_addf(&b, "-%u", last);
    }
    return b.len ? buf_steal(&b) : xstrdup("none");
}

bool uuid_parse(const char *s, uint8_t uuid[16])
{
    static const char form[] = "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx";
    uint8_t value[16];
    unsigned int i, nibble = 0;

    for (i = 0; form[i]; i++) {
        int c = tolower((unsigned char)s[i]);

        if (form[i] == '-' ? c != '-' : !isxdigit(c))
            return false;
        if (form[i] == '-')
            continue;
        c = isdigit(c) ? c - '0' : c - 'a' + 10;
        if (nibble % 2)
            value[nibble / 2] |= c;
        else
            value[nibble / 2] = c << 4;
        nibble++;
    }
    if (s[i])
        return false;
    memcpy(uuid, value, sizeof(value));
    return true;
}

void uuid_format(const uint8_t uuid[16], char text[37])
{
    unsigned int i;

    for (i = 0; i < 16; i++)
        text += sprintf(text, i == 4 || i == 6 || i == 8 || i == 10 ?
                        "-%02x" : "%02x", uuid[i]);
}

bool uuid_is_zero(const uint8_t uuid[16])
{
    static const uint8_t zero[16];

    return !memcmp(uuid, zero, sizeof(zero));
}
