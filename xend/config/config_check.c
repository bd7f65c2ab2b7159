/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Defaults that follow from other values, and what no single value shows. */
#include <ctype.h>
#include <errno.h>

#include "config/config.h"
#include "util/cleanup.h"

const char *config_name_problem(const char *s)
{
    size_t i, digits = 0, len = strlen(s);

    if (!len)
        return "is empty";
    if (len > CONFIG_NAME_MAX)
        return "is longer than 255 characters";
    for (i = 0; i < len; i++) {
        unsigned char ch = s[i];

        if (ch <= ' ' || ch >= 0x7f || strchr("\"'\\/", ch))
            return "has a character that names cannot have (white space, "
                   "quotes, / \\ or beyond ASCII)";
        digits += !!isdigit(ch);
    }
    if (digits == len)
        return "is all digits, which would be taken for a domain id";
    if (!strcmp(s, "(null)") || s[0] == '-' || s[0] == '.')
        return "begins with - or . or is a reserved word";
    return NULL;
}

static int check_sizes(struct domain_config *c, const char *place,
                       struct config_report *r)
{
    if (!c->memory_kb)
        c->memory_kb = c->maxmem_kb ? c->maxmem_kb : 32 * 1024;
    if (!c->maxmem_kb)
        c->maxmem_kb = c->memory_kb;
    if (c->maxmem_kb < c->memory_kb)
        return config_error(r, "%s: maxmem (%lld MiB) is less than memory "
                            "(%lld MiB); raise maxmem or leave it out", place,
                            (long long)c->maxmem_kb / 1024,
                            (long long)c->memory_kb / 1024);
    if (!c->vcpus)
        c->vcpus = c->maxvcpus ? c->maxvcpus : 1;
    if (!c->maxvcpus)
        c->maxvcpus = c->vcpus;
    if (c->maxvcpus < c->vcpus)
        return config_error(r, "%s: maxvcpus (%lld) is less than vcpus "
                            "(%lld); raise maxvcpus or leave it out", place,
                            (long long)c->maxvcpus, (long long)c->vcpus);
    if (c->cap > c->maxvcpus * 100)
        return config_error(r, "%s: cap = %lld is more than %lld vcpus can "
                            "use; write at most %lld, or 0 for no limit",
                            place, (long long)c->cap, (long long)c->maxvcpus,
                            (long long)c->maxvcpus * 100);
    return 0;
}

static int check_affinity(const struct cpuset *set, unsigned int nr,
                          const char *place, struct config_report *r)
{
    static const struct cpuset none;

    for (unsigned int i = 0; i < nr; i++)
        if (!memcmp(&set[i], &none, sizeof(none)))
            return config_error(r, "%s: cpus leaves vcpu %u no CPU to run on; "
                                "name at least one", place, i);
    return 0;
}

int config_check(struct domain_config *c, const char *place,
                 struct config_report *r)
{
    const char *why;
    int rc;

    if (!c->name)
        return config_error(r, "%s: no name; add a line: name = \"guest\"",
                            place);
    why = config_name_problem(c->name);
    if (why)
        return config_error(r, "%s: name \"%s\" %s; choose another", place,
                            c->name, why);
    if (!c->kernel && !c->firmware)
        return config_error(r, "%s: no kernel; add a line: "
                            "kernel = \"/path/to/vmlinuz\", or firmware = "
                            "\"pvgrub64\" for the one on its disk", place);
    if (c->kernel && c->firmware)
        return config_error(r, "%s: kernel and firmware are both given; "
                            "remove one", place);
    if (c->firmware && c->firmware[0] != '/' &&
        !streq(c->firmware, "pvgrub64"))
        return config_error(r, "%s: firmware \"%s\" is not known; write "
                            "\"pvgrub64\", or an absolute path", place,
                            c->firmware);
    if (c->cmdline && strlen(c->cmdline) > 1023)
        return config_error(r, "%s: the kernel's command line has %zu "
                            "characters; at most 1023 fit", place,
                            strlen(c->cmdline));
    rc = check_sizes(c, place, r);
    if (!rc)
        rc = check_affinity(c->hard, c->nr_hard, place, r);
    if (!rc)
        rc = check_affinity(c->soft, c->nr_soft, place, r);
    for (unsigned int i = 0; i < c->nr_devices && !rc; i++)
        rc = config_fit_device(c, c->device[i], place, r);
    return rc;
}
