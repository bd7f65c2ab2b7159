/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stdio.h>
#include <string.h>

#include "store/wire.h"

int wire_size(const void *data, size_t len)
{
    struct xsd_sockmsg msg;

    if (len < sizeof(msg))
        return 0;
    memcpy(&msg, data, sizeof(msg));
    if (msg.len > XENSTORE_PAYLOAD_MAX)
        return -EPROTO;
    return len >= sizeof(msg) + msg.len ? (int)(sizeof(msg) + msg.len) : 0;
}

const char *wire_error(int err)
{
    size_t nr = sizeof(xsd_errors) / sizeof(xsd_errors[0]);

    for (size_t i = 0; i < nr; i++)
        if (xsd_errors[i].errnum == err)
            return xsd_errors[i].errstring;
    return "EINVAL";
}

int wire_strings(char *payload, size_t len, char **ret_string,
                 unsigned int max, char **ret_rest)
{
    char *p = payload, *end = payload + len, *zero;
    unsigned int n = 0;

    while (n < max && p < end && (zero = memchr(p, 0, end - p))) {
        ret_string[n++] = p;
        p = zero + 1;
    }
    if (ret_rest)
        *ret_rest = p;
    else if (p != end)
        return -EINVAL;
    return n;
}

static bool valid_char(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
           (c >= '0' && c <= '9') || c == '-' || c == '/' || c == '_' ||
           c == '@';
}

size_t wire_home(unsigned int domid, char to[WIRE_HOME_MAX])
{
    return snprintf(to, WIRE_HOME_MAX, "/local/domain/%u", domid);
}

int wire_path(const char *sent, unsigned int domid, bool special, char *to)
{
    size_t len = strlen(sent), at = 0;

    if (*sent == '@' && !special)
        return -EINVAL;
    if (*sent != '/' && *sent != '@') {
        if (!len || len > XENSTORE_REL_PATH_MAX)
            return -EINVAL;
        at = wire_home(domid, to);
        to[at++] = '/';
    }
    if (at + len > XENSTORE_ABS_PATH_MAX)
        return -EINVAL;
    memcpy(to + at, sent, len + 1);
    len += at;
    for (size_t i = 0; i < len; i++)
        if (!valid_char(to[i]) || (to[i] == '/' && to[i + 1] == '/'))
            return -EINVAL;
    return len > 1 && to[len - 1] == '/' ? -EINVAL : 0;
}

int wire_number(const char *s, uint64_t max, uint64_t *ret_value)
{
    uint64_t v = 0;

    if (!*s)
        return -EINVAL;
    for (; *s; s++) {
        unsigned int digit = (unsigned char)*s - '0';

        if (digit > 9 || v > max / 10 || max - v * 10 < digit)
            return -EINVAL;
        v = v * 10 + digit;
    }
    *ret_value = v;
    return 0;
}

int wire_parse_perm(const char *s, struct perm *ret_perm)
{
    static const char letters[] = "nrwb";
    const char *letter = *s ? strchr(letters, *s) : NULL;
    uint64_t domid;

    if (!letter || wire_number(s + 1, UINT16_MAX, &domid))
        return -EINVAL;
    ret_perm->domid = domid;
    ret_perm->access = letter - letters;    /* n, r, w, b = 0, 1, 2, 3 */
    return 0;
}

size_t wire_format_perm(const struct perm *p, char to[WIRE_PERM_MAX])
{
    return snprintf(to, WIRE_PERM_MAX, "%c%u", "nrwb"[p->access & 3],
                    p->domid) + 1;
}
