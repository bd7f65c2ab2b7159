/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * JSON objects to C structs and back, by a table of fields.  What a table does
 * not name is refused with its name, so a misspelt parameter never passes for
 * an absent one.
 */
#ifndef XEND_UTIL_FIELD_H
#define XEND_UTIL_FIELD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct json_object;

enum field_type {
    FIELD_STRING,               /* char *, owned; absent: NULL */
    FIELD_INT,                  /* int64_t */
    FIELD_BOOL,                 /* bool */
    FIELD_WORD,                 /* int: index into words */
    FIELD_STRINGS,              /* struct strlist */
    FIELD_JSON,                 /* struct json_object *, owned */
};

/* A table ends with a row whose name is NULL. */
struct field {
    const char *name;
    enum field_type type;
    size_t offset;
    bool required;
    int64_t min, max;           /* FIELD_INT: allowed; both 0: any */
    int64_t absent;             /* INT, WORD: the value left out in JSON */
    const char *const *words;   /* FIELD_WORD */
};

/* Set integers and words of s, which is otherwise zero, to absent. */
void fields_init(const struct field *f, void *s);

/*
 * Read obj (NULL: an empty object) into s, which holds its defaults; absent
 * fields are left alone.  -EINVAL: *ret_error is one line, the caller's to
 * free; s may then be partly filled: call fields_fini in any case.
 */
int fields_read(const struct field *f, struct json_object *obj, void *s,
                char **ret_error);

/* Add s's fields to obj, without those at their absent value. */
void fields_write(const struct field *f, const void *s,
                  struct json_object *obj);

/* Free what the fields own. */
void fields_fini(const struct field *f, void *s);

#endif
