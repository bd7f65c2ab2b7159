/* SPDX-License-Identifier: GPL-2.0-or-later */
/* JSON files, and short ways to make objects. */
#ifndef XEND_UTIL_JSON_H
#define XEND_UTIL_JSON_H

#include <json-c/json.h>
#include <stdint.h>

/*
 * Replace the file at path by obj: a reader, and a restart after a kill, sees
 * the old text or the new one, whole.  -errno (-ENOSPC: the disk is full); the
 * old file is then untouched and nothing is left beside it.
 */
int json_write_file(const char *path, struct json_object *obj);

/* Read a whole JSON file.  -EINVAL: not JSON, or not an object. */
int json_read_file(const char *path, struct json_object **ret_obj);

/* Members of a new object; NULL strings and values are left out. */
void json_add_str(struct json_object *obj, const char *name, const char *s);
void json_add_int(struct json_object *obj, const char *name, int64_t n);
void json_add_bool(struct json_object *obj, const char *name, int yes);

/* A member's value; absent or of another type: NULL, or otherwise. */
const char *json_get_str(struct json_object *obj, const char *name);
int64_t json_get_int(struct json_object *obj, const char *name,
                     int64_t otherwise);
struct json_object *json_get_obj(struct json_object *obj, const char *name);

#endif
