/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <fcntl.h>
#include <linux/loop.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "device/loop.h"

#define TRIES 64                /* others take free ones, too */

static int look(struct loop *l)
{
    struct loop_info64 info;
    struct stat st;

    if (ioctl(l->fd, LOOP_GET_STATUS64, &info) || fstat(l->fd, &st))
        return -errno;
    l->number = st.st_rdev;
    l->file_dev = info.lo_device;
    l->file_ino = info.lo_inode;
    return 0;
}

static int configure(struct loop *l, int fd, const char *name, bool writable)
{
    struct loop_config config = { .fd = fd };
    int rc;

    config.info.lo_flags = LO_FLAGS_AUTOCLEAR | LO_FLAGS_DIRECT_IO;
    if (!writable)
        config.info.lo_flags |= LO_FLAGS_READ_ONLY;
    snprintf((char *)config.info.lo_file_name, LO_NAME_SIZE, "%s", name);
    rc = ioctl(l->fd, LOOP_CONFIGURE, &config) ? -errno : 0;
    if (rc == -EINVAL) {
        config.info.lo_flags &= ~LO_FLAGS_DIRECT_IO;
        rc = ioctl(l->fd, LOOP_CONFIGURE, &config) ? -errno : 0;
    }
    return rc;
}

int loop_open(struct loop *l, int fd, const char *name, bool writable)
{
    int control = open("/dev/loop-control", O_RDWR | O_CLOEXEC);
    int rc = control < 0 ? -errno : -EBUSY, n;

    for (int i = 0; i < TRIES && rc == -EBUSY; i++) {
        n = ioctl(control, LOOP_CTL_GET_FREE);
        if (n < 0) {
            rc = -errno;
            break;
        }
        snprintf(l->path, sizeof(l->path), "/dev/loop%d", n);
        l->fd = open(l->path, (writable ? O_RDWR : O_RDONLY) | O_CLOEXEC);
        if (l->fd < 0) {
            rc = -errno;
            break;
        }
        rc = configure(l, fd, name, writable);
        if (!rc)
            rc = look(l);
        if (rc)
            close(l->fd);
    }
    if (control >= 0)
        close(control);
    return rc;
}

int loop_adopt(struct loop *l, const char *path, dev_t file_dev,
               ino_t file_ino)
{
    int rc;

    l->fd = open(path, O_RDONLY | O_CLOEXEC);
    if (l->fd < 0)
        return -errno;
    rc = look(l);
    if (!rc && (l->file_dev != file_dev || l->file_ino != file_ino))
        rc = -ENXIO;
    if (rc)
        close(l->fd);
    else
        snprintf(l->path, sizeof(l->path), "%s", path);
    return rc;
}

void loop_close(struct loop *l)
{
    close(l->fd);
}
