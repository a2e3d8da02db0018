#include "wire/base64.h"

#include <stdint.h>

static const char STANDARD[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
static const char URL_SAFE[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

#define FOREIGN 64 /* no sextet: the character is not in the alphabet */

static unsigned sextet(unsigned char c, char c62, char c63)
{
    if (c >= 'A' && c <= 'Z') {
        return c - 'A';
    }
    if (c >= 'a' && c <= 'z') {
        return c - 'a' + 26u;
    }
    if (c >= '0' && c <= '9') {
        return c - '0' + 52u;
    }
    if (c == (unsigned char)c62) {
        return 62;
    }
    return c == (unsigned char)c63 ? 63 : FOREIGN;
}

static void encode(struct slice bytes, const char *alphabet, bool padded, struct buf *out)
{
    const uint8_t *at = (const uint8_t *)bytes.data;
    size_t left = bytes.size;
    char *start = buf_reserve(out, bytes.size / 3 * 4 + 4);
    char *to = start;
    for (; left >= 3; left -= 3, at += 3) {
        uint32_t group = (uint32_t)at[0] << 16 | (uint32_t)at[1] << 8 | at[2];
        *to++ = alphabet[group >> 18];
        *to++ = alphabet[group >> 12 & 63];
        *to++ = alphabet[group >> 6 & 63];
        *to++ = alphabet[group & 63];
    }
    if (left != 0) {
        uint32_t group = (uint32_t)at[0] << 16 | (left == 2 ? (uint32_t)at[1] << 8 : 0);
        *to++ = alphabet[group >> 18];
        *to++ = alphabet[group >> 12 & 63];
        if (left == 2) {
            *to++ = alphabet[group >> 6 & 63];
        }
        for (size_t i = left; padded && i < 3; i++) {
            *to++ = '=';
        }
    }
    out->size += (size_t)(to - start);
}

/* Text without padding: its size modulo 4 is 0, 2 or 3, and the bits left over are zero, so that
 * each value has one spelling. */
static bool decode(struct slice text, const char *alphabet, struct buf *out)
{
    if (text.size % 4 == 1) {
        return false;
    }
    char *to = buf_reserve(out, base64_size_max(text.size));
    size_t size = 0;
    uint32_t bits = 0;
    unsigned count = 0;
    for (size_t i = 0; i < text.size; i++) {
        unsigned value = sextet((unsigned char)text.data[i], alphabet[62], alphabet[63]);
        if (value == FOREIGN) {
            return false;
        }
        bits = bits << 6 | value;
        count += 6;
        if (count >= 8) {
            count -= 8;
            to[size++] = (char)(bits >> count & 0xff);
        }
    }
    if ((bits & ((1u << count) - 1)) != 0) {
        return false;
    }
    out->size += size;
    return true;
}

void base64_encode(struct slice bytes, struct buf *out)
{
    encode(bytes, STANDARD, true, out);
}

bool base64_decode(struct slice text, struct buf *out)
{
    if (text.size % 4 != 0) {
        return false;
    }
    for (int i = 0; i < 2 && text.size != 0 && text.data[text.size - 1] == '='; i++) {
        text.size--;
    }
    return decode(text, STANDARD, out);
}

void base64url_encode(struct slice bytes, struct buf *out)
{
    encode(bytes, URL_SAFE, false, out);
}

bool base64url_decode(struct slice text, struct buf *out)
{
    return decode(text, URL_SAFE, out);
}

static bool is_space(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

bool base64_decode_loose(struct slice text, char *out, size_t *ret_size)
{
    size_t size = 0;
    size_t i = 0;
    uint32_t bits = 0;
    unsigned count = 0;
    for (; i < text.size && text.data[i] != '='; i++) {
        if (is_space(text.data[i])) {
            continue;
        }
        unsigned value = sextet((unsigned char)text.data[i], STANDARD[62], STANDARD[63]);
        if (value == FOREIGN) {
            return false;
        }
        bits = bits << 6 | value;
        count += 6;
        if (count >= 8) {
            count -= 8;
            out[size++] = (char)(bits >> count & 0xff);
        }
    }
    for (; i < text.size; i++) {
        if (text.data[i] != '=' && !is_space(text.data[i])) {
            return false;
        }
    }
    if (count == 6) {
        return false; /* one character alone is not a byte */
    }
    *ret_size = size;
    return true;
}
