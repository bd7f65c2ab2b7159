/*
 * Formatting.  The text goes to a struct out, which counts all of it and
 * keeps what fits.
 */
#include "lib/vsnprintf.h"
#include "lib/string.h"

struct out {
    char *buf;
    size_t size, n;
};

struct spec {
    bool left, plus, space, zero, alt, upper;
    int width, precision;            /* precision -1: none */
};

static void put(struct out *o, char c)
{
    if (o->n + 1 < o->size)
        o->buf[o->n] = c;
    o->n++;
}

static void pad(struct out *o, char c, int n)
{
    while (n-- > 0)
        put(o, c);
}

static void put_string(struct out *o, const struct spec *s, const char *str,
                       int len)
{
    if (!s->left)
        pad(o, ' ', s->width - len);
    for (int i = 0; i < len; i++)
        put(o, str[i]);
    if (s->left)
        pad(o, ' ', s->width - len);
}

static void put_number(struct out *o, const struct spec *s, uint64_t v,
                       unsigned int base, char sign)
{
    const char *digits = s->upper ? "0123456789ABCDEF" : "0123456789abcdef";
    char tmp[24], prefix[4];
    int nr_digits = 0, nr_prefix = 0, zeros;

    if (sign)
        prefix[nr_prefix++] = sign;
    if (s->alt && base == 16 && v) {
        prefix[nr_prefix++] = '0';
        prefix[nr_prefix++] = s->upper ? 'X' : 'x';
    }
    for (; v; v /= base)
        tmp[nr_digits++] = digits[v % base];
    zeros = (s->precision < 0 ? 1 : s->precision) - nr_digits;
    if (s->zero && !s->left && s->precision < 0)
        zeros = MAX(zeros, s->width - nr_prefix - nr_digits);
    zeros = MAX(zeros, 0);
    if (!s->left)
        pad(o, ' ', s->width - nr_prefix - zeros - nr_digits);
    for (int i = 0; i < nr_prefix; i++)
        put(o, prefix[i]);
    pad(o, '0', zeros);
    for (int i = nr_digits; i > 0; i--)
        put(o, tmp[i - 1]);
    if (s->left)
        pad(o, ' ', s->width - nr_prefix - zeros - nr_digits);
}

static const char *parse_flags(const char *fmt, struct spec *s)
{
    for (;; fmt++) {
        switch (*fmt) {
        case '-': s->left = true; break;
        case '+': s->plus = true; break;
        case ' ': s->space = true; break;
        case '0': s->zero = true; break;
        case '#': s->alt = true; break;
        default: return fmt;
        }
    }
}

static const char *parse_count(const char *fmt, int *ret_n)
{
    int n = 0;

    for (; *fmt >= '0' && *fmt <= '9'; fmt++)
        n = MIN(n * 10 + (*fmt - '0'), 4096);
    *ret_n = n;
    return fmt;
}

/* The length modifier as the size of the argument in bytes. */
static const char *parse_length(const char *fmt, unsigned int *ret_bytes)
{
    *ret_bytes = sizeof(int);
    if (*fmt == 'h') {
        *ret_bytes = *++fmt == 'h' ? 1 : 2;
        return fmt + (*fmt == 'h');
    }
    if (*fmt == 'l' || *fmt == 'z' || *fmt == 'j' || *fmt == 't') {
        *ret_bytes = sizeof(long);
        return fmt + 1 + (fmt[0] == 'l' && fmt[1] == 'l');
    }
    return fmt;
}

static void put_signed(struct out *o, const struct spec *s, int64_t v)
{
    char sign = v < 0 ? '-' : s->plus ? '+' : s->space ? ' ' : '\0';

    put_number(o, s, v < 0 ? -(uint64_t)v : (uint64_t)v, 10, sign);
}

/* The argument of an integer conversion, cut to its length. */
#define ARG_SIGNED(ap, bytes)                                        \
    ((bytes) == 8 ? va_arg(ap, int64_t) :                            \
     (bytes) == 4 ? (int64_t)va_arg(ap, int) :                       \
     (bytes) == 2 ? (int64_t)(int16_t)va_arg(ap, int) :              \
                    (int64_t)(int8_t)va_arg(ap, int))
#define ARG_UNSIGNED(ap, bytes)                                      \
    ((bytes) == 8 ? va_arg(ap, uint64_t) :                           \
     (bytes) == 4 ? (uint64_t)va_arg(ap, unsigned int) :             \
     (bytes) == 2 ? (uint64_t)(uint16_t)va_arg(ap, unsigned int) :   \
                    (uint64_t)(uint8_t)va_arg(ap, unsigned int))

int vsnprintf(char *buf, size_t size, const char *fmt, va_list ap)
{
    struct out o = { buf, size, 0 };

    for (; *fmt; fmt++) {
        struct spec s = { .precision = -1 };
        const char *str, *start = fmt;
        unsigned int bytes;
        char c;

        if (*fmt != '%') {
            put(&o, *fmt);
            continue;
        }
        fmt = parse_flags(fmt + 1, &s);
        if (*fmt == '*') {
            s.width = va_arg(ap, int);
            s.left |= s.width < 0;
            s.width = s.width < 0 ? -s.width : s.width;
            fmt++;
        } else {
            fmt = parse_count(fmt, &s.width);
        }
        if (*fmt == '.' && fmt[1] == '*') {
            s.precision = va_arg(ap, int);
            fmt += 2;
        } else if (*fmt == '.') {
            fmt = parse_count(fmt + 1, &s.precision);
        }
        fmt = parse_length(fmt, &bytes);
        s.upper = *fmt == 'X';
        switch (*fmt) {
        case 'd':
        case 'i': put_signed(&o, &s, ARG_SIGNED(ap, bytes)); break;
        case 'u': put_number(&o, &s, ARG_UNSIGNED(ap, bytes), 10, 0); break;
        case 'o': put_number(&o, &s, ARG_UNSIGNED(ap, bytes), 8, 0); break;
        case 'x':
        case 'X': put_number(&o, &s, ARG_UNSIGNED(ap, bytes), 16, 0); break;
        case 'p':
            s.precision = 16;
            put_number(&o, &s, va_arg(ap, uint64_t), 16, 0);
            break;
        case 'c':
            c = va_arg(ap, int);
            put_string(&o, &s, &c, 1);
            break;
        case 's':
            str = va_arg(ap, const char *);
            str = str ? str : "(null)";
            put_string(&o, &s, str, strnlen(str, s.precision < 0 ? 4096 :
                                                 (size_t)s.precision));
            break;
        case '%': put(&o, '%'); break;
        default:                    /* show what we do not know */
            while (start < fmt)
                put(&o, *start++);
            fmt--;
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
