/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The daemon: every part of it, in the order of start.  A part reaches the
 * others through this struct alone.
 */
#ifndef XEND_XEND_H
#define XEND_XEND_H

#include <stdbool.h>

struct sd_event;
struct domain;

struct xend_options {
    const char *state_dir;      /* definitions: /var/lib/xend */
    const char *run_dir;        /* what runs now: /run/xend */
    const char *log_dir;        /* consoles' log files: /var/log/xend */
    const char *cache_dir;      /* unpacked kernels: /var/cache/xend */
    const char *socket;         /* the JSON socket */
    const char *store_dir;      /* folder of xenstore's sockets */
};

struct xend {
    struct xend_options opt;
    struct sd_event *loop;
    struct workers *workers;
    struct workers *streams;    /* for what takes as long as a guest is large */
    struct hostnet_guard *hostnet;  /* watches over the host's own network */
    struct host *host;          /* the hypervisor and its machine */
    struct store *store;
    struct consoles *consoles;
    struct domains *domains;
    struct api *api;

    /* Told of each change of a domain: "created", "state", "renamed" ... */
    void (*notify)(struct xend *x, const struct domain *d, const char *what);
};

#endif
