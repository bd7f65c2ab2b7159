/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

#include "util/buf.h"
#include "util/cleanup.h"
#include "util/json.h"

/* Larger than any file the daemon writes. */
#define MAX_FILE (4u << 20)

static int write_all(int fd, const char *text, size_t len)
{
    while (len) {
        ssize_t n = write(fd, text, len);

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return -errno;
        text += n;
        len -= n;
    }
    return 0;
}

int json_write_file(const char *path, struct json_object *obj)
{
    _cleanup_free_ char *tmp = xasprintf("%s.new", path);
    const char *text;
    size_t len;
    int fd, rc;

    text = json_object_to_json_string_length(obj, JSON_C_TO_STRING_PRETTY |
                                             JSON_C_TO_STRING_NOSLASHESCAPE,
                                             &len);
    fd = open(tmp, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (fd < 0)
        return -errno;
    rc = write_all(fd, text, len);
    if (!rc)
        rc = write_all(fd, "\n", 1);
    if (close(fd) && !rc)
        rc = -errno;
    if (!rc && rename(tmp, path))
        rc = -errno;
    if (rc)
        unlink(tmp);
    return rc;
}

int json_read_file(const char *path, struct json_object **ret_obj)
{
    struct buf b = BUF_INIT;
    struct json_object *obj;
    ssize_t n;
    int fd;

    fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return -errno;
    do {
        n = buf_read(&b, fd, 65536);
    } while (n > 0 && b.len < MAX_FILE);
    close(fd);
    obj = n ? NULL : json_tokener_parse(b.data);
    buf_fini(&b);
    if (n < 0)
        return n;
    if (!json_object_is_type(obj, json_type_object)) {
        json_object_put(obj);
        return -EINVAL;
    }
    *ret_obj = obj;
    return 0;
}

void json_add_str(struct json_object *obj, const char *name, const char *s)
{
    if (s)
        json_object_object_add(obj, name, json_object_new_string(s));
}

void json_add_int(struct json_object *obj, const char *name, int64_t n)
{
    json_object_object_add(obj, name, json_object_new_int64(n));
}

void json_add_bool(struct json_object *obj, const char *name, int yes)
{
    json_object_object_add(obj, name, json_object_new_boolean(yes));
}

const char *json_get_str(struct json_object *obj, const char *name)
{
    struct json_object *v;

    if (!json_object_object_get_ex(obj, name, &v) ||
        !json_object_is_type(v, json_type_string))
        return NULL;
    return json_object_get_string(v);
}

int64_t json_get_int(struct json_object *obj, const char *name,
                     int64_t otherwise)
{
    struct json_object *v;

    if (!json_object_object_get_ex(obj, name, &v) ||
        !json_object_is_type(v, json_type_int))
        return otherwise;
    return json_object_get_int64(v);
}

struct json_object *json_get_obj(struct json_object *obj, const char *name)
{
    struct json_object *v;

    return json_object_object_get_ex(obj, name, &v) &&
           json_object_is_type(v, json_type_object) ? v : NULL;
}
