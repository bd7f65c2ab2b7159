/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a domain is to be: one struct, and the notations it is written in.
 *
 * A notation's parser fills a struct domain_config and remembers which values
 * were given; config_check() then completes the rest and refuses what cannot
 * be.  Nothing here does I/O, so a file's name is only a word for messages,
 * and dir the folder that its relative paths start from.
 */
#ifndef XEND_CONFIG_CONFIG_H
#define XEND_CONFIG_CONFIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "util/cleanup.h"
#include "util/strlist.h"

struct field;
struct json_object;

#define CONFIG_MAX_VCPUS 128
#define CONFIG_MAX_CPUS  256
#define CONFIG_NAME_MAX  255

struct cpuset {
    uint64_t bits[CONFIG_MAX_CPUS / 64];
};

/* What happens when a domain ends; the words are those of on_poweroff etc. */
enum config_action {
    ACTION_DESTROY,
    ACTION_RESTART,
    ACTION_RENAME_RESTART,
    ACTION_PRESERVE,
    ACTION_COREDUMP_DESTROY,
    ACTION_COREDUMP_RESTART,
    ACTION_SOFT_RESET,
    NR_ACTIONS
};

enum config_type {
    TYPE_PV,
    NR_TYPES
};

enum device_kind { DEVICE_VBD, DEVICE_VIF, NR_DEVICE_KINDS };

/* A device's defaults may follow the guest, or be said: "discard". */
enum config_switch { SWITCH_DEFAULT, SWITCH_OFF, SWITCH_ON };

/* A disk.  Integers are int64_t, flags and words int, as fields want them. */
struct vbd_config {
    char *target;               /* absolute path: a block device or raw file;
                                   with a script what that takes it for */
    char *vdev;                 /* the guest's name of it: "xvda" */
    int format, backend;        /* of these there is one that we know */
    int64_t writable, cdrom;    /* 0 or 1 */
    int discard;                /* enum config_switch */
    bool untrusted;             /* the guest does not trust dom0 */
    char *script;               /* in dom0 connects it; NULL: we do */
};

/* A network interface.  Strings are NULL where nothing was given. */
struct vif_config {
    char *mac;                  /* "00:16:3e:aa:bb:cc" */
    char *bridge;               /* NULL: the host's own network */
    char *ifname;               /* in dom0; NULL: vifDOMID.DEVID */
    char *ip;                   /* addresses that it may have, for scripts */
    char *script;               /* of the user; NULL: xend does it all */
    char *gatewaydev;           /* for scripts */
    int64_t mtu;                /* 0: as the bridge has it */
    int64_t rate_bytes;         /* sent in each interval; 0: no limit */
    int64_t rate_usec;
    bool untrusted;             /* the guest does not trust dom0 */
    int type;                   /* of these there is one */
};

/* One device.  kind says which member of the union it has. */
struct device_config {
    enum device_kind kind;
    int64_t devid;              /* vbd: virtual device number; vif: index;
                                   -1: not given yet */
    union {
        struct vbd_config vbd;
        struct vif_config vif;
    };
};

/* Integers are int64_t and flags bool, as the field tables want them. */
struct domain_config {
    char *name;
    uint8_t uuid[16];           /* all zero: not given */
    enum config_type type;

    char *kernel;               /* absolute paths; or NULL: firmware */
    char *firmware;             /* "pvgrub64", a path, or NULL */
    char *ramdisk;              /* or NULL */
    char *cmdline;              /* or NULL */

    int64_t memory_kb;          /* at start; 0 until checked: not given */
    int64_t maxmem_kb;          /* the most it can ever have */
    int64_t vcpus;              /* online at start */
    int64_t maxvcpus;

    struct cpuset *hard;        /* affinity: nr_hard sets, vcpu i has set i */
    unsigned int nr_hard;       /* or the last one; 0: all CPUs */
    struct cpuset *soft;
    unsigned int nr_soft;
    int64_t weight;             /* 1..65535 */
    int64_t cap;                /* percent of one CPU, 0: none */

    enum config_action on_poweroff, on_reboot, on_crash, on_watchdog;

    int64_t max_grant_frames;   /* -1: the hypervisor's default */
    int64_t max_maptrack_frames;
    int64_t max_event_channels;
    bool nomigrate;

    struct device_config **device;      /* each owned, in order of attach */
    unsigned int nr_devices;
};

/* Where and why a text was refused, and what was odd but went through. */
struct config_report {
    char *error;                /* one line: place, cause, remedy; or NULL */
    struct strlist warnings;
};

void config_report_fini(struct config_report *r);

/* Set the error of r (the first one stays).  Returns -EINVAL. */
int config_error(struct config_report *r, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
void config_warn(struct config_report *r, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

/* A config with every default, and without a name. */
struct domain_config *config_new(void);
struct domain_config *config_copy(const struct domain_config *c);
void config_free(struct domain_config *c);
void config_freep(struct domain_config **c);

/*
 * Complete c (maxmem from memory, maxvcpus from vcpus ...) and check what no
 * single value shows.  place: what the error line begins with, a file's name.
 * -EINVAL with r->error set.
 */
int config_check(struct domain_config *c, const char *place,
                 struct config_report *r);

/* NULL, or why s cannot be a domain's name (a phrase to follow the name). */
const char *config_name_problem(const char *s);

/* Words of the enumerations, NULL-terminated, in the enum's order. */
extern const char *const config_action_words[];

/* CPU lists as cpus= has them: "0-3,^2", "all", "none". */
int cpuset_parse(const char *s, struct cpuset *set, const char **ret_why);
void cpuset_fill(struct cpuset *set);
bool cpuset_test(const struct cpuset *set, unsigned int cpu);
void cpuset_set(struct cpuset *set, unsigned int cpu);
/* nr_cpus: a set that holds all of these prints as "all".  Caller frees. */
char *cpuset_format(const struct cpuset *set, unsigned int nr_cpus);

/* 8-4-4-4-12 hexadecimal digits; false leaves uuid untouched. */
bool uuid_parse(const char *s, uint8_t uuid[16]);
void uuid_format(const uint8_t uuid[16], char text[37]);
bool uuid_is_zero(const uint8_t uuid[16]);

/* --- config_xl.c: the .cfg notation ------------------------------------ */

/* One text to parse; later sources override earlier ones. */
struct config_source {
    const char *name;           /* for messages: a path, "command line" */
    const char *text;
};

/*
 * Parse .cfg texts into an unchecked config.  Unknown keys are warned about
 * with their line and the nearest known key.  -EINVAL with r->error set.
 */
int config_parse_xl(const struct config_source *src, unsigned int nr,
                    const char *dir, struct config_report *r,
                    struct domain_config **ret_config);

/* --- config_device.c: devices, by their kind --------------------------- */

/* How a kind of device is written; one table each in config_<kind>.c. */
struct device_notation {
    const char *key;            /* in .cfg: "disk" */
    const char *json;           /* the array's name in JSON: "disks" */
    const struct field *fields; /* of struct device_config: JSON, copies */

    /*
     * One specification as in .cfg into dc, which holds its defaults; place is
     * what messages begin with.  -EINVAL with r->error set.
     */
    int (*parse)(struct device_config *dc, const char *spec,
                 const char *place, struct config_report *r);

    /* Complete dc from itself, and refuse what cannot be; as parse. */
    int (*check)(struct device_config *dc, const char *place,
                 struct config_report *r);

    /* NULL, or why a and b, of this kind, cannot be in one domain. */
    const char *(*clash)(const struct device_config *a,
                         const struct device_config *b);
};

const struct device_notation *device_notation(enum device_kind kind);

/* One with its kind's defaults. */
struct device_config *device_config_new(enum device_kind kind);
struct device_config *device_config_copy(const struct device_config *dc);
void device_config_free(struct device_config *dc);
void device_config_freep(struct device_config **dc);

/* Parse and check one specification.  -EINVAL with r->error set. */
int device_config_parse(enum device_kind kind, const char *spec,
                        const char *place, struct config_report *r,
                        struct device_config **ret_dc);

/* A new object; and back, lenient to unknown names, checked; as parse. */
struct json_object *device_config_to_json(const struct device_config *dc);
int device_config_from_json(enum device_kind kind, struct json_object *json,
                            const char *place, struct config_report *r,
                            struct device_config **ret_dc);

/* Interfaces of c without an address get that of the same one in now. */
void config_keep_macs(struct domain_config *c,
                      const struct domain_config *now);

/* Give dc a devid if it has none, and refuse it beside c's devices. */
int config_fit_device(const struct domain_config *c, struct device_config *dc,
                      const char *place, struct config_report *r);

struct device_config *config_find_device(const struct domain_config *c,
                                         enum device_kind kind,
                                         int64_t devid);
/* dc is c's from now on. */
void config_add_device(struct domain_config *c, struct device_config *dc);
/* Remove and free it; not there: nothing happens. */
void config_remove_device(struct domain_config *c, enum device_kind kind,
                          int64_t devid);

/* Whether backend= names the only domain that serves devices. */
static inline bool config_is_dom0(const char *backend)
{
    return streq(backend, "0") || streq(backend, "Domain-0");
}

/* --- config_vbd.c ------------------------------------------------------- */

/* "xvda", "sdb1", "d1p0", "51712" to Linux's numbers; false: none of these. */
bool vdev_parse(const char *name, int64_t *ret_number);

/* --- config_json.c: the shape of xl list -l's "config" ----------------- */

/* A new object, the caller's. */
struct json_object *config_to_json(const struct domain_config *c);

int config_from_json(struct json_object *json, struct config_report *r,
                     struct domain_config **ret_config);

#endif
