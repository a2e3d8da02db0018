/*
 * Strings of JSON: quoting, and undoing what was quoted. Internal to wire/.
 */
#ifndef TEPUI_WIRE_JSON_STRING_H
#define TEPUI_WIRE_JSON_STRING_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "common/slice.h"

/* Whether some of eight bytes is not a plain character: a control character, '"', '\\', or a part
 * of a longer UTF-8 sequence. */
static inline uint64_t json_string_odd(uint64_t bytes)
{
    const uint64_t ones = UINT64_C(0x0101010101010101);
    const uint64_t highs = UINT64_C(0x8080808080808080);
    uint64_t quotes = bytes ^ ones * '"';
    uint64_t slashes = bytes ^ ones * '\\';
    return (bytes | (bytes - ones * 0x20) | (quotes - ones) | (slashes - ones)) & highs;
}

/* Bytes of the UTF-8 sequence at the beginning, 1 to 4; 0 if it is none. */
size_t json_string_utf8_size(struct slice s);

/* What stands between the quotes, checked by json_scan_string, as text; `out` has room for raw.size
 * bytes. Returns the size. */
size_t json_string_unescape(struct slice raw, char *out);

/* The value of four hexadecimal digits, or -1. */
int json_string_hex4(const char *digits);

#endif
