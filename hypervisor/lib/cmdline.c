#include "lib/cmdline.h"
#include "lib/env.h"
#include "lib/string.h"

static int digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : 16;
}

bool parse_number(const char *s, const char **ret_end, uint64_t *ret_n)
{
    int base = s[0] == '0' && (s[1] | 0x20) == 'x' && digit(s[2]) < 16 ? 16
                                                                       : 10;
    uint64_t n = 0;

    s += base == 16 ? 2 : 0;
    if (digit(*s) >= base)
        return false;
    for (; digit(*s) < base; s++)
        if (__builtin_mul_overflow(n, base, &n) ||
            __builtin_add_overflow(n, digit(*s), &n))
            return false;
    *ret_end = s;
    *ret_n = n;
    return true;
}

bool parse_size(const char *s, const char **ret_end, uint64_t *ret_bytes)
{
    static const char units[] = "BKMGT";
    unsigned int shift = 10;
    uint64_t n;

    if (!parse_number(s, &s, &n))
        return false;
    for (unsigned int i = 0; i < 5; i++) {
        if ((*s & ~0x20) == units[i]) {
            shift = i * 10;
            s++;
            break;
        }
    }
    if (n << shift >> shift != n)
        return false;
    *ret_end = s;
    *ret_bytes = n << shift;
    return true;
}

/* The place of s in a list that NULL ends; -1. */
static int word_index(const char *s, const char *const *words)
{
    for (int i = 0; words[i]; i++)
        if (!strcmp(s, words[i]))
            return i;
    return -1;
}

/* val NULL: the bare name was given. */
static bool set_option(const struct boot_option *o, const char *val)
{
    static const char *const off_on[] = {
        "off", "on", "no", "yes", "false", "true", "0", "1", "disable",
        "enable", NULL
    };
    const char *end;
    uint64_t n;
    int i;

    switch (o->type) {
    case OPT_FLAG:
        i = val ? word_index(val, off_on) : 1;
        if (i >= 0)
            *(int *)o->var = i & 1;
        return i >= 0;
    case OPT_WORD:
        i = val ? word_index(val, o->words) : -1;
        if (i >= 0)
            *(int *)o->var = i;
        return i >= 0;
    case OPT_UINT:
        if (!val || !parse_number(val, &end, &n) || *end || n > UINT32_MAX)
            return false;
        *(unsigned int *)o->var = n;
        return true;
    case OPT_STRING:
        strlcpy(o->var, val ? val : "", o->size);
        return true;
    }
    return false;
}

static bool set_word(const char *word, const struct boot_option *opts,
                     size_t nr)
{
    size_t len = 0;

    while (word[len] && word[len] != '=')
        len++;
    for (const struct boot_option *o = opts; o < opts + nr; o++) {
        if (!strncmp(word, o->name, len) && !o->name[len])
            return set_option(o, word[len] ? word + len + 1 : NULL);
        if (o->type == OPT_FLAG && !strncmp(word, "no-", 3) &&
            !strcmp(word + 3, o->name))
            return set_option(o, "off");
    }
    return false;
}

void cmdline_parse(const char *cmdline, const struct boot_option *opts,
                   size_t nr)
{
    char word[256];
    size_t n = 0;

    for (;; cmdline++) {
        if (*cmdline && *cmdline != ' ' && *cmdline != '\t') {
            if (n + 1 < sizeof(word))
                word[n++] = *cmdline;
            continue;
        }
        word[n] = '\0';
        if (n && !set_word(word, opts, nr))
            printk(LOG_WARN, "Boot option not known or not valid: %s\n", word);
        n = 0;
        if (!*cmdline)
            return;
    }
}

bool cmdline_has(const char *cmdline, const char *name)
{
    size_t n = strlen(name);

    for (const char *s = cmdline; *s; s++)
        if ((s == cmdline || s[-1] == ' ') && !strncmp(s, name, n) &&
            (!s[n] || s[n] == ' ' || s[n] == '='))
            return true;
    return false;
}
