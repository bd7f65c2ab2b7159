/* A kind of device whose operations only note that they were called, and what
 * else of the host devices ask. */
#ifndef FAKE_DEVICE_OPS_H
#define FAKE_DEVICE_OPS_H

#include <semaphore.h>
#include <string.h>

#include "device/hostnet.h"
#include "device/hostnet_guard.h"
#include "device/private.h"

static char calls[200];         /* of the operations, a letter each */
static int prepare_rc, plug_rc;
static bool slow_release;       /* until go_on */
static sem_t go_on;

static int op_prepare(struct device *dev, struct err *err)
{
    strcat(calls, "p");
    return prepare_rc ? err_set(err, prepare_rc, "%s: no", dev->name) : 0;
}

static void op_nodes(struct device *dev)
{
    strcat(calls, "n");
    device_put_back(dev, "params", "%s", "x");
}

static int op_plug(struct device *dev, struct err *err)
{
    strcat(calls, "P");
    return plug_rc ? err_set(err, plug_rc, "%s: no", dev->name) : 0;
}

static void op_plugged(struct device *dev)
{
    strcat(calls, "N");
    device_put_back(dev, "plugged", "%d", 1);
}

static void op_unplug(struct device *dev)
{
    (void)dev;
    strcat(calls, "u");
}

static void op_release(struct device *dev)
{
    (void)dev;
    if (slow_release)
        sem_wait(&go_on);
    strcat(calls, "r");
}

static void op_adopt(struct device *dev)
{
    strcat(calls, dev->config ? "a" : "A");
}

const struct device_ops vbd_ops = {
    .kind = DEVICE_VBD, .type = "vbd", .prepare = op_prepare,
    .nodes = op_nodes, .plug = op_plug, .plugged = op_plugged,
    .unplug = op_unplug, .release = op_release, .adopt = op_adopt,
};

const struct device_ops vif_ops = { .kind = DEVICE_VIF, .type = "vif",
                                    .nodes = op_nodes };

/* The host has no network of its own. */
int hostnet_resume(const char *run_dir, struct err *err)
{
    (void)run_dir, (void)err;
    return 0;
}

void hostnet_guard_look(struct hostnet_guard *g)
{
    (void)g;
}

void hostnet_sweep(const char *run_dir,
                   bool (*keep)(void *ctx, const char *mac), void *ctx)
{
    (void)run_dir, (void)keep, (void)ctx;
}

#endif
