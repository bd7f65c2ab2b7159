/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Disks.  dom0's driver takes a block device by its number: the target itself,
 * a loop device over a raw file, or what a user's script makes of the target.
 *
 * A target that somebody may write to has one user.  The kernel knows of its
 * own mounts; of guests we keep a list of claims, which each device enters in
 * prepare and leaves in release.
 */
#include <errno.h>
#include <fcntl.h>
#include <json-c/json.h>
#include <pthread.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "device/counters.h"
#include "device/loop.h"
#include "device/private.h"
#include "util/cleanup.h"
#include "util/json.h"
#include "util/log.h"

struct vbd_host {
    struct loop loop;           /* for a file */
    bool is_file;
    dev_t number;               /* of the block device */
    int held;                   /* it, if a guest writes to it: dom0's kernel
                                   gives it to nobody else; or -1 */
    char *path;                 /* its name */
    struct list claim;          /* struct claims.all */
    dev_t file_dev;             /* what is claimed: a file, or (0, number) */
    ino_t file_ino;
    bool writable;
    char *owner;
    char *script;               /* its path; then all above is its affair */
};

static struct {
    pthread_mutex_t lock;
    struct list all;
} claims = { PTHREAD_MUTEX_INITIALIZER, { &claims.all, &claims.all } };

static struct vbd_host *host_new(const struct device *dev, bool writable)
{
    struct vbd_host *h = xcalloc(1, sizeof(*h));

    list_init(&h->claim);
    h->held = -1;
    h->writable = writable;
    h->owner = xstrdup(dev->name);
    return h;
}

static int claim(struct vbd_host *h, struct device *dev, struct err *err)
{
    struct vbd_host *other;
    int rc = 0;

    pthread_mutex_lock(&claims.lock);
    list_for_each(other, &claims.all, claim)
        if (other->file_dev == h->file_dev &&
            other->file_ino == h->file_ino &&
            (other->writable || h->writable)) {
            rc = err_set(err, -EBUSY, "%s: %s is in use: %s; only disks that "
                         "all have read-only can be shared", dev->name,
                         dev->config->vbd.target, other->owner);
            break;
        }
    if (!rc)
        list_add_tail(&claims.all, &h->claim);
    pthread_mutex_unlock(&claims.lock);
    return rc;
}

static void host_free(struct vbd_host *h)
{
    if (!h)
        return;
    pthread_mutex_lock(&claims.lock);
    list_del(&h->claim);
    pthread_mutex_unlock(&claims.lock);
    if (h->is_file)
        loop_close(&h->loop);
    closep(&h->held);
    free(h->path);
    free(h->owner);
    free(h->script);
    free(h);
}

/* Formats that would lose their contents when a guest writes to them. */
static int refuse_format(int fd, const struct device *dev, struct err *err)
{
    static const struct {
        const char *magic, *name;
    } formats[] = {
        { "QFI\xfb", "qcow2" }, { "conectix", "vhd" }, { "vhdxfile", "vhdx" },
        { "KDMV", "vmdk" }, { "QED", "qed" },
    };
    char head[8];

    if (pread(fd, head, sizeof(head), 0) != sizeof(head))
        return 0;
    for (size_t i = 0; i < sizeof(formats) / sizeof(formats[0]); i++)
        if (!memcmp(head, formats[i].magic, strlen(formats[i].magic)))
            return err_set(err, -EINVAL, "%s: %s is a %s image, not a raw one;"
                           " convert it: qemu-img convert -O raw OLD NEW",
                           dev->name, dev->config->vbd.target,
                           formats[i].name);
    return 0;
}

static int open_file(struct vbd_host *h, int fd, struct device *dev,
                     struct err *err)
{
    const struct vbd_config *c = &dev->config->vbd;
    int rc = refuse_format(fd, dev, err);

    if (rc)
        return rc;
    rc = loop_open(&h->loop, fd, c->target, h->writable);
    if (rc == -ENOENT || rc == -ENXIO)
        return err_set(err, rc, "%s: this host has no loop devices; load the "
                       "module: modprobe loop", dev->name);
    if (rc)
        return err_sys(err, rc, "%s: no loop device for %s", dev->name,
                       c->target);
    h->is_file = true;
    h->number = h->loop.number;
    h->path = xstrdup(h->loop.path);
    return 0;
}

/* The kernel says of its own uses, and of those of a part or the whole of it,
 * if it is asked for the device alone.  blkback, later, does not ask. */
static int open_disk(struct vbd_host *h, const struct stat *st,
                     struct device *dev, struct err *err)
{
    const char *target = dev->config->vbd.target;
    int fd;

    fd = open(target, (h->writable ? O_RDWR | O_EXCL : O_RDONLY) | O_CLOEXEC);
    if (fd < 0)
        return errno == EBUSY ?
               err_set(err, -EBUSY, "%s: this host, or a guest, uses %s or a "
                       "part of it; unmount or detach it first", dev->name,
                       target) :
               err_sys(err, -errno, "%s: cannot open %s", dev->name, target);
    if (h->writable)
        h->held = fd;
    else
        close(fd);
    h->number = st->st_rdev;
    h->path = xstrdup(target);
    return 0;
}

static int open_target(struct vbd_host *h, int fd, struct device *dev,
                       struct err *err)
{
    const char *target = dev->config->vbd.target;
    struct stat st;
    int rc;

    if (fstat(fd, &st))
        return err_sys(err, -errno, "%s: cannot look at %s", dev->name,
                       target);
    if (!S_ISREG(st.st_mode) && !S_ISBLK(st.st_mode))
        return err_set(err, -EINVAL, "%s: %s is neither a raw image nor a "
                       "block device", dev->name, target);
    if (S_ISREG(st.st_mode) && st.st_size < 512)
        return err_set(err, -EINVAL, "%s: %s is empty; make it larger, for "
                       "example: truncate -s 4G FILE", dev->name, target);
    h->file_dev = S_ISBLK(st.st_mode) ? 0 : st.st_dev;
    h->file_ino = S_ISBLK(st.st_mode) ? st.st_rdev : st.st_ino;
    rc = claim(h, dev, err);
    if (rc)
        return rc;
    return S_ISREG(st.st_mode) ? open_file(h, fd, dev, err) :
           open_disk(h, &st, dev, err);
}

static int vbd_prepare(struct device *dev, struct err *err)
{
    const struct vbd_config *c = &dev->config->vbd;
    struct vbd_host *h = host_new(dev, c->writable);
    _cleanup_close_ int fd = -1;
    int rc;

    h->script = device_script(c->script, "block");
    if (h->script) {
        rc = device_check_script(dev, h->script, err);
        goto out;
    }
    fd = open(c->target, (c->writable ? O_RDWR : O_RDONLY) | O_CLOEXEC |
              O_NONBLOCK);
    rc = fd < 0 ? err_sys(err, -errno, "%s: cannot open %s", dev->name,
                          c->target) : open_target(h, fd, dev, err);

 out:
    if (rc)
        host_free(h);
    else
        dev->host = h;
    return rc;
}

static void put_host(struct device *dev)
{
    const struct vbd_host *h = dev->host;

    device_put_back(dev, "script", "%s", h->script ? h->script : "");
    if (h->script)
        return;
    device_put_back(dev, "physical-device", "%x:%x", major(h->number),
                    minor(h->number));
    device_put_back(dev, "physical-device-path", "%s", h->path);
    device_put_back(dev, "loop-backing", "%llx:%llx",
                    (unsigned long long)(h->is_file ? h->loop.file_dev : 0),
                    (unsigned long long)(h->is_file ? h->loop.file_ino : 0));
}

static void vbd_nodes(struct device *dev)
{
    const struct vbd_config *c = &dev->config->vbd;

    device_put_back(dev, "params", "%s", c->target);
    device_put_back(dev, "type", "phy");
    device_put_back(dev, "dev", "%s", c->vdev);
    device_put_back(dev, "mode", c->writable ? "w" : "r");
    device_put_back(dev, "device-type", c->cdrom ? "cdrom" : "disk");
    device_put_back(dev, "removable", c->cdrom ? "1" : "0");
    device_put_back(dev, "bootable", "1");
    device_put_back(dev, "specification", "xen");
    device_put_back(dev, "discard-enable",
                    c->discard == SWITCH_OFF || !c->writable ? "0" : "1");
    put_host(dev);
    device_put_front(dev, "virtual-device", "%lld", (long long)dev->devid);
    device_put_front(dev, "device-type", c->cdrom ? "cdrom" : "disk");
    device_put_front(dev, "trusted", c->untrusted ? "0" : "1");
}

static int run_script(struct device *dev, const char *verb, struct err *err)
{
    const struct vbd_host *h = dev->host;
    const char *script = h ? h->script : NULL;
    const char *const argv[] = { script, verb, NULL };

    return script ? device_run_script(dev, script, argv,
                                      (const char *const[2]){ 0 }, err) : 0;
}

/* It writes physical-device, and dom0's driver goes on from there. */
static int vbd_plug(struct device *dev, struct err *err)
{
    return run_script(dev, "add", err);
}

static void vbd_unplug(struct device *dev)
{
    struct err err = ERR_INIT;

    if (run_script(dev, "remove", &err))
        log_warn("%s", err.text);
}

static void vbd_release(struct device *dev)
{
    host_free(dev->host);
    dev->host = NULL;
}

/* Whether the loop device is still the one that the nodes name. */
static int adopt_loop(struct vbd_host *h, struct device *dev)
{
    _cleanup_free_ char *backing = device_read_back(dev, "loop-backing");
    _cleanup_free_ char *path = device_read_back(dev, "physical-device-path");
    unsigned long long file_dev, file_ino;
    int rc;

    if (!backing || !path ||
        sscanf(backing, "%llx:%llx", &file_dev, &file_ino) != 2)
        return -ENOENT;
    if (file_dev || file_ino) {
        rc = loop_adopt(&h->loop, path, file_dev, file_ino);
        if (rc)
            return rc;
        h->is_file = true;
        h->number = h->loop.number;
    }
    h->path = TAKE_PTR(path);
    return 0;
}

/* Meanwhile dom0 may have begun to use it. */
static void adopt_disk(struct vbd_host *h, const struct device *dev)
{
    struct stat st;

    if (!stat(h->path, &st))
        h->number = h->file_ino = st.st_rdev;
    if (h->writable)
        h->held = open(h->path, O_RDWR | O_EXCL | O_CLOEXEC);
    if (h->writable && h->held < 0)
        log_warn("%s: not %s's alone any more: %m", dev->name, h->path);
}

/*
 * The loop device goes with its last user.  If dom0's driver is one, it is as
 * it was; if not, we were the last: make another, the driver has not looked.
 */
static void vbd_adopt(struct device *dev)
{
    _cleanup_free_ char *script = device_read_back(dev, "script");
    struct vbd_host *h = host_new(dev, dev->config &&
                                       dev->config->vbd.writable);
    struct err err = ERR_INIT;

    if (script && *script) {
        h->script = TAKE_PTR(script);
        dev->host = h;
        return;
    }
    if (!adopt_loop(h, dev)) {
        if (h->is_file) {
            h->file_dev = h->loop.file_dev;
            h->file_ino = h->loop.file_ino;
        } else {
            adopt_disk(h, dev);
        }
        pthread_mutex_lock(&claims.lock);
        list_add_tail(&claims.all, &h->claim);
        pthread_mutex_unlock(&claims.lock);
        dev->host = h;
        return;
    }
    host_free(h);
    if (!dev->config)
        return;
    if (vbd_prepare(dev, &err))
        log_err("%s", err.text);
    else
        put_host(dev);
}

static void vbd_describe(const struct device *dev, struct json_object *obj)
{
    if (!dev->config)
        return;
    json_add_str(obj, "vdev", dev->config->vbd.vdev);
    json_add_str(obj, "target", dev->config->vbd.target);
    json_add_bool(obj, "writable", dev->config->vbd.writable);
    json_add_bool(obj, "cdrom", dev->config->vbd.cdrom);
}

static void vbd_count(const struct device *dev, const struct traffic *t,
                      struct json_object *obj)
{
    struct vbd_counters c;

    (void)t;
    if (!vbd_counters(BACK_ENDS, dev->domid, dev->devid, &c))
        return;
    json_add_int(obj, "reads", (int64_t)c.reads);
    json_add_int(obj, "writes", (int64_t)c.writes);
    json_add_int(obj, "flushes", (int64_t)c.flushes);
    json_add_int(obj, "discards", (int64_t)c.discards);
    json_add_int(obj, "read_sectors", (int64_t)c.read_sectors);
    json_add_int(obj, "written_sectors", (int64_t)c.written_sectors);
    json_add_int(obj, "out_of_requests", (int64_t)c.out_of_requests);
}

const struct device_ops vbd_ops = {
    .kind = DEVICE_VBD, .type = "vbd",
    .prepare = vbd_prepare, .nodes = vbd_nodes, .plug = vbd_plug,
    .unplug = vbd_unplug, .release = vbd_release, .adopt = vbd_adopt,
    .describe = vbd_describe, .count = vbd_count,
};
