/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "util/cleanup.h"
#include "util/strlist.h"

void strlist_add(struct strlist *l, const char *s)
{
    l->item = xrealloc(l->item, (l->nr + 1) * sizeof(*l->item));
    l->item[l->nr++] = xstrdup(s);
}

void strlist_fini(struct strlist *l)
{
    while (l->nr)
        free(l->item[--l->nr]);
    free(l->item);
    l->item = NULL;
}
