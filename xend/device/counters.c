/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>

#include "device/counters.h"
#include "device/netlink.h"
#include "util/cleanup.h"

static const struct {
    const char *file;
    size_t offset;
} vbd_files[] = {
#define ROW(file, member) { file, offsetof(struct vbd_counters, member) }
    ROW("oo_req", out_of_requests), ROW("rd_req", reads),
    ROW("wr_req", writes), ROW("f_req", flushes), ROW("ds_req", discards),
    ROW("rd_sect", read_sectors), ROW("wr_sect", written_sectors),
#undef ROW
};

static bool read_number(int dir, const char *name, uint64_t *ret)
{
    _cleanup_close_ int fd = openat(dir, name, O_RDONLY | O_CLOEXEC);
    char text[24];
    ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);

    if (n <= 0)
        return false;
    text[n] = 0;
    *ret = strtoull(text, NULL, 10);
    return true;
}

bool vbd_counters(const char *dir, unsigned int domid, int64_t devid,
                  struct vbd_counters *ret_counters)
{
    _cleanup_free_ char *path = xasprintf("%s/vbd-%u-%" PRId64 "/statistics",
                                          dir, domid, devid);
    _cleanup_close_ int fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
    struct vbd_counters c;

    if (fd < 0)
        return false;
    for (size_t i = 0; i < sizeof(vbd_files) / sizeof(vbd_files[0]); i++)
        if (!read_number(fd, vbd_files[i].file,
                         (uint64_t *)((char *)&c + vbd_files[i].offset)))
            return false;
    *ret_counters = c;
    return true;
}

static int by_name(const void *a, const void *b)
{
    return strcmp(((const struct link_counters *)a)->name,
                  ((const struct link_counters *)b)->name);
}

int traffic_read(struct traffic *ret_t)
{
    struct traffic t;
    int rc = link_counters(&t.link, &t.nr);

    if (rc)
        return rc;
    if (t.nr)
        qsort(t.link, t.nr, sizeof(*t.link), by_name);
    *ret_t = t;
    return 0;
}

void traffic_fini(struct traffic *t)
{
    free(t->link);
}

const struct link_counters *traffic_find(const struct traffic *t,
                                         const char *name)
{
    struct link_counters key;

    snprintf(key.name, sizeof(key.name), "%s", name);
    return t->nr ? bsearch(&key, t->link, t->nr, sizeof(key), by_name) : NULL;
}
