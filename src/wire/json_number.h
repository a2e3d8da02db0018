/*
 * Numbers of JSON: their text, and what a text stands for. Internal to wire/.
 */
#ifndef TEPUI_WIRE_JSON_NUMBER_H
#define TEPUI_WIRE_JSON_NUMBER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/macro.h"

/* Room for any number as text. */
#define JSON_NUMBER_TEXT_SIZE 32
/* Longest text of a number that is read. */
#define JSON_NUMBER_SIZE_MAX 1000

/* Each writes at `to`, which has room for JSON_NUMBER_TEXT_SIZE bytes, and returns the place
 * behind. */
char *json_number_put_uint64(char *to, uint64_t value);
char *json_number_put_int64(char *to, int64_t value);
char *json_number_put_double(char *to, double value);

struct json_number {
    enum json_number_type {
        JSON_NUMBER_UNSIGNED, /* 0 or above, without point and exponent, fits in 64 bits */
        JSON_NUMBER_NEGATIVE, /* the same below 0 */
        JSON_NUMBER_REAL,     /* all others; finite */
    } type;
    uint64_t magnitude; /* of whole numbers: the absolute value, at most 2^63 below 0 */
    double real;        /* the value, of any type */
};

/* Reads the number at *at, which is moved behind it. False if there is none, or if it is too large
 * for a double or too long. */
bool json_number_read(const char **at, const char *end, struct json_number *ret) WARN_UNUSED;

/* The whole number that a JSON number stands for; as in the reference, what is behind the point is
 * dropped. False if it does not fit. */
bool json_number_to_int64(const struct json_number *number, int64_t min, int64_t max,
                          int64_t *ret) WARN_UNUSED;
bool json_number_to_uint64(const struct json_number *number, uint64_t max,
                           uint64_t *ret) WARN_UNUSED;

#endif
