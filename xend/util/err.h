/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Why something was refused: one line that a user can act on, beside the
 * -errno that a program acts on.
 */
#ifndef XEND_UTIL_ERR_H
#define XEND_UTIL_ERR_H

struct err {
    int rc;                     /* -errno; 0: no error */
    char text[512];
};

#define ERR_INIT ((struct err){ 0, "" })

/* Set e to rc and a text.  Returns rc. */
int err_set(struct err *e, int rc, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/* As err_set, with ": " and the words of rc after the text. */
int err_sys(struct err *e, int rc, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

#endif
