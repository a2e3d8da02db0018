/*
 * Scalars count in thousandths: 1.5 cpus is 1500 (facts/observed.md, allocator 13). Doubles exist
 * only on the wire and in text; what decides is int64. Sums saturate instead of wrapping around.
 */
#ifndef TEPUI_RESOURCES_SCALAR_H
#define TEPUI_RESOURCES_SCALAR_H

#include <stdbool.h>
#include <stdint.h>

#include "common/buf.h"
#include "common/macro.h"

#define SCALAR_ONE 1000 /* thousandths in 1.0 */
/* Below this every scalar survives the way through a double; above, the last digits may change. */
#define SCALAR_EXACT_MAX (INT64_C(1) << 53)

/* Rounded to the nearest thousandth, halves away from zero. False for NaN, infinity and what does
 * not fit. */
bool scalar_from_double(double value, int64_t *ret_scalar) WARN_UNUSED;
double scalar_to_double(int64_t scalar);

/* Up to 15 significant digits, as the reference prints amounts: "0.5", "1024", "1e+15". */
void scalar_format(int64_t scalar, struct buf *out);

static inline int64_t scalar_add(int64_t a, int64_t b)
{
    int64_t sum;
    if (__builtin_add_overflow(a, b, &sum)) {
        return a > 0 ? INT64_MAX : INT64_MIN;
    }
    return sum;
}

static inline int64_t scalar_subtract(int64_t a, int64_t b)
{
    int64_t difference;
    if (__builtin_sub_overflow(a, b, &difference)) {
        return a > 0 ? INT64_MAX : INT64_MIN;
    }
    return difference;
}

/* `count` whole things as a scalar. */
static inline int64_t scalar_from_count(uint64_t count)
{
    return count > INT64_MAX / SCALAR_ONE ? INT64_MAX : (int64_t)count * SCALAR_ONE;
}

#endif
