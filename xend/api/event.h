/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef XEND_API_EVENT_H
#define XEND_API_EVENT_H

struct domain;
struct xend;

/* Tell subscribers that what ("state", "renamed", "gone") happened to d. */
void event_notify(struct xend *x, const struct domain *d, const char *what);

#endif
