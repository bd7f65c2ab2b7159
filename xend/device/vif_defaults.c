/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What interfaces have by default on this host: vif.default.* of xl.conf. */
#include <errno.h>

#include "config/xl.h"
#include "device/vif.h"
#include "util/buf.h"
#include "util/cleanup.h"
#include "util/log.h"

#define MAX_SIZE (256 * 1024)

static int read_text(const char *path, struct buf *text)
{
    _cleanup_fclose_ FILE *f = fopen(path, "re");
    ssize_t n;

    if (!f)
        return -errno;
    do
        n = buf_read(text, fileno(f), MAX_SIZE);
    while (n > 0 && text->len < MAX_SIZE);
    buf_adds(text, "");
    return n;
}

/* The last setting of a key counts, as in guests' files. */
static void take(const struct xl_settings *list, const char *key,
                 char **field)
{
    const char *found = NULL;

    for (unsigned int i = 0; i < list->nr; i++)
        if (streq(list->s[i].key, key) && list->s[i].value.kind == XL_STRING)
            found = list->s[i].value.text;
    if (found && *found && !*field)
        *field = xstrdup(found);
}

void vif_defaults(const char *path, struct vif_config *v)
{
    _cleanup_(xl_settings_fini) struct xl_settings list = { NULL, 0 };
    _cleanup_(buf_fini) struct buf text = BUF_INIT;
    struct config_report r = { 0 };
    struct config_source src = { .name = path };
    _cleanup_free_ char *backend = NULL;
    int rc = read_text(path, &text);

    if (rc == -ENOENT)
        return;
    if (rc < 0) {
        log_warn("%s is not used: %s", path, strerror(-rc));
        return;
    }
    src.text = text.data;
    if (xl_parse(&src, &r, &list)) {
        log_warn("%s; the file is not used", r.error);
    } else {
        take(&list, "vif.default.bridge", &v->bridge);
        take(&list, "vif.default.script", &v->script);
        take(&list, "vif.default.gatewaydev", &v->gatewaydev);
        take(&list, "vif.default.backend", &backend);
    }
    if (backend && !config_is_dom0(backend))
        log_warn("%s: vif.default.backend \"%s\" is not supported, ignored: "
                 "interfaces are served by domain 0", path, backend);
    config_report_fini(&r);
}
