/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A saved guest's file is checked, all of it, before anything is made. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>

#include "domain/save.h"
#include "util/cleanup.h"
#include "util/json.h"
#include "util/worker.h"
#include "xc.h"
#include "xend.h"

struct saved_check {
    saved_fn *fn;               /* NULL: nobody waits */
    void *ctx;
    struct saved *s;
    struct json_object *config;
    struct err err;
    atomic_bool cancel;
};

void saved_free(struct saved *s)
{
    if (!s)
        return;
    closep(&s->fd);
    free(s->path);
    free(s->store);
    free(s);
}

static void work(void *arg)
{
    struct saved_check *c = arg;
    struct saved *s = c->s;
    struct xc_sr_info info;
    struct xc_error why;
    int rc;

    s->fd = open(s->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (s->fd < 0) {
        err_sys(&c->err, -errno, "%s cannot be read", s->path);
        return;
    }
    rc = xc_sr_check(s->fd, s->path, &c->cancel, &info, &why);
    if (rc) {
        err_set(&c->err, rc, "%s", why.text);
        return;
    }
    s->store = TAKE_PTR(info.store);
    s->store_size = info.store_size;
    s->pages = info.pages;
    s->vcpus = info.vcpus;
    c->config = json_tokener_parse(info.config);
    if (!c->config)
        err_set(&c->err, -EBADMSG, "%s has a definition that is not JSON",
                s->path);
    xc_sr_info_fini(&info);
}

static void drop(void *arg)
{
    struct saved_check *c = arg;

    saved_free(c->s);
    json_object_put(c->config);
    free(c);
}

static void work_done(void *arg)
{
    struct saved_check *c = arg;

    if (c->fn && c->err.rc)
        c->fn(c->ctx, NULL, NULL, &c->err);
    else if (c->fn)
        c->fn(c->ctx, TAKE_PTR(c->s), TAKE_PTR(c->config), &c->err);
    drop(c);
}

struct saved_check *saved_check(struct xend *x, const char *path, saved_fn *fn,
                                void *ctx)
{
    struct saved_check *c = xcalloc(1, sizeof(*c));

    c->fn = fn;
    c->ctx = ctx;
    c->s = xcalloc(1, sizeof(*c->s));
    c->s->fd = -1;
    c->s->path = xstrdup(path);
    worker_run(x->streams, work, work_done, drop, c);
    return c;
}

void saved_uncheck(struct saved_check *c)
{
    c->fn = NULL;
    atomic_store(&c->cancel, true);
}
