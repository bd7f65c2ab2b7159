/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <json-c/json.h>

#include "util/cleanup.h"
#include "util/field.h"
#include "util/strlist.h"

static void *at(const struct field *f, const void *s)
{
    return (char *)s + f->offset;
}

static int word_index(const char *const *words, const char *s)
{
    for (int i = 0; words[i]; i++)
        if (streq(words[i], s))
            return i;
    return -1;
}

static const char *read_int(const struct field *f, struct json_object *v,
                            int64_t *to)
{
    int64_t n;

    if (!json_object_is_type(v, json_type_int))
        return "must be an integer";
    errno = 0;
    n = json_object_get_int64(v);
    if (errno || ((f->min || f->max) && (n < f->min || n > f->max)))
        return "is out of range";
    *to = n;
    return NULL;
}

static const char *read_strings(struct json_object *v, struct strlist *to)
{
    struct strlist list = { NULL, 0 };

    if (!json_object_is_type(v, json_type_array))
        return "must be an array of strings";
    for (size_t i = 0; i < json_object_array_length(v); i++) {
        struct json_object *s = json_object_array_get_idx(v, i);

        if (!json_object_is_type(s, json_type_string)) {
            strlist_fini(&list);
            return "must be an array of strings";
        }
        strlist_add(&list, json_object_get_string(s));
    }
    strlist_fini(to);
    *to = list;
    return NULL;
}

/* NULL, or what is wrong with v. */
static const char *read_one(const struct field *f, struct json_object *v,
                            void *to)
{
    int word;

    switch (f->type) {
    case FIELD_STRING:
        if (!json_object_is_type(v, json_type_string))
            return "must be a string";
        if (strlen(json_object_get_string(v)) !=
            (size_t)json_object_get_string_len(v))
            return "must not contain a zero byte";
        strset(to, json_object_get_string(v));
        return NULL;
    case FIELD_INT:
        return read_int(f, v, to);
    case FIELD_BOOL:
        if (!json_object_is_type(v, json_type_boolean))
            return "must be true or false";
        *(bool *)to = json_object_get_boolean(v);
        return NULL;
    case FIELD_WORD:
        word = json_object_is_type(v, json_type_string) ?
               word_index(f->words, json_object_get_string(v)) : -1;
        if (word < 0)
            return "is not one of the known words";
        *(int *)to = word;
        return NULL;
    case FIELD_STRINGS:
        return read_strings(v, to);
    case FIELD_JSON:
        json_object_put(*(struct json_object **)to);
        *(struct json_object **)to = json_object_get(v);
        return NULL;
    }
    return "has an unknown type";
}

static const struct field *find(const struct field *f, const char *name)
{
    while (f && f->name && !streq(f->name, name))
        f++;
    return f && f->name ? f : NULL;
}

void fields_init(const struct field *f, void *s)
{
    for (; f && f->name; f++)
        if (f->type == FIELD_INT)
            *(int64_t *)at(f, s) = f->absent;
        else if (f->type == FIELD_WORD)
            *(int *)at(f, s) = f->absent;
}

int fields_read(const struct field *f, struct json_object *obj, void *s,
                char **ret_error)
{
    const struct field *row;
    const char *why;

    if (obj && !json_object_is_type(obj, json_type_object)) {
        *ret_error = xstrdup("parameters must be an object with names");
        return -EINVAL;
    }
    for (row = f; row && row->name; row++)
        if (row->required && !json_object_object_get_ex(obj, row->name, NULL)) {
            *ret_error = xasprintf("parameter \"%s\" is missing", row->name);
            return -EINVAL;
        }
    if (!obj)
        return 0;
    json_object_object_foreach(obj, name, value) {
        row = find(f, name);
        why = row ? read_one(row, value, at(row, s)) : "is not known";
        if (why) {
            *ret_error = xasprintf("parameter \"%s\" %s", name, why);
            return -EINVAL;
        }
    }
    return 0;
}

static struct json_object *write_strings(const struct strlist *l)
{
    struct json_object *a = json_object_new_array();

    for (unsigned int i = 0; i < l->nr; i++)
        json_object_array_add(a, json_object_new_string(l->item[i]));
    return a;
}

static struct json_object *write_one(const struct field *f, const void *p)
{
    switch (f->type) {
    case FIELD_STRING:
        return *(char *const *)p ?
               json_object_new_string(*(char *const *)p) : NULL;
    case FIELD_INT:
        return *(const int64_t *)p == f->absent ? NULL :
               json_object_new_int64(*(const int64_t *)p);
    case FIELD_BOOL:
        return *(const bool *)p ? json_object_new_boolean(1) : NULL;
    case FIELD_WORD:
        return *(const int *)p == f->absent ? NULL :
               json_object_new_string(f->words[*(const int *)p]);
    case FIELD_STRINGS:
        return write_strings(p);
    case FIELD_JSON:
        return json_object_get(*(struct json_object *const *)p);
    }
    return NULL;
}

void fields_write(const struct field *f, const void *s,
                  struct json_object *obj)
{
    for (; f->name; f++) {
        struct json_object *v = write_one(f, at(f, s));

        if (v)
            json_object_object_add(obj, f->name, v);
    }
}

void fields_fini(const struct field *f, void *s)
{
    for (; f && f->name; f++)
        if (f->type == FIELD_STRING)
            strset(at(f, s), NULL);
        else if (f->type == FIELD_STRINGS)
            strlist_fini(at(f, s));
        else if (f->type == FIELD_JSON) {
            json_object_put(*(struct json_object **)at(f, s));
            *(struct json_object **)at(f, s) = NULL;
        }
}
