#include "wire/json_number.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "wire/json.h"

/* --- writing --- */

static const char PAIRS[] = "00010203040506070809101112131415161718192021222324252627282930313233"
                            "34353637383940414243444546474849505152535455565758596061626364656667"
                            "6869707172737475767778798081828384858687888990919293949596979899";

static const uint64_t POWERS[] = {
    UINT64_C(1),
    UINT64_C(10),
    UINT64_C(100),
    UINT64_C(1000),
    UINT64_C(10000),
    UINT64_C(100000),
    UINT64_C(1000000),
    UINT64_C(10000000),
    UINT64_C(100000000),
    UINT64_C(1000000000),
    UINT64_C(10000000000),
    UINT64_C(100000000000),
    UINT64_C(1000000000000),
    UINT64_C(10000000000000),
    UINT64_C(100000000000000),
    UINT64_C(1000000000000000),
    UINT64_C(10000000000000000),
    UINT64_C(100000000000000000),
    UINT64_C(1000000000000000000),
    UINT64_C(10000000000000000000),
};

/* 1233 / 4096 is just above log10(2), so that the guess is right or one too low. */
static unsigned digits_of(uint64_t value)
{
    unsigned bits = 64u - (unsigned)__builtin_clzll(value | 1);
    unsigned guess = bits * 1233 >> 12;
    return guess + (value >= POWERS[guess] || guess == 0);
}

char *json_number_put_uint64(char *to, uint64_t value)
{
    unsigned count = digits_of(value);
    char *at = to + count;
    while (value >= 100) {
        at -= 2;
        memcpy(at, PAIRS + value % 100 * 2, 2);
        value /= 100;
    }
    if (value >= 10) {
        memcpy(to, PAIRS + value * 2, 2);
    } else {
        *to = (char)('0' + value);
    }
    return to + count;
}

char *json_number_put_int64(char *to, int64_t value)
{
    if (value < 0) {
        *to++ = '-';
        return json_number_put_uint64(to, 0 - (uint64_t)value);
    }
    return json_number_put_uint64(to, (uint64_t)value);
}

/* Doubles look as the reference writes them: digits with a point from 1e-6 to below 1e21, and at
 * least one digit behind it; else an exponent. The digits are the fewest that read back the same.
 */
#define PLAIN_MIN 1e-6
#define PLAIN_DIGITS_MAX 21

#define MANTISSA_BITS 52
#define EXPONENT_BIAS 1075 /* value = mantissa * 2^(exponent - EXPONENT_BIAS) */

/* Thousandths, by far the most frequent kind. With at most 15 digits no shorter text can read back
 * the same. */
static char *put_thousandths(char *to, double value)
{
    if (value >= 1e12) {
        return NULL;
    }
    uint64_t n = (uint64_t)(value * 1000 + 0.5);
    if ((double)n / 1000 != value) {
        return NULL;
    }
    to = json_number_put_uint64(to, n / 1000);
    unsigned rest = (unsigned)(n % 1000);
    to[0] = '.';
    to[1] = (char)('0' + rest / 100);
    to[2] = (char)('0' + rest / 10 % 10);
    to[3] = (char)('0' + rest % 10);
    return to + (rest % 10 != 0 ? 4 : rest % 100 != 0 ? 3 : 2);
}

/* Digits of a fraction, one by one, until what is left lies within half a unit of the mantissa's
 * last place (Steele and White's fixed-point algorithm). Exact in integers: the fraction is `rest`
 * / 2^bits and `reach` the half unit. NULL where the half unit below is smaller (a power of two).
 */
static char *put_fraction(char *to, double value)
{
    uint64_t word;
    memcpy(&word, &value, sizeof(word));
    uint64_t mantissa = word & ((UINT64_C(1) << MANTISSA_BITS) - 1);
    int exponent = (int)(word >> MANTISSA_BITS) - EXPONENT_BIAS;
    if (mantissa == 0 || value < PLAIN_MIN || exponent >= 0) {
        return NULL;
    }
    mantissa |= UINT64_C(1) << MANTISSA_BITS;
    bool is_even = (mantissa & 1) == 0;
    unsigned bits = (unsigned)-exponent + 1; /* 1 to 73; 4 more while a digit is made */
    unsigned __int128 rest = (unsigned __int128)mantissa << 1;
    unsigned __int128 unit = (unsigned __int128)1 << bits;
    unsigned __int128 reach = 1;
    to = json_number_put_uint64(to, (uint64_t)(rest >> bits));
    *to++ = '.';
    rest &= unit - 1;
    bool low;
    bool high;
    do {
        rest *= 10;
        reach *= 10;
        *to++ = (char)('0' + (unsigned)(rest >> bits));
        rest &= unit - 1;
        low = is_even ? rest <= reach : rest < reach;
        high = is_even ? rest + reach >= unit : rest + reach > unit;
    } while (!low && !high);
    if (high && (!low || rest * 2 > unit)) {
        to[-1]++; /* never a nine: the digit before would have been the last */
    }
    return to;
}

#define DIGITS_MAX 17 /* as many tell any two doubles apart */

/* The fewest digits, without a point, that read back as the value; 15 are tried first, since fewer
 * than that only ever help below the normal numbers. Returns how many there are, and where the
 * point would be, counted from the first digit. */
static int shortest_digits(double value, char digits[DIGITS_MAX + 1], int *ret_point)
{
    char text[40];
    int precision = value < 0x1p-1022 ? 0 : 14;
    do {
        (void)snprintf(text, sizeof(text), "%.*e", precision, value);
        precision++;
    } while (precision < DIGITS_MAX && strtod(text, NULL) != value);
    int count = 0;
    const char *at = text;
    for (; *at != 'e'; at++) {
        if (*at >= '0' && *at <= '9') {
            digits[count++] = *at;
        }
    }
    while (count > 1 && digits[count - 1] == '0') {
        count--;
    }
    *ret_point = (int)strtol(at + 1, NULL, 10) + 1;
    return count;
}

static char *put_digits(char *to, const char *digits, int count)
{
    memcpy(to, digits, (size_t)count);
    return to + count;
}

static char *put_zeros(char *to, int count)
{
    memset(to, '0', (size_t)count);
    return to + count;
}

/* The rare rest: very large and very small ones, and powers of two. */
static char *put_general(char *to, double value)
{
    char digits[DIGITS_MAX + 1];
    int point;
    int count = shortest_digits(value, digits, &point);
    if (point > 0 && point <= PLAIN_DIGITS_MAX) {
        if (count <= point) {
            to = put_zeros(put_digits(to, digits, count), point - count);
            *to++ = '.';
            *to++ = '0';
            return to;
        }
        to = put_digits(to, digits, point);
        *to++ = '.';
        return put_digits(to, digits + point, count - point);
    }
    if (value >= PLAIN_MIN && point <= 0) {
        *to++ = '0';
        *to++ = '.';
        return put_digits(put_zeros(to, -point), digits, count);
    }
    *to++ = digits[0];
    if (count > 1) {
        *to++ = '.';
        to = put_digits(to, digits + 1, count - 1);
    }
    *to++ = 'e';
    return json_number_put_int64(to, point - 1);
}

char *json_number_put_double(char *to, double value)
{
    if (isnan(value)) {
        return put_digits(to, "\"NaN\"", 5);
    }
    if (isinf(value)) {
        return value > 0 ? put_digits(to, "\"Infinity\"", 10) : put_digits(to, "\"-Infinity\"", 11);
    }
    if (signbit(value)) {
        *to++ = '-';
        value = -value;
    }
    if (value < 1e15 && (double)(uint64_t)value == value) {
        to = json_number_put_uint64(to, (uint64_t)value);
        *to++ = '.';
        *to++ = '0';
        return to;
    }
    char *end = put_thousandths(to, value);
    if (end == NULL) {
        end = put_fraction(to, value);
    }
    return end != NULL ? end : put_general(to, value);
}

void json_format_double(double value, struct buf *out)
{
    char *to = buf_reserve(out, JSON_NUMBER_TEXT_SIZE);
    out->size += (size_t)(json_number_put_double(to, value) - to);
}

/* --- reading --- */

/* Ten to these powers is exact in a double. */
static const double EXACT_POWERS[] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,
                                      1e8,  1e9,  1e10, 1e11, 1e12, 1e13, 1e14, 1e15,
                                      1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};
#define EXACT_POWER_MAX ((int)ELEMENTS(EXACT_POWERS) - 1)

/* Exponents beyond this are the same as infinite ones. */
#define EXPONENT_MAX 100000

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* The number's text, and what could be gathered on the way. */
struct parts {
    const char *start;  /* its first character */
    const char *end;    /* behind the last character */
    uint64_t magnitude; /* all digits, without a point */
    int scale;          /* value = magnitude * 10^scale */
    bool is_negative;   /* with a minus sign */
    bool is_real;       /* with a point or an exponent */
    bool overflow;      /* magnitude does not hold all digits */
};

static const char *read_digits(const char *at, const char *end, struct parts *parts)
{
    for (; at < end && is_digit(*at); at++) {
        unsigned digit = (unsigned)(*at - '0');
        parts->overflow = parts->overflow ||
                          __builtin_mul_overflow(parts->magnitude, 10u, &parts->magnitude) ||
                          __builtin_add_overflow(parts->magnitude, digit, &parts->magnitude);
    }
    return at;
}

/* RFC 8259, section 6. */
static bool read_parts(const char *at, const char *end, struct parts *parts)
{
    *parts = (struct parts){.start = at};
    if (at < end && *at == '-') {
        parts->is_negative = true;
        at++;
    }
    if (at == end || !is_digit(*at) || (*at == '0' && end - at > 1 && is_digit(at[1]))) {
        return false;
    }
    at = read_digits(at, end, parts);
    if (at < end && *at == '.') {
        const char *first = ++at;
        at = read_digits(at, end, parts);
        if (at == first) {
            return false;
        }
        parts->is_real = true;
        parts->scale = (int)MAX(first - at, -(ptrdiff_t)EXPONENT_MAX);
    }
    if (at < end && (*at == 'e' || *at == 'E')) {
        at++;
        bool is_below = at < end && *at == '-';
        if (at < end && (*at == '-' || *at == '+')) {
            at++;
        }
        if (at == end || !is_digit(*at)) {
            return false;
        }
        int exponent = 0;
        for (; at < end && is_digit(*at); at++) {
            exponent = MIN(exponent * 10 + (*at - '0'), EXPONENT_MAX);
        }
        parts->is_real = true;
        parts->scale += is_below ? -exponent : exponent;
    }
    parts->end = at;
    return true;
}

static bool to_real(const struct parts *parts, double *ret)
{
    /* With both factors exact, one rounding gives the nearest double. */
    if (!parts->overflow && parts->magnitude < UINT64_C(1) << 53 &&
        parts->scale >= -EXACT_POWER_MAX && parts->scale <= EXACT_POWER_MAX) {
        double value = (double)parts->magnitude;
        value = parts->scale < 0 ? value / EXACT_POWERS[-parts->scale]
                                 : value * EXACT_POWERS[parts->scale];
        *ret = parts->is_negative ? -value : value;
        return true;
    }
    size_t size = (size_t)(parts->end - parts->start);
    char text[JSON_NUMBER_SIZE_MAX + 1];
    if (size > JSON_NUMBER_SIZE_MAX) {
        return false;
    }
    memcpy(text, parts->start, size);
    text[size] = '\0';
    double value = strtod(text, NULL);
    if (isinf(value)) {
        return false;
    }
    *ret = value;
    return true;
}

bool json_number_read(const char **at, const char *end, struct json_number *ret)
{
    struct parts parts;
    struct json_number number = {.type = JSON_NUMBER_REAL};
    if (!read_parts(*at, end, &parts)) {
        return false;
    }
    bool fits =
        !parts.overflow && (!parts.is_negative || parts.magnitude <= (uint64_t)INT64_MAX + 1);
    if (!parts.is_real && fits) {
        number.type = parts.is_negative ? JSON_NUMBER_NEGATIVE : JSON_NUMBER_UNSIGNED;
        number.magnitude = parts.magnitude;
        number.real = (double)parts.magnitude;
        number.real = parts.is_negative ? -number.real : number.real;
    } else if (!to_real(&parts, &number.real)) {
        return false;
    }
    *at = parts.end;
    *ret = number;
    return true;
}

bool json_number_to_int64(const struct json_number *number, int64_t min, int64_t max, int64_t *ret)
{
    int64_t value;
    switch (number->type) {
    case JSON_NUMBER_UNSIGNED:
        if (number->magnitude > (uint64_t)INT64_MAX) {
            return false;
        }
        value = (int64_t)number->magnitude;
        break;
    case JSON_NUMBER_NEGATIVE:
        value = (int64_t)(0 - number->magnitude);
        break;
    case JSON_NUMBER_REAL:
        if (!(number->real >= -0x1p63 && number->real < 0x1p63)) {
            return false;
        }
        value = (int64_t)number->real;
        break;
    default:
        WRONG("unknown type of number");
    }
    if (value < min || value > max) {
        return false;
    }
    *ret = value;
    return true;
}

bool json_number_to_uint64(const struct json_number *number, uint64_t max, uint64_t *ret)
{
    uint64_t value;
    switch (number->type) {
    case JSON_NUMBER_UNSIGNED:
        value = number->magnitude;
        break;
    case JSON_NUMBER_NEGATIVE:
        if (number->magnitude != 0) {
            return false;
        }
        value = 0;
        break;
    case JSON_NUMBER_REAL:
        if (!(number->real > -1 && number->real < 0x1p64)) {
            return false;
        }
        value = (uint64_t)number->real;
        break;
    default:
        WRONG("unknown type of number");
    }
    if (value > max) {
        return false;
    }
    *ret = value;
    return true;
}
