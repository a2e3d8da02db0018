/*
 * Variable-length integers, the atoms of encoded messages: reading and writing over plain pointers.
 * Inline, since whatever walks messages does little else.
 */
#ifndef TEPUI_WIRE_VARINT_H
#define TEPUI_WIRE_VARINT_H

#include <stddef.h>
#include <stdint.h>

#define VARINT_SIZE_MAX 10

/* The rest of one of two bytes or more. */
const uint8_t *varint_read_long(const uint8_t *at, const uint8_t *end, uint64_t *ret_value);

/* Behind the varint at `at`, or NULL if it does not end before `end` or within 10 bytes. Bits above
 * the 64th are dropped, as protobuf does. */
static inline const uint8_t *varint_read(const uint8_t *at, const uint8_t *end, uint64_t *ret_value)
{
    if (at < end && *at < 0x80) {
        *ret_value = *at;
        return at + 1;
    }
    return varint_read_long(at, end, ret_value);
}

/* Writes up to VARINT_SIZE_MAX bytes; returns the place behind them. */
static inline uint8_t *varint_write(uint8_t *at, uint64_t value)
{
    while (value >= 0x80) {
        *at++ = (uint8_t)(value | 0x80);
        value >>= 7;
    }
    *at++ = (uint8_t)value;
    return at;
}

static inline size_t varint_size(uint64_t value)
{
    unsigned bits = 64u - (unsigned)__builtin_clzll(value | 1);
    return (bits + 6) / 7;
}

/* Signed integers of the sint types: 0, -1, 1, -2 ... are 0, 1, 2, 3 ... */
static inline int64_t zigzag_decode(uint64_t value)
{
    return (int64_t)(value >> 1 ^ (0 - (value & 1)));
}

static inline uint64_t zigzag_encode(int64_t value)
{
    return (uint64_t)value << 1 ^ (uint64_t)(value >> 63);
}

#endif
