#include "lib/cmdline.h"
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

/* "on", "yes", "true", "1", "enable" and their opposites. */
static bool parse_bool(const char *s, bool *ret)
{
    static const char *const on[] = { "on", "yes", "true", "1", "enable" };
    static const char *const off[] = { "off", "no", "false", "0", "disable" };

    for (unsigned int i = 0; i < ARRAY_SIZE(on); i++) {
        if (!strcmp(s, on[i]) || !strcmp(s, off[i])) {
            *ret = !strcmp(s, on[i]);
            return true;
        }
    }
    return false;
}

/* val NULL: the bare name was given. */
static bool set_option(const struct boot_option *o, const char *val)
{
    const char *end;
    uint64_t n;
    bool b = true;

    switch (o->type) {
    case OPT_BOOL:
    case OPT_TRISTATE:
        if (val && !parse_bool(val, &b))
            return false;
        if (o->type == OPT_BOOL)
            *(bool *)o->var = b;
        else
            *(int *)o->var = b;
        return true;
    case OPT_UINT:
        if (!val || !parse_number(val, &end, &n) || *end || n > UINT32_MAX)
            return false;
        *(unsigned int *)o->var = n;
        return true;
    case OPT_SIZE:
        if (!val || !parse_size(val, &end, &n) || *end)
            return false;
        *(uint64_t *)o->var = n;
        return true;
    case OPT_STRING:
        strlcpy(o->var, val ? val : "", o->size);
        return true;
    }
    return false;
}

static bool set_word(char *word, const struct boot_option *opts, size_t nr)
{
    char *val = strchr(word, '=');

    if (val)
        *val++ = '\0';
    for (size_t i = 0; i < nr; i++) {
        const struct boot_option *o = &opts[i];
        bool is_bool = o->type == OPT_BOOL || o->type == OPT_TRISTATE;

        if (!strcmp(word, o->name))
            return set_option(o, val);
        if (is_bool && !val && !strncmp(word, "no-", 3) &&
            !strcmp(word + 3, o->name))
            return set_option(o, "off");
    }
    return false;
}

void cmdline_parse(const char *cmdline, const struct boot_option *opts,
                   size_t nr, void (*complain)(const char *word))
{
    char word[256], original[256];

    while (*cmdline) {
        size_t n = 0;

        while (*cmdline == ' ' || *cmdline == '\t')
            cmdline++;
        for (; *cmdline && *cmdline != ' ' && *cmdline != '\t'; cmdline++)
            if (n + 1 < sizeof(word))
                word[n++] = *cmdline;
        if (!n)
            break;
        word[n] = '\0';
        strlcpy(original, word, sizeof(original));
        if (!set_word(word, opts, nr))
            complain(original);
    }
}
