/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The .cfg grammar: text to a list of settings, without knowing any key.
 *
 *     file    = { setting | ";" | newline }
 *     setting = KEY ( "=" | "+=" ) value
 *     value   = STRING | NUMBER | "[" [ value { "," value } [ "," ] ] "]"
 */
#ifndef XEND_CONFIG_XL_H
#define XEND_CONFIG_XL_H

#include "config/config.h"

enum xl_kind { XL_STRING, XL_NUMBER, XL_LIST };

struct xl_value {
    enum xl_kind kind;
    char *text;                 /* string or number, as text; NULL for lists */
    struct xl_value *item;      /* of a list */
    unsigned int nr;
};

struct xl_setting {
    char *key;
    bool append;                /* += */
    struct xl_value value;
    const char *file;           /* the source's name; not owned */
    unsigned int line;
};

struct xl_settings {
    struct xl_setting *s;
    unsigned int nr;
};

/* Append src's settings to list.  -EINVAL with r->error at its file:line. */
int xl_parse(const struct config_source *src, struct config_report *r,
             struct xl_settings *list);

void xl_settings_fini(struct xl_settings *list);

/* Append from's items or text to value; false when the kinds differ. */
bool xl_value_append(struct xl_value *value, struct xl_value *from);

/* The number in value, also one in quotes; false if it is none. */
bool xl_value_number(const struct xl_value *value, int64_t *ret);

#endif
