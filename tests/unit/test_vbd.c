/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The host's part of disks: what can be one, who may use it beside whom, and
 * loop devices over a restart.  Loop devices are the test's own.
 */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include <cmocka.h>
#include <json-c/json.h>

#include "device/device.h"
#include "device/loop.h"
#include "util/cleanup.h"

static int opened, next_loop, open_rc, adopt_rc;
static bool opened_writable;

int loop_open(struct loop *l, int fd, const char *name, bool writable)
{
    (void)fd, (void)name;
    if (open_rc)
        return open_rc;
    *l = (struct loop){ .number = makedev(7, next_loop), .file_dev = 1,
                        .file_ino = 2 + next_loop };
    snprintf(l->path, sizeof(l->path), "/dev/loop%d", next_loop++);
    opened++;
    opened_writable = writable;
    return 0;
}

int loop_adopt(struct loop *l, const char *path, dev_t file_dev,
               ino_t file_ino)
{
    if (adopt_rc)
        return adopt_rc;
    *l = (struct loop){ .number = makedev(7, 0), .file_dev = file_dev,
                        .file_ino = file_ino };
    snprintf(l->path, sizeof(l->path), "%s", path);
    opened++;
    return 0;
}

void loop_close(struct loop *l)
{
    (void)l;
    opened--;
}

/* Nodes of the one device that is looked at. */
static struct {
    char name[40], value[100];
} nodes[40];
static unsigned int nr_nodes;

static void put(const char *node, const char *fmt, va_list ap)
{
    unsigned int i;

    for (i = 0; i < nr_nodes && !streq(nodes[i].name, node); i++)
        ;
    if (i == nr_nodes)
        nr_nodes++;
    snprintf(nodes[i].name, sizeof(nodes[i].name), "%s", node);
    vsnprintf(nodes[i].value, sizeof(nodes[i].value), fmt, ap);
}

void device_put_back(struct device *dev, const char *node, const char *fmt,
                     ...)
{
    va_list ap;

    (void)dev;
    va_start(ap, fmt);
    put(node, fmt, ap);
    va_end(ap);
}

void device_put_front(struct device *dev, const char *node, const char *fmt,
                      ...)
{
    va_list ap;

    (void)dev;
    va_start(ap, fmt);
    put(node, fmt, ap);
    va_end(ap);
}

char *device_read_back(const struct device *dev, const char *node)
{
    (void)dev;
    for (unsigned int i = 0; i < nr_nodes; i++)
        if (streq(nodes[i].name, node))
            return xstrdup(nodes[i].value);
    return NULL;
}

static bool has(const char *node, const char *value)
{
    _cleanup_free_ char *v = device_read_back(NULL, node);

    return v && streq(v, value);
}

static char path[] = "/tmp/test_vbd.XXXXXX";

static int setup(void **state)
{
    int fd = mkstemp(path);

    (void)state;
    opened = next_loop = open_rc = adopt_rc = 0;
    nr_nodes = 0;
    if (fd < 0 || ftruncate(fd, 1 << 20))
        return -1;
    return close(fd);
}

static int teardown(void **state)
{
    (void)state;
    unlink(path);
    strcpy(path, "/tmp/test_vbd.XXXXXX");
    return opened;
}

static struct device device(const char *name, const char *target,
                            const char *access)
{
    _cleanup_free_ char *spec = xasprintf("%s,,xvda,%s", target, access);
    struct config_report r = { 0 };
    struct device dev = { .ops = &vbd_ops, .domid = 1, .devid = 51712 };

    if (device_config_parse(DEVICE_VBD, spec, "disk", &r, &dev.config))
        fail_msg("%s", r.error);
    dev.name = xstrdup(name);
    return dev;
}

static void drop(struct device *dev)
{
    if (dev->host)
        vbd_ops.release(dev);
    assert_null(dev->host);
    device_config_free(dev->config);
    free(dev->name);
}

static void write_at_start(const char *text)
{
    int fd = open(path, O_WRONLY);

    assert_int_equal(write(fd, text, strlen(text)), strlen(text));
    close(fd);
}

/* Claim: what can be no disk is refused, by its name. */
static void test_refused(void **state)
{
    const struct {
        const char *target, *head, *word;
        int open_rc;
    } cases[] = {
        { "/tmp/none.such", NULL, "cannot open /tmp/none.such", 0 },
        { "/dev/null", NULL, "neither a raw image nor a block device", 0 },
        { "/tmp", NULL, "/tmp", 0 },
        { path, "QFI\xfb", "qcow2 image", 0 },
        { path, "conectix", "vhd image", 0 },
        { path, "raw", "modprobe loop", -ENOENT },
        { path, "raw", "no loop device for", -ENOSPC },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct device dev = device("g: disk xvda", cases[i].target, "w");
        struct err err = ERR_INIT;

        if (cases[i].head)
            write_at_start(cases[i].head);
        open_rc = cases[i].open_rc;
        assert_true(vbd_ops.prepare(&dev, &err) < 0);
        if (strncmp(err.text, "g: disk xvda: ", 14) ||
            !strstr(err.text, cases[i].word))
            fail_msg("no \"%s\" in: %s", cases[i].word, err.text);
        assert_null(dev.host);
        drop(&dev);
        write_at_start("--------");
    }
    assert_int_equal(truncate(path, 100), 0);
    struct device dev = device("g", path, "w");
    struct err err = ERR_INIT;

    assert_int_equal(vbd_ops.prepare(&dev, &err), -EINVAL);
    assert_non_null(strstr(err.text, "truncate"));
    drop(&dev);
}

/* Claim: a writer is alone with its file; readers are not. */
static void test_claims(void **state)
{
    struct device a = device("a: disk xvda", path, "w");
    struct device b = device("b: disk xvda", path, "r");
    struct device c = device("c: disk xvda", path, "r");
    struct err err = ERR_INIT;

    (void)state;
    assert_int_equal(vbd_ops.prepare(&a, &err), 0);
    assert_true(opened_writable);
    assert_int_equal(vbd_ops.prepare(&b, &err), -EBUSY);
    assert_non_null(strstr(err.text, "in use: a: disk xvda"));
    vbd_ops.release(&a);
    assert_int_equal(vbd_ops.prepare(&b, &err), 0);
    assert_false(opened_writable);
    assert_int_equal(vbd_ops.prepare(&c, &err), 0);
    assert_int_equal(vbd_ops.prepare(&a, &err), -EBUSY);
    vbd_ops.release(&b);
    assert_int_equal(vbd_ops.prepare(&a, &err), -EBUSY);
    vbd_ops.release(&c);
    assert_int_equal(vbd_ops.prepare(&a, &err), 0);
    drop(&a);
    drop(&b);
    drop(&c);
}

static void test_nodes(void **state)
{
    struct device dev = device("g", path, "r");
    struct err err = ERR_INIT;

    (void)state;
    next_loop = 26;
    assert_int_equal(vbd_ops.prepare(&dev, &err), 0);
    vbd_ops.nodes(&dev);
    assert_true(has("physical-device", "7:1a"));    /* hexadecimal */
    assert_true(has("physical-device-path", "/dev/loop26"));
    assert_true(has("mode", "r"));
    assert_true(has("dev", "xvda"));
    assert_true(has("params", path));
    assert_true(has("virtual-device", "51712"));
    drop(&dev);
}

/* Claim: after a restart a loop device is held again, or made again. */
static void test_adopt(void **state)
{
    struct device dev = device("g", path, "w");
    struct device other = device("h", path, "w");
    struct err err = ERR_INIT;

    (void)state;
    assert_int_equal(vbd_ops.prepare(&dev, &err), 0);
    vbd_ops.nodes(&dev);
    vbd_ops.release(&dev);              /* as the kernel does when we die */
    vbd_ops.adopt(&dev);
    assert_int_equal(opened, 1);
    assert_true(has("physical-device", "7:0"));
    vbd_ops.release(&dev);

    adopt_rc = -ENXIO;
    vbd_ops.adopt(&dev);
    assert_int_equal(opened, 1);
    assert_true(has("physical-device", "7:1"));
    assert_int_equal(vbd_ops.prepare(&other, &err), -EBUSY);
    vbd_ops.release(&dev);

    /* One that is only to go needs none. */
    device_config_free(TAKE_PTR(dev.config));
    vbd_ops.adopt(&dev);
    assert_int_equal(opened, 0);
    assert_null(dev.host);
    vbd_ops.unplug(&dev);
    free(dev.name);
    drop(&other);
}

/* Claim: a script makes the device: it is told where and what, both ways, also
 * by the xend after this one. */
static void test_script(void **state)
{
    _cleanup_free_ char *out = xasprintf("%s.out", path), *want = NULL;
    struct device dev = device("g", "pool/image", "w,script=x");
    struct err err = ERR_INIT;
    char text[200] = "";
    FILE *f = fopen(path, "w");

    (void)state;
    fprintf(f, "#!/bin/sh\necho $1 $XENBUS_PATH $XENBUS_BASE_PATH "
            "$XENBUS_TYPE $script >>%s\n", out);
    fclose(f);
    assert_string_equal(dev.config->vbd.target, "pool/image");
    assert_int_equal(vbd_ops.prepare(&dev, &err), -ENOENT);
    assert_non_null(strstr(err.text, "the script /etc/xen/scripts/x"));
    strset(&dev.config->vbd.script, path);
    assert_int_equal(vbd_ops.prepare(&dev, &err), -EACCES);
    assert_int_equal(chmod(path, 0700), 0);
    assert_int_equal(vbd_ops.prepare(&dev, &err), 0);
    vbd_ops.nodes(&dev);
    assert_true(has("script", path));
    assert_true(has("params", "pool/image"));
    assert_false(has("physical-device", "0:0"));
    assert_int_equal(vbd_ops.plug(&dev, &err), 0);
    vbd_ops.release(&dev);
    device_config_free(TAKE_PTR(dev.config));
    vbd_ops.adopt(&dev);
    vbd_ops.unplug(&dev);
    f = fopen(out, "r");
    assert_true(fread(text, 1, sizeof(text) - 1, f) > 0);
    fclose(f);
    unlink(out);
    want = xasprintf("add backend/vbd/1/51712 backend vbd %1$s\n"
                     "remove backend/vbd/1/51712 backend vbd %1$s\n", path);
    assert_string_equal(text, want);
    drop(&dev);
}

/* Claim: "block", which other tools run by default, is what xend does. */
static void test_block(void **state)
{
    struct device dev = device("g", path, "w,script=/etc/xen/scripts/block");
    struct err err = ERR_INIT;

    (void)state;
    assert_int_equal(vbd_ops.prepare(&dev, &err), 0);
    assert_int_equal(opened, 1);
    assert_int_equal(vbd_ops.plug(&dev, &err), 0);
    vbd_ops.unplug(&dev);
    drop(&dev);
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_refused), TEST(test_claims), TEST(test_nodes),
        TEST(test_adopt), TEST(test_script), TEST(test_block),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
