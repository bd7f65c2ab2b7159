/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Who is told what: watches by path.
 *
 * A change at a path concerns the watches at it and above it, and a removal
 * also those below.  Watches hang on their paths, and the paths lie in one
 * sorted array: those above are one search each, those below are neighbours.
 * Special watches ("@name") only meet their own name.
 */
#ifndef XEND_STORE_WATCH_H
#define XEND_STORE_WATCH_H

#include <stdbool.h>
#include <stddef.h>

#include "util/list.h"

struct watch {
    struct list by_path;
    struct list by_owner;           /* the owner's own list */
    struct watch_path *at;
    void *owner;
    void *data;                     /* the owner's */
    size_t relative;                /* bytes that events leave out in front */
    char token[];
};

struct watches {
    struct watch_path **path;
    size_t count, size;
};

void watches_init(struct watches *ws);
void watches_fini(struct watches *ws);      /* no watch may be left */

struct watch *watch_add(struct watches *ws, const char *path,
                        const char *token, size_t relative, void *owner);
void watch_del(struct watches *ws, struct watch *w);
const char *watch_path(const struct watch *w);

/*
 * Call fn for each watch that a change at path concerns, with the path the
 * event names.  removed: the node and all below have gone.  fn must not change
 * the watches.
 */
typedef void watch_fn(void *ctx, struct watch *w, const char *path);
void watches_match(const struct watches *ws, const char *path, bool removed,
                   watch_fn *fn, void *ctx);

#endif
