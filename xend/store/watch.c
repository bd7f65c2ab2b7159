/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stdlib.h>
#include <string.h>

#include "store/watch.h"
#include "util/cleanup.h"

struct watch_path {
    struct list watches;
    char path[];
};

void watches_init(struct watches *ws)
{
    memset(ws, 0, sizeof(*ws));
}

void watches_fini(struct watches *ws)
{
    free(ws->path);
    watches_init(ws);
}

/* The first path that is not before the len bytes at s. */
static size_t search(const struct watches *ws, const char *s, size_t len,
                     bool *ret_found)
{
    size_t low = 0, high = ws->count;

    *ret_found = false;
    while (low < high) {
        size_t mid = (low + high) / 2;
        const char *p = ws->path[mid]->path;
        int c = strncmp(p, s, len);

        if (c == 0 && !p[len])
            *ret_found = true;
        if (c < 0)
            low = mid + 1;
        else
            high = mid;
    }
    return low;
}

struct watch *watch_add(struct watches *ws, const char *path,
                        const char *token, size_t relative, void *owner)
{
    size_t len = strlen(path), i;
    struct watch_path *at;
    struct watch *w;
    bool found;

    i = search(ws, path, len, &found);
    if (!found) {
        if (ws->count == ws->size) {
            ws->size = ws->size ? ws->size * 2 : 64;
            ws->path = xrealloc(ws->path, ws->size * sizeof(*ws->path));
        }
        at = xmalloc(sizeof(*at) + len + 1);
        list_init(&at->watches);
        memcpy(at->path, path, len + 1);
        memmove(ws->path + i + 1, ws->path + i,
                (ws->count++ - i) * sizeof(*ws->path));
        ws->path[i] = at;
    }
    at = ws->path[i];
    w = xcalloc(1, sizeof(*w) + strlen(token) + 1);
    strcpy(w->token, token);
    w->at = at;
    w->owner = owner;
    w->relative = relative;
    list_init(&w->by_owner);
    list_add_tail(&at->watches, &w->by_path);
    return w;
}

void watch_del(struct watches *ws, struct watch *w)
{
    struct watch_path *at = w->at;
    bool found;
    size_t i;

    list_del(&w->by_path);
    list_del(&w->by_owner);
    free(w);
    if (!list_empty(&at->watches))
        return;
    i = search(ws, at->path, strlen(at->path), &found);
    memmove(ws->path + i, ws->path + i + 1,
            (--ws->count - i) * sizeof(*ws->path));
    free(at);
}

const char *watch_path(const struct watch *w)
{
    return w->at->path;
}

static void match_at(const struct watches *ws, const char *path, size_t len,
                     const char *event, watch_fn *fn, void *ctx)
{
    struct watch *w;
    bool found;
    size_t i = search(ws, path, len, &found);

    if (!found)
        return;
    list_for_each(w, &ws->path[i]->watches, by_path)
        fn(ctx, w, event + w->relative);
}

static void match_below(const struct watches *ws, const char *path,
                        watch_fn *fn, void *ctx)
{
    size_t len = strlen(path), i;
    struct watch *w;
    bool found;

    for (i = search(ws, path, len, &found); i < ws->count; i++) {
        const char *p = ws->path[i]->path;

        if (strncmp(p, path, len))
            break;
        if (p[len] != '/')              /* itself, or a name that goes on */
            continue;
        list_for_each(w, &ws->path[i]->watches, by_path)
            fn(ctx, w, p + w->relative);
    }
}

void watches_match(const struct watches *ws, const char *path, bool removed,
                   watch_fn *fn, void *ctx)
{
    size_t len = strlen(path);

    match_at(ws, path, len, path, fn, ctx);
    if (*path == '@')
        return;
    for (size_t i = len - 1; len > 1 && i > 0; i--)
        if (path[i] == '/')
            match_at(ws, path, i, path, fn, ctx);
    if (len > 1)
        match_at(ws, "/", 1, path, fn, ctx);
    if (removed)
        match_below(ws, path, fn, ctx);
}
