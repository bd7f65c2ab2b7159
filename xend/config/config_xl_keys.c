/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What each key of a .cfg file means for a PV guest. */
#include <errno.h>

#include "config/xl.h"
#include "util/cleanup.h"

struct parse {
    struct domain_config *c;
    const char *dir;
    struct config_report *r;
    char *root, *extra;         /* old ways to write cmdline */
    const char *cmdline_at;     /* where cmdline itself was given */
};

struct xl_key {
    const char *name;
    int (*apply)(struct parse *p, const struct xl_key *k,
                 const struct xl_setting *s);
    size_t offset;              /* of the field in struct domain_config */
    int64_t min, max, scale;    /* for numbers */
};

static int bad(struct parse *p, const struct xl_setting *s, const char *what)
{
    return config_error(p->r, "%s:%u: %s %s", s->file, s->line, s->key, what);
}

static char **string_field(struct parse *p, const struct xl_key *k)
{
    return (char **)((char *)p->c + k->offset);
}

static int want_string(struct parse *p, const struct xl_setting *s)
{
    if (s->value.kind == XL_STRING)
        return 0;
    return bad(p, s, "must be a string; write it in quotes");
}

static int apply_string(struct parse *p, const struct xl_key *k,
                        const struct xl_setting *s)
{
    if (want_string(p, s))
        return -EINVAL;
    strset(string_field(p, k), s->value.text);
    return 0;
}

/* A file: relative names start from the folder of the caller. */
static int apply_path(struct parse *p, const struct xl_key *k,
                      const struct xl_setting *s)
{
    char **field = string_field(p, k);

    if (want_string(p, s))
        return -EINVAL;
    free(*field);
    *field = NULL;
    if (s->value.text[0] == '/' || !p->dir)
        *field = xstrdup(s->value.text);
    else if (s->value.text[0])
        *field = xasprintf("%s/%s", p->dir, s->value.text);
    return 0;
}

static int apply_number(struct parse *p, const struct xl_key *k,
                        const struct xl_setting *s)
{
    int64_t n;

    if (!xl_value_number(&s->value, &n) || n < k->min || n > k->max)
        return config_error(p->r, "%s:%u: %s must be a number from %lld to "
                            "%lld", s->file, s->line, s->key,
                            (long long)k->min, (long long)k->max);
    *(int64_t *)((char *)p->c + k->offset) = n * k->scale;
    return 0;
}

static int apply_bool(struct parse *p, const struct xl_key *k,
                      const struct xl_setting *s)
{
    int64_t n;

    if (!xl_value_number(&s->value, &n))
        return bad(p, s, "must be 0 or 1");
    *(bool *)((char *)p->c + k->offset) = n != 0;
    return 0;
}

static int apply_action(struct parse *p, const struct xl_key *k,
                        const struct xl_setting *s)
{
    enum config_action i;

    if (want_string(p, s))
        return -EINVAL;
    for (i = 0; config_action_words[i]; i++)
        if (streq(s->value.text, config_action_words[i]))
            break;
    if (!config_action_words[i])
        return bad(p, s, "must be one of \"destroy\", \"restart\", "
                   "\"rename-restart\", \"preserve\", \"coredump-destroy\", "
                   "\"coredump-restart\"");
    if (i == ACTION_SOFT_RESET) {
        config_warn(p->r, "%s:%u: %s = \"%s\": taken as \"restart\"", s->file,
                    s->line, s->key, s->value.text);
        i = ACTION_RESTART;
    }
    if (k->offset)
        *(enum config_action *)((char *)p->c + k->offset) = i;
    return 0;
}

/* A list of devices; k->min is their kind. */
static int apply_devices(struct parse *p, const struct xl_key *k,
                         const struct xl_setting *s)
{
    _cleanup_free_ char *place = xasprintf("%s:%u: %s", s->file, s->line,
                                           s->key);
    struct device_config *dc;
    int rc;

    if (s->value.kind != XL_LIST)
        return bad(p, s, "must be a list of strings: [ \"...\" ]");
    for (unsigned int i = 0; i < s->value.nr; i++) {
        if (s->value.item[i].kind != XL_STRING)
            return bad(p, s, "must be a list of strings: [ \"...\" ]");
        rc = device_config_parse(k->min, s->value.item[i].text, place, p->r,
                                 &dc);
        if (rc)
            return rc;
        config_add_device(p->c, dc);
    }
    return 0;
}

/* A string is for all vcpus, a list has a set for each; the rest may roam. */
static int apply_cpus(struct parse *p, const struct xl_key *k,
                      const struct xl_setting *s)
{
    bool soft = k->offset == offsetof(struct domain_config, soft);
    struct cpuset **set = soft ? &p->c->soft : &p->c->hard;
    unsigned int *nr = soft ? &p->c->nr_soft : &p->c->nr_hard;
    unsigned int i, count = s->value.kind == XL_LIST ? s->value.nr : 1;
    const char *why = "must be a CPU list in quotes";

    free(*set);
    *set = xcalloc(count + 1, sizeof(**set));
    *nr = count;
    for (i = 0; i < count; i++) {
        const struct xl_value *v = s->value.kind == XL_LIST ?
                                   &s->value.item[i] : &s->value;

        if (v->kind == XL_LIST || cpuset_parse(v->text, &(*set)[i], &why))
            return bad(p, s, why);
    }
    if (s->value.kind == XL_LIST)
        cpuset_fill(&(*set)[(*nr)++]);
    return 0;
}

static int apply_uuid(struct parse *p, const struct xl_key *k,
                      const struct xl_setting *s)
{
    (void)k;
    if (want_string(p, s))
        return -EINVAL;
    if (!uuid_parse(s->value.text, p->c->uuid))
        return bad(p, s, "must look like "
                   "\"01234567-89ab-cdef-0123-456789abcdef\"");
    return 0;
}

static int apply_type(struct parse *p, const struct xl_key *k,
                      const struct xl_setting *s)
{
    (void)k;
    if (want_string(p, s))
        return -EINVAL;
    if (streq(s->value.text, "pv") || streq(s->value.text, "generic") ||
        streq(s->value.text, "linux"))
        return 0;
    return bad(p, s, "must be \"pv\"; this host runs no other guests");
}

static int apply_pool(struct parse *p, const struct xl_key *k,
                      const struct xl_setting *s)
{
    (void)k;
    if (want_string(p, s))
        return -EINVAL;
    return streq(s->value.text, "Pool-0") ? 0 :
           bad(p, s, "must be \"Pool-0\", the only CPU pool");
}

static int apply_root(struct parse *p, const struct xl_key *k,
                      const struct xl_setting *s)
{
    if (want_string(p, s))
        return -EINVAL;
    strset(streq(k->name, "extra") ? &p->extra : &p->root, s->value.text);
    return 0;
}

static bool is_off(const struct xl_value *v)
{
    int64_t n;

    return v->kind == XL_LIST ? !v->nr :
           !*v->text || (xl_value_number(v, &n) && !n);
}

/* What would change the guest's machine is not silently left out. */
static int apply_refuse(struct parse *p, const struct xl_key *k,
                        const struct xl_setting *s)
{
    (void)k;
    return is_off(&s->value) ? 0 :
           bad(p, s, "is not supported; remove the line");
}

static int apply_ignore(struct parse *p, const struct xl_key *k,
                        const struct xl_setting *s)
{
    (void)k;
    if (!is_off(&s->value))
        config_warn(p->r, "%s:%u: %s has no effect here, ignored", s->file,
                    s->line, s->key);
    return 0;
}

/* bootloader= is for programs of dom0, but for the name of our firmware. */
static int apply_firmware(struct parse *p, const struct xl_key *k,
                          const struct xl_setting *s)
{
    bool path = s->value.text && s->value.text[0] == '/';

    if (want_string(p, s))
        return -EINVAL;
    if (is_off(&s->value))
        return 0;
    if (streq(s->value.text, "pvgrub64") ||
        (path && streq(k->name, "firmware")))
        return apply_string(p, k, s);
    if (streq(k->name, "firmware"))
        return bad(p, s, "must be \"pvgrub64\", or the path of such an image");
    return bad(p, s, "must be \"pvgrub64\": no program of this host reads a "
               "guest's disk");
}

#define FIELD(f) offsetof(struct domain_config, f)
#define NUMBER(name, f, min, max, scale) \
    { name, apply_number, FIELD(f), min, max, scale }
#define PLAIN(name, fn, f) { name, fn, FIELD(f), 0, 0, 0 }
#define NOFIELD(name, fn) { name, fn, 0, 0, 0, 0 }
#define IGNORE(name) NOFIELD(name, apply_ignore)
#define REFUSE(name) NOFIELD(name, apply_refuse)
#define MAX_MIB (16ll << 20)

static const struct xl_key keys[] = {
    PLAIN("name", apply_string, name),
    NOFIELD("uuid", apply_uuid),
    NOFIELD("type", apply_type), NOFIELD("builder", apply_type),
    PLAIN("kernel", apply_path, kernel),
    PLAIN("firmware", apply_firmware, firmware),
    PLAIN("bootloader", apply_firmware, firmware),
    PLAIN("ramdisk", apply_path, ramdisk),
    PLAIN("cmdline", apply_string, cmdline),
    NOFIELD("root", apply_root), NOFIELD("extra", apply_root),
    NUMBER("memory", memory_kb, 1, MAX_MIB, 1024),
    NUMBER("maxmem", maxmem_kb, 1, MAX_MIB, 1024),
    NUMBER("vcpus", vcpus, 1, CONFIG_MAX_VCPUS, 1),
    NUMBER("maxvcpus", maxvcpus, 1, CONFIG_MAX_VCPUS, 1),
    PLAIN("cpus", apply_cpus, hard), PLAIN("cpu", apply_cpus, hard),
    PLAIN("cpus_soft", apply_cpus, soft),
    NUMBER("cpu_weight", weight, 1, 65535, 1),
    NUMBER("cap", cap, 0, CONFIG_MAX_VCPUS * 100, 1),
    NUMBER("cpu_cap", cap, 0, CONFIG_MAX_VCPUS * 100, 1),
    NOFIELD("pool", apply_pool),
    PLAIN("on_poweroff", apply_action, on_poweroff),
    PLAIN("on_reboot", apply_action, on_reboot),
    PLAIN("on_crash", apply_action, on_crash),
    PLAIN("on_watchdog", apply_action, on_watchdog),
    NOFIELD("on_soft_reset", apply_action),
    { "disk", apply_devices, 0, DEVICE_VBD, 0, 0 },
    { "vif", apply_devices, 0, DEVICE_VIF, 0, 0 },
    NUMBER("max_grant_frames", max_grant_frames, 1, 1024, 1),
    NUMBER("max_maptrack_frames", max_maptrack_frames, 0, 4096, 1),
    NUMBER("max_event_channels", max_event_channels, 31, 131071, 1),
    PLAIN("nomigrate", apply_bool, nomigrate),

    REFUSE("pci"), REFUSE("irqs"), REFUSE("ioports"), REFUSE("iomem"),
    REFUSE("channel"), REFUSE("p9"), REFUSE("pvcalls"), REFUSE("vtpm"),
    REFUSE("vdispl"), REFUSE("vsnd"),
    REFUSE("vkb"), REFUSE("usbctrl"), REFUSE("usbdev"), REFUSE("usb"),
    REFUSE("vnuma"), REFUSE("seclabel"), REFUSE("init_seclabel"),
    REFUSE("vnc"), REFUSE("sdl"), REFUSE("spice"), REFUSE("pvshim"),
    REFUSE("e820_host"), REFUSE("passthrough"), REFUSE("driver_domain"),

    IGNORE("bootloader_args"), IGNORE("bootargs"), IGNORE("vfb"),
    IGNORE("soundhw"), IGNORE("cpuid"), IGNORE("tsc_mode"),
    IGNORE("localtime"), IGNORE("rtc_timeoffset"), IGNORE("msr_relaxed"),
    IGNORE("max_grant_version"), IGNORE("acpi"), IGNORE("apic"),
    IGNORE("pae"), IGNORE("hap"), IGNORE("nx"), IGNORE("viridian"),
    IGNORE("boot"), IGNORE("hpet"), IGNORE("nestedhvm"), IGNORE("stdvga"),
    IGNORE("videoram"), IGNORE("serial"), IGNORE("keymap"), IGNORE("bios"),
    IGNORE("device_model"), IGNORE("device_model_version"),
    IGNORE("device_model_override"), IGNORE("device_model_args"),
    IGNORE("period"), IGNORE("slice"), IGNORE("latency"), IGNORE("extratime"),
    IGNORE("vpmu"), IGNORE("vmtrace_buf_kb"), IGNORE("shadow_memory"),
    IGNORE("mca_caps"), IGNORE("altp2m"), IGNORE("claim_mode"),
    IGNORE("xend_suspend_evtchn_compat"), IGNORE("dm_restrict"),
};

#define NR_KEYS (sizeof(keys) / sizeof(keys[0]))

/* Edit distance with swaps of neighbours as one step; words are short. */
static unsigned int distance(const char *a, const char *b)
{
    size_t la = strlen(a), lb = strlen(b), i, j;
    unsigned int d[34][34];

    if (la > 32 || lb > 32)
        return 99;
    for (i = 0; i <= la; i++)
        for (j = 0; j <= lb; j++) {
            unsigned int best;

            if (!i || !j) {
                d[i][j] = i + j;
                continue;
            }
            best = d[i - 1][j - 1] + (a[i - 1] != b[j - 1]);
            if (d[i - 1][j] + 1 < best)
                best = d[i - 1][j] + 1;
            if (d[i][j - 1] + 1 < best)
                best = d[i][j - 1] + 1;
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] &&
                a[i - 2] == b[j - 1] && d[i - 2][j - 2] + 1 < best)
                best = d[i - 2][j - 2] + 1;
            d[i][j] = best;
        }
    return d[la][lb];
}

static void warn_unknown(struct parse *p, const struct xl_setting *s)
{
    unsigned int best = strlen(s->key) > 4 ? 3 : 2, n;
    const char *near = NULL;

    for (size_t i = 0; i < NR_KEYS; i++) {
        n = distance(s->key, keys[i].name);
        if (n < best) {
            best = n;
            near = keys[i].name;
        }
    }
    if (near)
        config_warn(p->r, "%s:%u: unknown key \"%s\" ignored; did you mean "
                    "\"%s\"?", s->file, s->line, s->key, near);
    else
        config_warn(p->r, "%s:%u: unknown key \"%s\" ignored", s->file,
                    s->line, s->key);
}

static int apply_setting(struct parse *p, const struct xl_setting *s)
{
    for (size_t i = 0; i < NR_KEYS; i++)
        if (streq(keys[i].name, s->key)) {
            if (streq(s->key, "cmdline"))
                p->cmdline_at = s->file;
            return keys[i].apply(p, &keys[i], s);
        }
    warn_unknown(p, s);
    return 0;
}

/* The last assignment of a key wins; += adds to the one before it. */
static int merge(struct parse *p, struct xl_settings *list, bool *skip)
{
    for (unsigned int i = 0; i < list->nr; i++)
        for (unsigned int j = i; j-- > 0; ) {
            struct xl_setting *old = &list->s[j], *s = &list->s[i];

            if (skip[j] || !streq(old->key, s->key))
                continue;
            skip[j] = true;
            if (!s->append)
                break;
            if (!xl_value_append(&old->value, &s->value))
                return bad(p, s, "+= needs two strings or two lists");
            struct xl_value joined = old->value;

            old->value = s->value;
            s->value = joined;
            break;
        }
    return 0;
}

static void join_cmdline(struct parse *p)
{
    if (p->c->cmdline || (!p->root && !p->extra)) {
        if (p->root || p->extra)
            config_warn(p->r, "%s: root and extra are ignored: cmdline is "
                        "given", p->cmdline_at);
        return;
    }
    p->c->cmdline = xasprintf("%s%s%s%s", p->root ? "root=" : "",
                              p->root ? p->root : "",
                              p->root && p->extra ? " " : "",
                              p->extra ? p->extra : "");
}

int config_parse_xl(const struct config_source *src, unsigned int nr,
                    const char *dir, struct config_report *r,
                    struct domain_config **ret_config)
{
    _cleanup_(config_freep) struct domain_config *c = config_new();
    _cleanup_(xl_settings_fini) struct xl_settings list = { NULL, 0 };
    struct parse p = { .c = c, .dir = dir, .r = r };
    _cleanup_free_ bool *skip = NULL;
    int rc = 0;

    for (unsigned int i = 0; i < nr && !rc; i++)
        rc = xl_parse(&src[i], r, &list);
    if (rc)
        return rc;
    skip = xcalloc(list.nr, sizeof(*skip));
    rc = merge(&p, &list, skip);
    for (unsigned int i = 0; i < list.nr && !rc; i++)
        if (!skip[i])
            rc = apply_setting(&p, &list.s[i]);
    if (!rc)
        join_cmdline(&p);
    free(p.root);
    free(p.extra);
    if (!rc)
        *ret_config = TAKE_PTR(c);
    return rc;
}
