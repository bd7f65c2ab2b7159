/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a guest has written into its part of xenstore, carried from one domain
 * to the next: a list of nodes, each two lengths (32 bits), path and value.
 * Everything else there is written anew, for it names the old domain.
 */
#include <errno.h>
#include <stdint.h>

#include "domain/domain.h"
#include "domain/nodes.h"
#include "store/store.h"
#include "util/buf.h"
#include "util/cleanup.h"
#include "xend.h"

#define MAX_NODES 4096

/* The guest's own, with all below. */
static const char *const own[] = {
    "control/feature-poweroff", "control/feature-reboot",
    "control/feature-suspend", "data", "drivers", "feature", "attr", "error",
};

static bool is_own(const char *path)
{
    for (size_t i = 0; i < sizeof(own) / sizeof(own[0]); i++) {
        size_t n = strlen(own[i]);

        if (!strncmp(path, own[i], n) && (!path[n] || path[n] == '/'))
            return true;
    }
    return false;
}

/* path is below home, whose length the prefix has. */
static void save_node(struct store *s, const char *path, size_t home,
                      struct buf *to, unsigned int *nr)
{
    size_t len = 0;
    _cleanup_free_ char *value = store_read(s, NULL, path, &len);
    _cleanup_free_ char *names = NULL;
    uint32_t sizes[2];

    if (!value || ++*nr > MAX_NODES)
        return;
    sizes[0] = strlen(path + home);
    sizes[1] = len;
    buf_add(to, sizes, sizeof(sizes));
    buf_add(to, path + home, sizes[0]);
    buf_add(to, value, sizes[1]);
    names = store_list(s, NULL, path);
    for (char *n = names; n && *n; n += strlen(n) + 1) {
        _cleanup_free_ char *child = xasprintf("%s/%s", path, n);

        save_node(s, child, home, to, nr);
    }
}

void *nodes_save(const struct domain *d, size_t *ret_size)
{
    struct buf b = { 0 };
    unsigned int nr = 0;

    for (size_t i = 0; i < sizeof(own) / sizeof(own[0]); i++) {
        char path[100];
        int home = snprintf(path, sizeof(path), "/local/domain/%u/",
                            d->domid);

        snprintf(path + home, sizeof(path) - home, "%s", own[i]);
        save_node(d->x->store, path, home, &b, &nr);
    }
    *ret_size = b.len;
    return buf_steal(&b);
}

/* One node from p on, of which left bytes are there: how many it took. */
static ssize_t restore_node(struct domain *d, struct store_tx *tx,
                            const char *p, size_t left)
{
    _cleanup_free_ char *path = NULL, *full = NULL;
    char perms[24];
    uint32_t sizes[2];
    int rc;

    if (left < sizeof(sizes))
        return -EBADMSG;
    memcpy(sizes, p, sizeof(sizes));
    left -= sizeof(sizes);
    if (sizes[0] > left || sizes[1] > left - sizes[0])
        return -EBADMSG;
    path = xstrndup(p + sizeof(sizes), sizes[0]);
    if (strlen(path) != sizes[0] || !is_own(path))
        return -EBADMSG;
    full = xasprintf("/local/domain/%u/%s", d->domid, path);
    snprintf(perms, sizeof(perms), "n%u", d->domid);
    rc = store_write_bytes(d->x->store, tx, full,
                           p + sizeof(sizes) + sizes[0], sizes[1]);
    if (!rc)
        rc = store_set_perms(d->x->store, tx, full, perms);
    return rc ? rc : (ssize_t)(sizeof(sizes) + sizes[0] + sizes[1]);
}

int nodes_restore(struct domain *d, const void *saved, size_t size)
{
    struct store_tx *tx = store_begin(d->x->store);
    const char *p = saved;
    ssize_t n;

    for (unsigned int nr = 0; size; nr++) {
        n = nr < MAX_NODES ? restore_node(d, tx, p, size) : -EBADMSG;
        if (n < 0) {
            store_abort(tx);
            return (int)n;
        }
        p += n;
        size -= n;
    }
    return store_commit(tx);
}
