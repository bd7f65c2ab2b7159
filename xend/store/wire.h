/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The wire protocol's words: messages, paths, errors, rights (<xen/io/
 * xs_wire.h>).  Pure functions over byte strings that nobody vouches for.
 */
#ifndef XEND_STORE_WIRE_H
#define XEND_STORE_WIRE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <errno.h>              /* xs_wire.h lists errors if it comes first */
#include <xen/io/xs_wire.h>

#include "store/tree.h"

/* A permission is at most this long as text, its zero byte included. */
#define WIRE_PERM_MAX 8
#define WIRE_PERMS_MAX 256      /* entries in one message of dom0's */

/*
 * Is there a whole message in the first len bytes?  Its total size, 0 if more
 * bytes are needed, -EPROTO if its length breaks the protocol.
 */
int wire_size(const void *data, size_t len);

/* The protocol's name of a (positive) errno; "EINVAL" if it has none. */
const char *wire_error(int err);

/*
 * Up to max zero-terminated strings at the start of a payload; the rest, with
 * no string in it, goes to *ret_rest unless that is NULL.  Returns their
 * number, or -EINVAL: bytes are left over that nobody asked for.
 */
int wire_strings(char *payload, size_t len, char **ret_string,
                 unsigned int max, char **ret_rest);

/*
 * Make an absolute path of one as sent, in to (XENSTORE_ABS_PATH_MAX + 1
 * bytes); what does not begin with "/" or "@" belongs below the home of domid.
 * special says whether "@name" is allowed.  -EINVAL: not a path.
 */
int wire_path(const char *sent, unsigned int domid, bool special, char *to);

/* The home of a domain, and its length: "/local/domain/N". */
#define WIRE_HOME_MAX 32
size_t wire_home(unsigned int domid, char to[WIRE_HOME_MAX]);

/* A decimal number that fills the whole string.  -EINVAL. */
int wire_number(const char *s, uint64_t max, uint64_t *ret_value);

/* One permission as text: "n1", "b32".  -EINVAL. */
int wire_parse_perm(const char *s, struct perm *ret_perm);
size_t wire_format_perm(const struct perm *p, char to[WIRE_PERM_MAX]);

#endif
