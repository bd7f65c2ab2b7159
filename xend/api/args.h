/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Rows of the methods' field tables; each macro names struct and member. */
#ifndef XEND_API_ARGS_H
#define XEND_API_ARGS_H

#include "api/rpc.h"

#define ROW(s, f, type, required, min, max, absent, words) \
    { #f, type, offsetof(struct s, f), required, min, max, absent, words }
#define STRING(s, f, required) \
    ROW(s, f, FIELD_STRING, required, 0, 0, 0, NULL)
#define BOOL(s, f) ROW(s, f, FIELD_BOOL, false, 0, 0, 0, NULL)
#define INT(s, f, required, min, max, absent) \
    ROW(s, f, FIELD_INT, required, min, max, absent, NULL)
#define STRINGS(s, f) ROW(s, f, FIELD_STRINGS, false, 0, 0, 0, NULL)
#define WORD(s, f, words) ROW(s, f, FIELD_WORD, false, 0, 0, 0, words)
#define END { NULL, 0, 0, false, 0, 0, 0, NULL }

/* Every struct of arguments that names a domain begins like this one. */
struct target_args {
    char *domain;
};

extern const struct field target_fields[];

struct domain_status;

/* A config in a request, in one of its notations. */
struct config_text {
    const char *format, *text, *path, *dir;
    const struct strlist *overrides;        /* or NULL */
    struct json_object *json;
};

/* Parsed and checked; NULL with the error in call->err.  Warnings go to the
 * call in either case. */
struct domain_config *rpc_config(struct rpc_call *call,
                                 const struct config_text *t);

/* What listings show of a domain. */
struct json_object *rpc_status(const struct domain_status *s, bool config);

/* The domain that the arguments name, by name or id; NULL with call->err. */
struct domain *rpc_target(struct rpc_call *call);

#endif
