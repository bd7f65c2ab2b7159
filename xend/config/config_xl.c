/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <ctype.h>
#include <errno.h>

#include "config/xl.h"
#include "util/buf.h"
#include "util/cleanup.h"

/* A list within a list within ... is refused beyond this depth. */
#define MAX_DEPTH 8
/* More settings than any file has; bounds the search for repeated keys. */
#define MAX_SETTINGS 2000

struct lexer {
    const char *p;
    const char *file;
    unsigned int line;
    struct config_report *r;
};

static void value_fini(struct xl_value *v)
{
    free(v->text);
    while (v->nr)
        value_fini(&v->item[--v->nr]);
    free(v->item);
    *v = (struct xl_value){ 0 };
}

void xl_settings_fini(struct xl_settings *list)
{
    while (list->nr) {
        struct xl_setting *s = &list->s[--list->nr];

        free(s->key);
        value_fini(&s->value);
    }
    free(list->s);
    list->s = NULL;
}

/* What the line has at p, shortened, for the reader to find the place. */
static int syntax_error(struct lexer *lx, const char *p, const char *what)
{
    size_t n = strcspn(p, "\n;");
    bool cut = n > 24;

    if (!*p || *p == '\n')
        return config_error(lx->r, "%s:%u: at the end of the line: %s",
                            lx->file, lx->line, what);
    return config_error(lx->r, "%s:%u: near \"%.*s%s\": %s", lx->file,
                        lx->line, cut ? 24 : (int)n, p, cut ? "..." : "", what);
}

/* Skip blanks and comments; newlines too where they mean nothing. */
static void skip(struct lexer *lx, bool newlines)
{
    for (;;) {
        if (*lx->p == '#')
            lx->p += strcspn(lx->p, "\n");
        else if (*lx->p == '\\' && lx->p[1] == '\n') {
            lx->p += 2;
            lx->line++;
        } else if (*lx->p == '\n' && newlines) {
            lx->p++;
            lx->line++;
        } else if (*lx->p == ' ' || *lx->p == '\t' || *lx->p == '\r')
            lx->p++;
        else
            return;
    }
}

static bool hex_digits(const char *p, unsigned int *ret)
{
    if (!isxdigit((unsigned char)p[0]) || !isxdigit((unsigned char)p[1]))
        return false;
    sscanf(p, "%2x", ret);
    return true;
}

/* The character after a backslash at p; returns where the text goes on. */
static const char *unescape(const char *p, char *ret)
{
    static const char from[] = "abfnrtv", to[] = "\a\b\f\n\r\t\v";
    unsigned int code = 0, digits;
    const char *hit;

    if (*p == 'x' && hex_digits(p + 1, &code)) {
        *ret = (char)code;
        return p + 3;
    }
    if (*p >= '0' && *p <= '7') {
        for (digits = 0; digits < 3 && *p >= '0' && *p <= '7'; digits++)
            code = code * 8 + (*p++ - '0');
        *ret = (char)code;
        return p;
    }
    hit = *p ? strchr(from, *p) : NULL;
    *ret = hit ? to[hit - from] : *p;
    return p + 1;
}

static int zero_byte(struct lexer *lx, const char *start, struct buf *b)
{
    buf_fini(b);
    return syntax_error(lx, start, "the string has a zero byte");
}

static int lex_string(struct lexer *lx, char **ret)
{
    const char *start = lx->p, *p = start + 1;
    char quote = *start;
    struct buf b = BUF_INIT;

    buf_adds(&b, "");
    while (*p && *p != quote && *p != '\n') {
        char ch = *p++;

        if (ch == '\\' && *p && *p != '\n')
            p = unescape(p, &ch);
        if (!ch)
            return zero_byte(lx, start, &b);
        buf_add(&b, &ch, 1);
    }
    if (*p != quote) {
        buf_fini(&b);
        return syntax_error(lx, start, "the string does not end on its line; "
                            "close it with the quote it began with");
    }
    lx->p = p + 1;
    *ret = buf_steal(&b);
    return 0;
}

static int lex_number(struct lexer *lx, char **ret)
{
    size_t n = strspn(lx->p, "-0123456789abcdefxABCDEFX");
    _cleanup_free_ char *text = xstrndup(lx->p, n);
    char *end;

    errno = 0;
    (void)strtoll(text, &end, 0);
    if (errno || *end || isalnum((unsigned char)lx->p[n]) || lx->p[n] == '_')
        return syntax_error(lx, lx->p, "not a number; text goes in quotes");
    lx->p += n;
    *ret = TAKE_PTR(text);
    return 0;
}

static int parse_value(struct lexer *lx, unsigned int depth,
                       struct xl_value *v);

static int parse_list(struct lexer *lx, unsigned int depth, struct xl_value *v)
{
    int rc;

    v->kind = XL_LIST;
    if (depth >= MAX_DEPTH)
        return syntax_error(lx, lx->p, "lists are nested too deeply");
    lx->p++;
    for (;;) {
        skip(lx, true);
        if (*lx->p == ']')
            break;
        v->item = xrealloc(v->item, (v->nr + 1) * sizeof(*v->item));
        v->item[v->nr++] = (struct xl_value){ 0 };
        rc = parse_value(lx, depth + 1, &v->item[v->nr - 1]);
        if (rc)
            return rc;
        skip(lx, true);
        if (*lx->p == ',')
            lx->p++;
        else if (*lx->p != ']')
            return syntax_error(lx, lx->p, "expected , or ] in the list");
    }
    lx->p++;
    return 0;
}

static int parse_value(struct lexer *lx, unsigned int depth,
                       struct xl_value *v)
{
    if (*lx->p == '\'' || *lx->p == '"') {
        v->kind = XL_STRING;
        return lex_string(lx, &v->text);
    }
    if (*lx->p == '[')
        return parse_list(lx, depth, v);
    if (isdigit((unsigned char)*lx->p) || *lx->p == '-') {
        v->kind = XL_NUMBER;
        return lex_number(lx, &v->text);
    }
    return syntax_error(lx, lx->p, isalpha((unsigned char)*lx->p) ?
                        "a bare word; put text in quotes" :
                        "expected a \"string\", a number or a [list]");
}

static int parse_setting(struct lexer *lx, struct xl_setting *s)
{
    size_t n = strspn(lx->p, "abcdefghijklmnopqrstuvwxyz0123456789_.");
    int rc;

    if (!islower((unsigned char)*lx->p))
        return syntax_error(lx, lx->p, "expected KEY = VALUE; keys begin with "
                            "a lower-case letter");
    s->key = xstrndup(lx->p, n);
    s->line = lx->line;
    s->file = lx->file;
    lx->p += n;
    skip(lx, false);
    s->append = lx->p[0] == '+' && lx->p[1] == '=';
    if (!s->append && *lx->p != '=')
        return syntax_error(lx, lx->p, "expected = after the key");
    lx->p += s->append ? 2 : 1;
    skip(lx, false);
    rc = parse_value(lx, 0, &s->value);
    if (rc)
        return rc;
    skip(lx, false);
    if (*lx->p && *lx->p != '\n' && *lx->p != ';')
        return syntax_error(lx, lx->p, "expected the end of the line or ; "
                            "after the value");
    return 0;
}

int xl_parse(const struct config_source *src, struct config_report *r,
             struct xl_settings *list)
{
    struct lexer lx = { src->text, src->name, 1, r };
    int rc;

    for (;;) {
        skip(&lx, true);
        if (*lx.p == ';') {
            lx.p++;
            continue;
        }
        if (!*lx.p)
            return 0;
        if (list->nr >= MAX_SETTINGS)
            return syntax_error(&lx, lx.p, "too many settings");
        list->s = xrealloc(list->s, (list->nr + 1) * sizeof(*list->s));
        list->s[list->nr++] = (struct xl_setting){ 0 };
        rc = parse_setting(&lx, &list->s[list->nr - 1]);
        if (rc)
            return rc;
    }
}

bool xl_value_append(struct xl_value *value, struct xl_value *from)
{
    if (value->kind == XL_LIST && from->kind == XL_LIST) {
        value->item = xrealloc(value->item, (value->nr + from->nr) *
                               sizeof(*value->item));
        for (unsigned int i = 0; i < from->nr; i++)
            value->item[value->nr++] = from->item[i];
        from->nr = 0;           /* the items have moved */
        return true;
    }
    if (value->kind == XL_STRING && from->kind == XL_STRING) {
        char *text = xasprintf("%s%s", value->text, from->text);

        free(value->text);
        value->text = text;
        return true;
    }
    return false;
}

bool xl_value_number(const struct xl_value *value, int64_t *ret)
{
    char *end;
    long long n;

    if (value->kind == XL_LIST || !*value->text)
        return false;
    errno = 0;
    n = strtoll(value->text, &end, 0);
    if (errno || *end)
        return false;
    *ret = n;
    return true;
}
