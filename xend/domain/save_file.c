/* SPDX-License-Identifier: GPL-2.0-or-later */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdint.h>
#include <sys/stat.h>

#include "domain/save_file.h"
#include "util/cleanup.h"
#include "util/json.h"

static char *folder_of(const char *path)
{
    const char *end = strrchr(path, '/');

    return end == path ? xstrdup("/") : xstrndup(path, end - path);
}

int save_file_open(struct save_file *f, struct err *err)
{
    _cleanup_free_ char *folder = folder_of(f->path);
    struct stat st;

    f->fd = -1;
    if (!stat(f->path, &st) && !S_ISREG(st.st_mode))
        return err_set(err, -EINVAL, "%s is no regular file; save to another "
                       "one", f->path);
    f->fd = open(folder, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    if (f->fd < 0 && (errno == EOPNOTSUPP || errno == EISDIR))
        return err_set(err, -EOPNOTSUPP, "%s: its file system cannot hold a "
                       "file without a name; save to another one", f->path);
    if (f->fd < 0 || fstat(f->fd, &st))
        return err_sys(err, -errno, "%s cannot be written", f->path);
    f->dev = st.st_dev;
    f->ino = st.st_ino;
    return 0;
}

int save_file_name(struct save_file *f, struct err *err)
{
    _cleanup_free_ char *from = xasprintf("/proc/self/fd/%d", f->fd);
    _cleanup_free_ char *beside = NULL;
    int rc;

    if (!linkat(AT_FDCWD, from, AT_FDCWD, f->path, AT_SYMLINK_FOLLOW))
        return 0;
    if (errno != EEXIST)
        return err_sys(err, -errno, "%s cannot be written", f->path);
    beside = xasprintf("%s.%" PRIu64 ".new", f->path, (uint64_t)f->ino);
    if (linkat(AT_FDCWD, from, AT_FDCWD, beside, AT_SYMLINK_FOLLOW))
        return err_sys(err, -errno, "%s cannot be written", beside);
    if (!rename(beside, f->path))
        return 0;
    rc = -errno;
    unlink(beside);
    return err_sys(err, rc, "%s cannot be replaced", f->path);
}

void save_file_fini(struct save_file *f)
{
    closep(&f->fd);
    free(f->path);
}

void save_file_note(const struct save_file *f, struct json_object *record)
{
    json_add_str(record, "saving", f->path);
    json_add_int(record, "saving_dev", (int64_t)f->dev);
    json_add_int(record, "saving_ino", (int64_t)f->ino);
}

void save_file_undo(struct json_object *record)
{
    const char *path = json_get_str(record, "saving");
    int64_t dev = json_get_int(record, "saving_dev", -1);
    int64_t ino = json_get_int(record, "saving_ino", -1);
    _cleanup_free_ char *beside = NULL;
    struct stat st;

    if (!path)
        return;
    beside = xasprintf("%s.%" PRId64 ".new", path, ino);
    unlink(beside);
    if (!stat(path, &st) && (int64_t)st.st_dev == dev &&
        (int64_t)st.st_ino == ino)
        unlink(path);
}
