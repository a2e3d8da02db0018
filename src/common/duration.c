#include "common/duration.h"

#include <errno.h>
#include <math.h>

struct unit {
    const char *name;
    int64_t size;
};

static const struct unit duration_units[] = {
    {"weeks", NS_PER_WEEK}, {"days", NS_PER_DAY}, {"hrs", NS_PER_HOUR}, {"mins", NS_PER_MIN},
    {"secs", NS_PER_SEC},   {"ms", NS_PER_MS},    {"us", NS_PER_US},    {"ns", 1},
};

static const struct unit bytes_units[] = {
    {"TB", INT64_C(1) << 40},
    {"GB", INT64_C(1) << 30},
    {"MB", INT64_C(1) << 20},
    {"KB", INT64_C(1) << 10},
    {"B", 1},
};

int64_t time_add_ns(int64_t a_ns, int64_t b_ns)
{
    int64_t sum;
    if (__builtin_add_overflow(a_ns, b_ns, &sum)) {
        return b_ns > 0 ? INT64_MAX : INT64_MIN;
    }
    return sum;
}

/* 2^63 as a double; int64 ends just below. */
#define INT64_LIMIT 9223372036854775808.0

static int64_t clamp_to_int64(double value)
{
    if (value >= INT64_LIMIT) {
        return INT64_MAX;
    }
    if (value <= -INT64_LIMIT) {
        return INT64_MIN;
    }
    return (int64_t)value;
}

bool duration_from_secs(double secs, int64_t *ret_ns)
{
    if (isnan(secs)) {
        return false;
    }
    *ret_ns = clamp_to_int64(secs * (double)NS_PER_SEC);
    return true;
}

/* "<number><unit>", the number whole or with a fraction. */
static bool parse_with_unit(struct slice text, const struct unit *units, size_t count,
                            int64_t *ret_value)
{
    size_t digits = 0;
    while (digits < text.size && memchr("0123456789.+-", text.data[digits], 13) != NULL) {
        digits++;
    }
    struct slice unit = slice_skip(text, digits);
    text.size = digits;
    for (size_t i = 0; i < count; i++) {
        if (!slice_is(unit, units[i].name)) {
            continue;
        }
        int64_t whole;
        int64_t value;
        if (slice_parse_int64(text, &whole)) {
            if (__builtin_mul_overflow(whole, units[i].size, &value)) {
                return false;
            }
            *ret_value = value;
            return true;
        }
        double number;
        if (!slice_parse_double(text, &number) ||
            fabs(number * (double)units[i].size) >= INT64_LIMIT) {
            return false;
        }
        *ret_value = (int64_t)(number * (double)units[i].size);
        return true;
    }
    return false;
}

static void format_with_unit(int64_t value, const struct unit *units, size_t count, struct buf *out)
{
    size_t i = 0;
    while (i + 1 < count && (value == 0 || value % units[i].size != 0)) {
        i++;
    }
    buf_append_int64(out, value / units[i].size);
    buf_append_text(out, units[i].name);
}

int duration_parse(struct slice text, int64_t *ret_ns, struct err *err)
{
    if (!parse_with_unit(text, duration_units, ELEMENTS(duration_units), ret_ns)) {
        return err_set(err, -EINVAL,
                       "'%.*s' is not a duration: a number and one of ns, us, ms, secs, mins, hrs, "
                       "days, weeks is expected",
                       (int)MIN(text.size, (size_t)80), text.data);
    }
    return 0;
}

void duration_format(int64_t ns, struct buf *out)
{
    format_with_unit(ns, duration_units, ELEMENTS(duration_units), out);
}

int bytes_parse(struct slice text, int64_t *ret_bytes, struct err *err)
{
    int64_t bytes;
    if (!parse_with_unit(text, bytes_units, ELEMENTS(bytes_units), &bytes) || bytes < 0) {
        return err_set(err, -EINVAL,
                       "'%.*s' is not a size: a number and one of B, KB, MB, GB, TB is expected",
                       (int)MIN(text.size, (size_t)80), text.data);
    }
    *ret_bytes = bytes;
    return 0;
}

void bytes_format(int64_t bytes, struct buf *out)
{
    format_with_unit(bytes, bytes_units, ELEMENTS(bytes_units), out);
}
