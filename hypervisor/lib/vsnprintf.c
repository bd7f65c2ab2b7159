#include "lib/string.h"
#include "lib/types.h"

/* Counts all of the text, and keeps what fits. */
struct out {
    char *buf;
    size_t size, n;
};

static void put(struct out *o, char c)
{
    if (o->n + 1 < o->size)
        o->buf[o->n] = c;
    o->n++;
}

static void put_number(struct out *o, uint64_t v, unsigned int base, char pad,
                       unsigned int width)
{
    char digits[20];
    unsigned int n = 0;

    do
        digits[n++] = "0123456789abcdef"[v % base];
    while (v /= base);
    for (; width > n; width--)
        put(o, pad);
    while (n)
        put(o, digits[--n]);
}

static void put_string(struct out *o, const char *s)
{
    while (*s)
        put(o, *s++);
}

int vsnprintf(char *buf, size_t size, const char *fmt, va_list ap)
{
    struct out o = { buf, size, 0 };

    for (; *fmt; fmt++) {
        bool prefix, is_long;
        unsigned int width = 0;
        char pad;
        long v;

        if (*fmt != '%') {
            put(&o, *fmt);
            continue;
        }
        prefix = *++fmt == '#';
        fmt += prefix;
        pad = *fmt == '0' ? '0' : ' ';
        for (; *fmt >= '0' && *fmt <= '9'; fmt++)
            width = width * 10 + *fmt - '0';
        is_long = *fmt == 'l';
        fmt += is_long;
        switch (*fmt) {
        case 'd':
            v = is_long ? va_arg(ap, long) : va_arg(ap, int);
            if (v < 0)
                put(&o, '-');
            put_number(&o, v < 0 ? -(uint64_t)v : (uint64_t)v, 10, pad, width);
            break;
        case 'u':
        case 'x':
            v = is_long ? va_arg(ap, long) : va_arg(ap, unsigned int);
            if (prefix && v)
                put_string(&o, "0x");
            put_number(&o, v, *fmt == 'x' ? 16 : 10, pad, width);
            break;
        case 'c': put(&o, va_arg(ap, int)); break;
        case 's': put_string(&o, va_arg(ap, const char *)); break;
        default:  put(&o, *fmt); break;      /* the second % of two */
        }
    }
    if (size)
        buf[MIN(o.n, size - 1)] = '\0';
    return o.n;
}

int snprintf(char *buf, size_t size, const char *fmt, ...)
{
    va_list ap;
    int n;

    va_start(ap, fmt);
    n = vsnprintf(buf, size, fmt, ap);
    va_end(ap);
    return n;
}
