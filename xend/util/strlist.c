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

void strlist_copy(struct strlist *to, const struct strlist *from)
{
    *to = (struct strlist){ 0, 0 };
    for (unsigned int i = 0; i < from->nr; i++)
        strlist_add(to, from->item[i]);
}
