#include "resources/scalar.h"

#include <math.h>

bool scalar_from_double(double value, int64_t *ret_scalar)
{
    double thousandths = value * SCALAR_ONE;
    /* 2^63 is the first double that does not fit; NaN fails the comparison too. */
    if (!(thousandths > -0x1p63 && thousandths < 0x1p63)) {
        return false;
    }
    *ret_scalar = llround(thousandths);
    return true;
}

double scalar_to_double(int64_t scalar)
{
    /* Whole part and rest apart, so that only 0..999 are ever divided: the result is then the
     * nearest double, and 0.1 + 0.2 reads as 0.3. */
    return (double)(scalar / SCALAR_ONE) + (double)(scalar % SCALAR_ONE) / SCALAR_ONE;
}

void scalar_format(int64_t scalar, struct buf *out)
{
    /* Beyond this, fifteen digits cut into the fraction: the C library rounds. */
    const int64_t exact_max = 100000000000 * (int64_t)SCALAR_ONE;
    if (scalar <= -exact_max || scalar >= exact_max) {
        buf_printf(out, "%.15g", scalar_to_double(scalar));
        return;
    }
    if (scalar < 0) {
        buf_append_byte(out, '-');
        scalar = -scalar;
    }
    buf_append_int64(out, scalar / SCALAR_ONE);
    int fraction = (int)(scalar % SCALAR_ONE);
    if (fraction != 0) {
        char text[4] = {'.', (char)('0' + fraction / 100), (char)('0' + fraction / 10 % 10),
                        (char)('0' + fraction % 10)};
        size_t size = sizeof(text);
        while (text[size - 1] == '0') {
            size--;
        }
        buf_append(out, text, size);
    }
}
