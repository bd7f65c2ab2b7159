/*
 * What -fsanitize=undefined calls (gcc's and clang's runtime interface).  Each
 * report begins with the place; what it says further is not decoded.
 */
#include "lib/env.h"

struct source_location {
    const char *file;
    uint32_t line, column;
};

static void report(const char *what, const struct source_location *at)
{
    printk(LOG_ERR, "UBSan: %s at %s:%u:%u\n", what, at->file, at->line,
           at->column);
}

/* Some reports take one or two operands behind the data, which are unused. */
#define HANDLER(name, what)                                            \
    void __ubsan_handle_##name(const struct source_location *data);    \
    void __ubsan_handle_##name(const struct source_location *data)     \
    {                                                                  \
        report(what, data);                                            \
    }

HANDLER(add_overflow, "addition overflows")
HANDLER(sub_overflow, "subtraction overflows")
HANDLER(mul_overflow, "multiplication overflows")
HANDLER(divrem_overflow, "division by zero or overflow")
HANDLER(negate_overflow, "negation overflows")
HANDLER(pointer_overflow, "pointer arithmetic overflows")
HANDLER(shift_out_of_bounds, "shift out of bounds")
HANDLER(out_of_bounds, "index out of bounds")
HANDLER(load_invalid_value, "value not of its type")
HANDLER(vla_bound_not_positive, "array of no size")
HANDLER(nonnull_arg, "NULL argument")
HANDLER(type_mismatch_v1, "NULL or misaligned object")
HANDLER(builtin_unreachable, "unreachable code reached")
HANDLER(missing_return, "function without return value")
HANDLER(invalid_builtin, "builtin with a wrong argument")
