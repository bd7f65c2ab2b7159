/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "xl.h"

struct json_object *params_of(const char *name, const char *value)
{
    struct json_object *o = json_object_new_object();

    add_str(o, name, value);
    return o;
}

void add_str(struct json_object *o, const char *name, const char *value)
{
    json_object_object_add(o, name, json_object_new_string(value));
}

void add_int(struct json_object *o, const char *name, int64_t value)
{
    json_object_object_add(o, name, json_object_new_int64(value));
}

void add_bool(struct json_object *o, const char *name, bool value)
{
    json_object_object_add(o, name, json_object_new_boolean(value));
}

void add_words(struct json_object *o, const char *name, char **argv, int nr)
{
    struct json_object *list = json_object_new_array();

    for (int i = 0; i < nr; i++)
        json_object_array_add(list, json_object_new_string(argv[i]));
    json_object_object_add(o, name, list);
}

static struct json_object *member(struct json_object *o, const char *name)
{
    return json_object_is_type(o, json_type_object) ?
           json_object_object_get(o, name) : NULL;
}

const char *get_str(struct json_object *o, const char *name)
{
    struct json_object *v = member(o, name);

    return json_object_is_type(v, json_type_string) ?
           json_object_get_string(v) : "";
}

int64_t get_int(struct json_object *o, const char *name)
{
    return json_object_get_int64(member(o, name));
}

bool get_bool(struct json_object *o, const char *name)
{
    return json_object_get_boolean(member(o, name));
}

struct json_object *get_list(struct json_object *o, const char *name,
                             size_t *ret_nr)
{
    struct json_object *v = member(o, name);

    *ret_nr = json_object_is_type(v, json_type_array) ?
              json_object_array_length(v) : 0;
    return v;
}

void print_json(struct json_object *o)
{
    puts(json_object_to_json_string_ext(o, JSON_C_TO_STRING_PRETTY |
                                        JSON_C_TO_STRING_SPACED |
                                        JSON_C_TO_STRING_NOSLASHESCAPE));
}

bool has_crashed(struct json_object *domain)
{
    const char *reason = get_str(domain, "reason");

    return get_bool(domain, "shutdown") &&
           (!strcmp(reason, "crash") || !strcmp(reason, "watchdog"));
}

/* Callers know only these combinations. */
void state_letters(struct json_object *domain, char letters[7])
{
    const char *reason = get_str(domain, "reason");

    strcpy(letters, "------");
    if (get_bool(domain, "shutdown")) {
        letters[3] = 's';
        if (!strcmp(reason, "reboot"))
            letters[4] = 'r';
        else if (!strcmp(reason, "suspend"))
            letters[4] = 's';
        else if (has_crashed(domain))
            letters[4] = 'c';
        if (get_bool(domain, "dying"))
            strcpy(letters, letters[4] == '-' ? "---s-d" : "-----d");
        return;
    }
    if (get_bool(domain, "dying")) {
        letters[5] = 'd';
        return;
    }
    if (get_bool(domain, "running"))
        letters[0] = 'r';
    if (get_bool(domain, "blocked"))
        letters[1] = 'b';
    if (get_bool(domain, "paused"))
        letters[2] = 'p';
}

void format_uptime(int64_t seconds, char text[40])
{
    int days = seconds / 86400, h = seconds / 3600 % 24;
    int m = seconds / 60 % 60, s = seconds % 60;

    if (days)
        snprintf(text, 40, "%d day%s, %2d:%02d:%02d", days,
                 days > 1 ? "s" : "", h, m, s);
    else
        snprintf(text, 40, "%2d:%02d:%02d", h, m, s);
}

int64_t parse_size(const char *text)
{
    char *end;
    long long n;

    errno = 0;
    n = strtoll(text, &end, 0);
    if (errno || end == text || n < 0 || n > INT64_MAX >> 34 ||
        (*end && end[1]))
        return -1;
    switch (tolower((unsigned char)*end)) {
    case 'b': return n / 1024;
    case 'k': return n;
    case 0:
    case 'm': return n << 10;
    case 'g': return n << 20;
    case 't': return n << 30;
    default: return -1;
    }
}

bool parse_number(const char *text, int64_t min, int64_t max, int64_t *ret)
{
    char *end;
    long long n;

    errno = 0;
    n = strtoll(text, &end, 10);
    if (errno || end == text || *end || n < min || n > max)
        return false;
    *ret = n;
    return true;
}
