/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <ctype.h>
#include <errno.h>

#include "config/device.h"
#include "util/cleanup.h"
#include "util/field.h"

/* Linux's IFNAMSIZ without the zero byte. */
#define IFNAME_MAX 15
#define VIF_DEVID_MAX  255
#define VIF_MTU_MIN    68
#define VIF_MTU_MAX    65517    /* what xen-netback can: 65535 - 18 */
#define VIF_RATE_USEC  50000    /* an interval of rate= that names none */

struct vif_parse {
    struct device_config *dc;
    const char *place;
    struct config_report *r;
};

struct vif_key {
    const char *name;
    int (*apply)(struct vif_parse *p, const struct vif_key *k,
                 const char *value);
    size_t offset;              /* of the field in struct device_config */
    int64_t min, max;
};

static int bad(struct vif_parse *p, const char *key, const char *value,
               const char *what)
{
    return config_error(p->r, "%s: %s \"%s\" %s", p->place, key, value, what);
}

static int apply_text(struct vif_parse *p, const struct vif_key *k,
                      const char *value)
{
    strset((char **)((char *)p->dc + k->offset), value);
    return 0;
}

static int apply_number(struct vif_parse *p, const struct vif_key *k,
                        const char *value)
{
    long long n;
    char *end;

    errno = 0;
    n = strtoll(value, &end, 10);
    if (errno || end == value || *end || n < k->min || n > k->max)
        return config_error(p->r, "%s: %s \"%s\" must be a number from %lld "
                            "to %lld", p->place, k->name, value,
                            (long long)k->min, (long long)k->max);
    *(int64_t *)((char *)p->dc + k->offset) = n;
    return 0;
}

/* Bytes in a second: 10MB/s, 250Kb/s; NULL, or where the text goes on. */
static const char *rate_speed(const char *s, uint64_t *ret)
{
    static const char units[] = "KMG";
    const char *unit;
    uint64_t n;
    char *end;

    if (!isdigit((unsigned char)*s))
        return NULL;
    errno = 0;
    n = strtoull(s, &end, 10);
    if (errno)
        return NULL;
    unit = *end ? strchr(units, *end) : NULL;
    for (size_t i = unit ? unit - units + 1 : 0; i; i--)
        if (__builtin_mul_overflow(n, 1000, &n))
            return NULL;
    end += !!unit;
    if (*end != 'b' && *end != 'B')
        return NULL;
    *ret = *end == 'b' ? n / 8 : n;
    return strncmp(end + 1, "/s", 2) ? NULL : end + 3;
}

/* An interval in microseconds: 20ms, 500us, 1s; false if it is none. */
static bool rate_interval(const char *s, uint64_t *ret)
{
    uint64_t n, scale;
    char *end;

    if (!isdigit((unsigned char)*s))
        return false;
    errno = 0;
    n = strtoull(s, &end, 10);
    scale = streq(end, "us") ? 1 : streq(end, "ms") ? 1000 :
            streq(end, "s") ? 1000000 : 0;
    return !errno && scale && !__builtin_mul_overflow(n, scale, ret);
}

static int apply_rate(struct vif_parse *p, const struct vif_key *k,
                      const char *value)
{
    uint64_t speed, usec = VIF_RATE_USEC, bytes;
    const char *rest = rate_speed(value, &speed);

    if (!rest || (*rest && (*rest != '@' || !rate_interval(rest + 1, &usec))))
        return bad(p, k->name, value, "must look like 10MB/s or "
                   "250Kb/s@20ms (b: bits, B: bytes)");
    /* xen-netback counts an interval in 32 bits of microseconds. */
    if (!usec || usec > UINT32_MAX ||
        __builtin_mul_overflow(speed, usec, &bytes) || bytes < 1000000 ||
        bytes / 1000000 > UINT32_MAX)
        return bad(p, k->name, value, "lets nothing through, or more than "
                   "can be counted; choose a rate and an interval between");
    p->dc->vif.rate_bytes = bytes / 1000000;
    p->dc->vif.rate_usec = usec;
    return 0;
}

static int apply_type(struct vif_parse *p, const struct vif_key *k,
                      const char *value)
{
    return streq(value, "vif") || streq(value, "netfront") ? 0 :
           bad(p, k->name, value, "is not for PV guests; write type=vif or "
               "leave it out");
}

static int apply_backend(struct vif_parse *p, const struct vif_key *k,
                         const char *value)
{
    return config_is_dom0(value) ? 0 :
           bad(p, k->name, value, "is not supported: interfaces are served by "
               "domain 0; leave it out");
}

static int apply_ignore(struct vif_parse *p, const struct vif_key *k,
                        const char *value)
{
    config_warn(p->r, "%s: %s=%s has no effect for PV guests, ignored",
                p->place, k->name, value);
    return 0;
}

#define AT(f) offsetof(struct device_config, f)

static const struct vif_key keys[] = {
    { "mac", apply_text, AT(vif.mac), 0, 0 },
    { "bridge", apply_text, AT(vif.bridge), 0, 0 },
    { "vifname", apply_text, AT(vif.ifname), 0, 0 },
    { "ip", apply_text, AT(vif.ip), 0, 0 },
    { "script", apply_text, AT(vif.script), 0, 0 },
    { "gatewaydev", apply_text, AT(vif.gatewaydev), 0, 0 },
    { "netdev", apply_text, AT(vif.gatewaydev), 0, 0 },
    { "rate", apply_rate, 0, 0, 0 },
    { "mtu", apply_number, AT(vif.mtu), VIF_MTU_MIN, VIF_MTU_MAX },
    { "devid", apply_number, AT(devid), 0, VIF_DEVID_MAX },
    { "type", apply_type, 0, 0, 0 },
    { "backend", apply_backend, 0, 0, 0 },
    { "model", apply_ignore, 0, 0, 0 },
    { "accel", apply_ignore, 0, 0, 0 },
};

#define NR_KEYS (sizeof(keys) / sizeof(keys[0]))

static char *trim(char *s)
{
    char *end;

    while (isspace((unsigned char)*s))
        s++;
    end = s + strlen(s);
    while (end > s && isspace((unsigned char)end[-1]))
        end--;
    *end = 0;
    return s;
}

static int apply_word(struct vif_parse *p, char *word, uint32_t *seen)
{
    char *eq = strchr(word, '='), *name, *value;

    if (streq(word, "trusted") || streq(word, "untrusted")) {
        p->dc->vif.untrusted = *word == 'u';
        return 0;
    }
    if (!eq)
        return config_error(p->r, "%s: \"%s\" is no KEY=VALUE; write for "
                            "example bridge=xenbr0", p->place, word);
    *eq = 0;
    name = trim(word);
    value = trim(eq + 1);
    for (size_t i = 0; i < NR_KEYS; i++) {
        if (!streq(name, keys[i].name))
            continue;
        if (*seen >> i & 1)
            return config_error(p->r, "%s: %s is given twice; keep one",
                                p->place, name);
        *seen |= 1u << i;
        if (!*value)
            return config_error(p->r, "%s: %s has no value; give it one or "
                                "leave it out", p->place, name);
        return keys[i].apply(p, &keys[i], value);
    }
    return config_error(p->r, "%s: unknown word \"%s\"; an interface has mac, "
                        "bridge, vifname, ip, script, rate, mtu and devid",
                        p->place, name);
}

/* A name that the kernel takes for an interface. */
static int check_ifname(struct vif_parse *p, const char *key, const char *s)
{
    size_t n = s ? strlen(s) : 1;

    for (size_t i = 0; s && i < n; i++)
        if (!isgraph((unsigned char)s[i]) || s[i] == '/' || s[i] == ':')
            n = 0;
    if (!n || n > IFNAME_MAX || (s && (streq(s, ".") || streq(s, ".."))))
        return bad(p, key, s, "cannot be an interface's name: at most 15 "
                   "characters, without white space, / and :");
    return 0;
}

/* As xen-netfront reads it, and in lower case to be found again. */
static int check_mac(struct vif_parse *p)
{
    static const char form[] = "xx:xx:xx:xx:xx:xx";
    char *mac = p->dc->vif.mac;
    size_t i;

    if (!mac)
        return 0;
    for (i = 0; form[i]; i++) {
        mac[i] = tolower((unsigned char)mac[i]);
        if (form[i] == ':' ? mac[i] != ':' : !isxdigit((unsigned char)mac[i]))
            break;
    }
    if (form[i] || mac[i])
        return bad(p, "mac", mac, "must look like 00:16:3e:12:34:56");
    if (strchr("13579bdf", mac[1]))
        return bad(p, "mac", mac, "is the address of a group; the first byte "
                   "must be even");
    if (!strcmp(mac, "00:00:00:00:00:00"))
        return bad(p, "mac", mac, "is no address; leave mac out for a fresh "
                   "one");
    return 0;
}

static int vif_check(struct device_config *dc, const char *place,
                     struct config_report *r)
{
    struct vif_parse parse = { .dc = dc, .place = place, .r = r };
    const struct vif_config *v = &dc->vif;
    struct vif_parse *p = &parse;
    int rc = check_mac(p);

    if (!rc)
        rc = check_ifname(p, "bridge", v->bridge);
    if (!rc)
        rc = check_ifname(p, "vifname", v->ifname);
    if (!rc)
        rc = check_ifname(p, "gatewaydev", v->gatewaydev);
    if (!rc && v->mtu && (v->mtu < VIF_MTU_MIN || v->mtu > VIF_MTU_MAX))
        rc = config_error(p->r, "%s: mtu %lld must be a number from %d to %d",
                          p->place, (long long)v->mtu, VIF_MTU_MIN,
                          VIF_MTU_MAX);
    if (!rc && !v->rate_bytes != !v->rate_usec)
        rc = config_error(p->r, "%s: a rate has bytes and an interval, both "
                          "above 0", p->place);
    dc->vif.type = 0;
    return rc;
}

static int vif_parse(struct device_config *dc, const char *spec,
                     const char *place, struct config_report *r)
{
    struct vif_parse p = { .dc = dc, .place = place, .r = r };
    _cleanup_free_ char *copy = xstrdup(spec);
    char *rest = trim(copy), *word;
    uint32_t seen = 0;
    int rc = 0;

    while (!rc && *copy && (word = strsep(&rest, ","))) {
        word = trim(word);
        if (*word)
            rc = apply_word(&p, word, &seen);
    }
    return rc;
}

static const char *vif_clash(const struct device_config *a,
                             const struct device_config *b)
{
    if (a->vif.mac && b->vif.mac && streq(a->vif.mac, b->vif.mac))
        return "have the same mac; change one";
    if (a->vif.ifname && b->vif.ifname && streq(a->vif.ifname, b->vif.ifname))
        return "have the same vifname; change one";
    return NULL;
}

static const char *const type_words[] = { "vif", NULL };

static const struct field fields[] = {
    { "devid", FIELD_INT, AT(devid), false, -1, VIF_DEVID_MAX, -1, NULL },
    { "mac", FIELD_STRING, AT(vif.mac), false, 0, 0, 0, NULL },
    { "bridge", FIELD_STRING, AT(vif.bridge), false, 0, 0, 0, NULL },
    { "ifname", FIELD_STRING, AT(vif.ifname), false, 0, 0, 0, NULL },
    { "ip", FIELD_STRING, AT(vif.ip), false, 0, 0, 0, NULL },
    { "script", FIELD_STRING, AT(vif.script), false, 0, 0, 0, NULL },
    { "gatewaydev", FIELD_STRING, AT(vif.gatewaydev), false, 0, 0, 0, NULL },
    { "mtu", FIELD_INT, AT(vif.mtu), false, 0, VIF_MTU_MAX, 0, NULL },
    { "rate_bytes_per_interval", FIELD_INT, AT(vif.rate_bytes), false, 0,
      UINT32_MAX, 0, NULL },
    { "rate_interval_usecs", FIELD_INT, AT(vif.rate_usec), false, 0,
      UINT32_MAX, 0, NULL },
    { "nictype", FIELD_WORD, AT(vif.type), false, 0, 0, -1, type_words },
    { "untrusted", FIELD_BOOL, AT(vif.untrusted), false, 0, 0, 0, NULL },
    { NULL, 0, 0, false, 0, 0, 0, NULL }
};

const struct device_notation vif_notation = {
    .key = "vif", .json = "nics", .fields = fields,
    .parse = vif_parse, .check = vif_check, .clash = vif_clash,
};
