/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Scripts of the user's that set a device up in dom0, called as xl calls them:
 * they read the back end's nodes, and write hotplug-error when they fail.
 */
#include <errno.h>

#include "device/private.h"
#include "util/cleanup.h"
#include "util/run.h"

#define FOLDER         "/etc/xen/scripts"
#define SCRIPT_SECONDS 40       /* as long as xl waits */

char *device_script(const char *name, const char *builtin)
{
    const char *base = name ? strrchr(name, '/') : NULL;

    if (!name || !*name || streq(base ? base + 1 : name, builtin))
        return NULL;
    return *name == '/' ? xstrdup(name) : xasprintf(FOLDER "/%s", name);
}

int device_check_script(const struct device *dev, const char *path,
                        struct err *err)
{
    return access(path, X_OK) ?
           err_sys(err, -errno, "%s: cannot run the script %s", dev->name,
                   path) : 0;
}

int device_run_script(const struct device *dev, const char *path,
                      const char *const argv[], const char *const more[2],
                      struct err *err)
{
    _cleanup_free_ char *nodes = xasprintf("XENBUS_PATH=backend/%s/%u/%lld",
                                           dev->ops->type, dev->domid,
                                           (long long)dev->devid);
    _cleanup_free_ char *type = xasprintf("XENBUS_TYPE=%s", dev->ops->type);
    _cleanup_free_ char *script = xasprintf("script=%s", path);
    const char *const env[] = { nodes, "XENBUS_BASE_PATH=backend", type,
                                script, more[0], more[1], NULL };
    struct err why = ERR_INIT;
    int rc = run_program(argv, env, SCRIPT_SECONDS, &why);

    return rc ? err_set(err, rc, "%s: %s", dev->name, why.text) : 0;
}
