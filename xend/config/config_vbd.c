/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Disks as people write them: "phy:/dev/vg/root,xvda,w", "/img,raw,xvda,rw",
 * "format=raw, vdev=xvda, access=rw, target=/img".
 */
#include <ctype.h>
#include <errno.h>
#include <stdarg.h>

#include "config/device.h"
#include "util/cleanup.h"
#include "util/field.h"

static const char *const format_words[] = { "raw", NULL };
static const char *const backend_words[] = { "phy", NULL };
static const char *const switch_words[] = { "<default>", "False", "True",
                                            NULL };

#define AT(f) offsetof(struct device_config, vbd.f)

static const struct field vbd_fields[] = {
    { "pdev_path", FIELD_STRING, AT(target), true, 0, 0, 0, NULL },
    { "vdev", FIELD_STRING, AT(vdev), true, 0, 0, 0, NULL },
    { "format", FIELD_WORD, AT(format), false, 0, 0, -1, format_words },
    { "backend", FIELD_WORD, AT(backend), false, 0, 0, -1, backend_words },
    { "readwrite", FIELD_INT, AT(writable), false, 0, 1, 0, NULL },
    { "is_cdrom", FIELD_INT, AT(cdrom), false, 0, 1, 0, NULL },
    { "discard_enable", FIELD_WORD, AT(discard), false, 0, 0, 0,
      switch_words },
    { "untrusted", FIELD_BOOL, AT(untrusted), false, 0, 0, 0, NULL },
    { "script", FIELD_STRING, AT(script), false, 0, 0, 0, NULL },
    { NULL, 0, 0, false, 0, 0, 0, NULL }
};

/* Numbers of Linux's block devices: <major, minor>, and Xen's longer form. */
#define VDEV_XVD(disk, part) \
    ((disk) < 16 && (part) < 16 ? 202 << 8 | (disk) << 4 | (part) \
                                : 1 << 28 | (disk) << 8 | (part))
#define VDEV_SD(disk, part) (8 << 8 | (disk) << 4 | (part))
#define VDEV_HD(disk, part) \
    (((disk) < 2 ? 3 : 22) << 8 | ((disk) & 1) << 6 | (part))

#define XVD_DISKS (1 << 20)

/* Decimal digits up to the text's end or stop; -1: none, or too many. */
static int read_digits(const char **s, char stop)
{
    int n = 0, digits;

    for (digits = 0; isdigit((unsigned char)**s) && digits < 8; digits++)
        n = n * 10 + *(*s)++ - '0';
    return digits && (!**s || **s == stop) ? n : -1;
}

/* "a" is 0, "z" 25, "aa" 26; then a partition's number, or none. */
static bool read_letters(const char *s, int *ret_disk, int *ret_part)
{
    int n = 0, letters;

    for (letters = 0; *s >= 'a' && *s <= 'z' && letters < 5; letters++)
        n = n * 26 + *s++ - 'a' + 1;
    if (!letters)
        return false;
    *ret_disk = n - 1;
    *ret_part = *s ? read_digits(&s, 0) : 0;
    return !*s && *ret_part >= 0;
}

bool vdev_parse(const char *name, int64_t *ret_number)
{
    int disk, part;
    const char *s = name;
    char *end;

    if (isdigit((unsigned char)*s)) {
        long long n = strtoll(s, &end, 0);

        if (*end || n <= 0 || n >= 1 << 29)
            return false;
        *ret_number = n;
        return true;
    }
    if (*s == 'd' && isdigit((unsigned char)s[1])) {
        s++;
        disk = read_digits(&s, 'p');
        part = *s++ == 'p' ? read_digits(&s, 0) : -1;
        if (disk < 0 || disk >= XVD_DISKS || part < 0 || part > 255)
            return false;
        *ret_number = VDEV_XVD(disk, part);
        return true;
    }
    if (!strncmp(s, "xvd", 3) && read_letters(s + 3, &disk, &part)) {
        if (disk >= XVD_DISKS || part > 255)
            return false;
        *ret_number = VDEV_XVD(disk, part);
        return true;
    }
    if (!strncmp(s, "sd", 2) && read_letters(s + 2, &disk, &part)) {
        *ret_number = VDEV_SD(disk, part);
        return disk < 16 && part < 16;
    }
    if (!strncmp(s, "hd", 2) && read_letters(s + 2, &disk, &part)) {
        *ret_number = VDEV_HD(disk, part);
        return disk < 4 && part < 64;
    }
    return false;
}

/* --- parsing ------------------------------------------------------------ */

enum param { TARGET, FORMAT, VDEV, ACCESS, NR_PARAMS };

struct parse {
    struct device_config *dc;
    bool given[NR_PARAMS];
    unsigned int named;         /* bits of other words that were given */
    bool has_prefix;            /* "phy:": no format among the positions */
    const char *spec, *place;
    struct config_report *r;
};

static int why(struct parse *p, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

static int why(struct parse *p, const char *fmt, ...)
{
    _cleanup_free_ char *text = NULL;
    va_list ap;

    va_start(ap, fmt);
    if (vasprintf(&text, fmt, ap) < 0)
        abort();
    va_end(ap);
    if (p->spec)
        return config_error(p->r, "%s \"%s\": %s", p->place, p->spec, text);
    return config_error(p->r, "%s: %s", p->place, text);
}

static int set_format(struct parse *p, const char *v)
{
    static const char *const other[] = { "qcow", "qcow2", "vhd", "qed" };

    if (streq(v, "raw"))
        return 0;
    for (size_t i = 0; i < sizeof(other) / sizeof(other[0]); i++)
        if (streq(v, other[i]))
            return why(p, "format %s is not supported; convert the image: "
                       "qemu-img convert -O raw OLD NEW", v);
    return why(p, "\"%s\" is no format; write raw", v);
}

static int set_access(struct parse *p, const char *v)
{
    if (streq(v, "rw") || streq(v, "w"))
        p->dc->vbd.writable = 1;
    else if (streq(v, "ro") || streq(v, "r"))
        p->dc->vbd.writable = 0;
    else
        return why(p, "\"%s\" is no access; write r or w", v);
    return 0;
}

static void set_cdrom(struct parse *p)
{
    p->dc->vbd.cdrom = 1;
    p->dc->vbd.writable = 0;
}

/* The guest's name; an old way to say cdrom comes after it. */
static int set_vdev(struct parse *p, const char *v)
{
    _cleanup_free_ char *name = xstrdup(v);
    char *colon = strchr(name, ':');

    if (colon) {
        *colon++ = 0;
        if (streq(colon, "cdrom"))
            set_cdrom(p);
        else if (!streq(colon, "disk"))
            return why(p, "\"%s\" after vdev must be cdrom or disk", colon);
    }
    strset(&p->dc->vbd.vdev, name);
    return 0;
}

/* Prefixes of old that say how dom0 is to serve it: it serves all alike. */
static const char *skip_prefixes(struct parse *p, const char *v)
{
    static const char *const plain[] = {
        "phy:", "file:", "raw:", "tap:", "tap2:", "tapdisk:", "aio:",
    };
    size_t i, n = sizeof(plain) / sizeof(plain[0]);

    do {
        for (i = 0; i < n; i++)
            if (!strncmp(v, plain[i], strlen(plain[i]))) {
                v += strlen(plain[i]);
                p->has_prefix = true;
                break;
            }
    } while (i < n);
    return v;
}

static int set_target(struct parse *p, const char *v)
{
    static const char *const other[] = {
        "qcow:", "qcow2:", "vhd:", "qed:", "iscsi:", "nbd:", "enbd:", "drbd:",
    };

    v = skip_prefixes(p, v);
    for (size_t i = 0; i < sizeof(other) / sizeof(other[0]); i++)
        if (!strncmp(v, other[i], strlen(other[i])))
            return why(p, "%s disks are not supported; give a raw image or a "
                       "block device", other[i]);
    free(p->dc->vbd.target);
    p->dc->vbd.target = NULL;
    if (*v)
        p->dc->vbd.target = xstrdup(v);
    return 0;
}

static int set_param(struct parse *p, enum param param, const char *v)
{
    static const char *const names[] = { "target", "format", "vdev",
                                         "access" };
    static int (*const set[])(struct parse *p, const char *v) = {
        set_target, set_format, set_vdev, set_access,
    };

    if (p->given[param])
        return why(p, "%s is given twice", names[param]);
    p->given[param] = true;
    return *v || param == TARGET ? set[param](p, v) : 0;
}

static int set_devtype(struct parse *p, const char *v)
{
    if (streq(v, "cdrom"))
        set_cdrom(p);
    else if (!streq(v, "disk"))
        return why(p, "devtype must be disk or cdrom");
    return 0;
}

static int set_backendtype(struct parse *p, const char *v)
{
    if (streq(v, "phy") || streq(v, "qdisk") || streq(v, "tap"))
        return 0;
    return why(p, "backendtype \"%s\" is not supported; remove it", v);
}

static int set_backend(struct parse *p, const char *v)
{
    if (config_is_dom0(v))
        return 0;
    return why(p, "backend must be 0: disks are served by this host");
}

static int set_specification(struct parse *p, const char *v)
{
    return streq(v, "xen") ? 0 : why(p, "specification must be xen");
}

static int set_script(struct parse *p, const char *v)
{
    strset(&p->dc->vbd.script, *v ? v : NULL);
    return 0;
}

static int set_named(struct parse *p, const char *name, const char *v)
{
    static const struct {
        const char *name;
        int param;              /* or -1 and set */
        int (*set)(struct parse *p, const char *v);
    } row[] = {
        { "target", TARGET, NULL }, { "format", FORMAT, NULL },
        { "vdev", VDEV, NULL }, { "access", ACCESS, NULL },
        { "devtype", -1, set_devtype }, { "backend", -1, set_backend },
        { "backendtype", -1, set_backendtype }, { "script", -1, set_script },
        { "specification", -1, set_specification },
    };

    for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
        if (!streq(row[i].name, name))
            continue;
        if (!row[i].set)
            return set_param(p, row[i].param, v);
        if (p->named & 1u << i)
            return why(p, "%s is given twice", name);
        p->named |= 1u << i;
        return row[i].set(p, v);
    }
    return why(p, "\"%s\" is not known; write target=, format=, vdev= or "
               "access=", name);
}

/* Words that stand alone; false: v is none. */
static bool set_flag(struct parse *p, const char *v)
{
    struct vbd_config *vbd = &p->dc->vbd;

    if (streq(v, "cdrom"))
        set_cdrom(p);
    else if (streq(v, "discard") || streq(v, "no-discard"))
        vbd->discard = *v == 'd' ? SWITCH_ON : SWITCH_OFF;
    else if (streq(v, "trusted") || streq(v, "untrusted"))
        vbd->untrusted = *v == 'u';
    else
        return streq(v, "direct-io-safe");      /* it always is here */
    return true;
}

static int set_position(struct parse *p, const char *v)
{
    for (enum param i = 0; i < NR_PARAMS; i++) {
        if (i == FORMAT && p->has_prefix)
            continue;
        if (!p->given[i])
            return set_param(p, i, v);
    }
    return why(p, "\"%s\" is too much; the order is target, format, vdev, "
               "access", v);
}

static int parse_word(struct parse *p, char *word)
{
    char *value = strchr(word, '=');

    if (value) {
        *value++ = 0;
        return set_named(p, word, value);
    }
    return set_flag(p, word) ? 0 : set_position(p, word);
}

static int parse_words(struct parse *p, char *rest)
{
    char *word, *end;
    int rc = 0;

    while (!rc && rest) {
        while (isspace((unsigned char)*rest))
            rest++;
        if (!strncmp(rest, "target=", 7))
            return set_param(p, TARGET, rest + 7);
        word = strsep(&rest, ",");
        for (end = word + strlen(word); end > word &&
             isspace((unsigned char)end[-1]); )
            *--end = 0;
        rc = parse_word(p, word);
    }
    return rc;
}

/* "block", which other tools run by default, is what xend does. */
static bool has_script(const struct vbd_config *vbd)
{
    const char *base = vbd->script ? strrchr(vbd->script, '/') : NULL;

    return vbd->script && *vbd->script &&
           !streq(base ? base + 1 : vbd->script, "block");
}

/* A target is in /dev, if nothing else is said; for a script it is a word. */
static int vbd_parse(struct device_config *dc, const char *spec,
                     const char *place, struct config_report *r)
{
    struct parse p = { .dc = dc, .spec = spec, .place = place, .r = r };
    _cleanup_free_ char *copy = xstrdup(spec), *target = NULL;
    struct vbd_config *vbd = &dc->vbd;
    int rc;

    vbd->writable = 1;
    rc = parse_words(&p, copy);
    if (!rc && vbd->target && *vbd->target != '/' && !has_script(vbd)) {
        target = xasprintf("/dev/%s", vbd->target);
        strset(&vbd->target, target);
    }
    return rc;
}

static int vbd_check(struct device_config *dc, const char *place,
                     struct config_report *r)
{
    struct vbd_config *vbd = &dc->vbd;
    struct parse p = { .dc = dc, .place = place, .r = r };

    if (!vbd->vdev)
        return why(&p, "no vdev; say how the guest is to call it: "
                   "vdev=xvda");
    if (!vdev_parse(vbd->vdev, &dc->devid))
        return why(&p, "vdev \"%s\" is no disk; write xvda to xvdp, sda or "
                   "hda, or a partition: xvda1", vbd->vdev);
    if (!vbd->target)
        return why(&p, "no target; name a raw image or a block device");
    if (*vbd->target != '/' && !has_script(vbd))
        return why(&p, "target \"%s\" must begin with /", vbd->target);
    vbd->format = vbd->backend = 0;
    return 0;
}

const struct device_notation vbd_notation = {
    .key = "disk", .json = "disks", .fields = vbd_fields,
    .parse = vbd_parse, .check = vbd_check,
};
