/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What xend has in the store for its domains, a node a line: names, and values
 * only where they say how far a device is.  Few requests, since each of them
 * takes its time on an emulated machine; xenstore-ls has all.
 */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <xenstore.h>

static struct xs_handle *xs;

static bool tells(const char *name)
{
    static const char *const names[] = {
        "state", "online", "hotplug-status", "mac", "params",
    };

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        if (!strcmp(name, names[i]))
            return true;
    return false;
}

/* All that lies below path, so many levels deep. */
static void show(const char *path, unsigned int levels)
{
    unsigned int nr = 0;
    char **names = xs_directory(xs, XBT_NULL, path, &nr);

    for (unsigned int i = 0; i < nr; i++) {
        char child[512], *value = NULL;

        snprintf(child, sizeof(child), "%s/%s", path, names[i]);
        if (levels == 1 && tells(names[i]))
            value = xs_read(xs, XBT_NULL, child, NULL);
        printf("%s%s%s\n", child, value ? " = " : "", value ? value : "");
        free(value);
        if (levels > 1)
            show(child, levels - 1);
    }
    free(names);
}

int main(void)
{
    unsigned int nr = 0;
    char **ids;

    xs = xs_open(0);
    if (!xs) {
        perror("xenstore");
        return 1;
    }
    show("/local/domain", 1);
    show("/local/domain/0/backend", 4);
    show("/local/domain/0/error", 4);
    show("/vm", 2);
    ids = xs_directory(xs, XBT_NULL, "/local/domain", &nr);
    for (unsigned int i = 0; i < nr; i++) {
        char path[64];

        snprintf(path, sizeof(path), "/local/domain/%s/device", ids[i]);
        if (strcmp(ids[i], "0"))
            show(path, 3);
    }
    free(ids);
    xs_close(xs);
    return 0;
}
