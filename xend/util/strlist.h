/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef XEND_UTIL_STRLIST_H
#define XEND_UTIL_STRLIST_H

/* A list that owns its strings; the array is NULL when nr is 0. */
struct strlist {
    char **item;
    unsigned int nr;
};

void strlist_add(struct strlist *l, const char *s);
void strlist_fini(struct strlist *l);

#endif
