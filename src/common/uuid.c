#include "common/uuid.h"

static const char hex_digits[] = "0123456789abcdef";

void uuid_random(struct prng *prng, struct uuid *ret_uuid)
{
    uint64_t words[2] = {prng_next(prng), prng_next(prng)};
    memcpy(ret_uuid->bytes, words, UUID_SIZE);
    /* RFC 4122, section 4.4: version 4, variant 10. */
    ret_uuid->bytes[6] = (uint8_t)((ret_uuid->bytes[6] & 0x0f) | 0x40);
    ret_uuid->bytes[8] = (uint8_t)((ret_uuid->bytes[8] & 0x3f) | 0x80);
}

static bool dash_follows(int byte)
{
    return byte == 3 || byte == 5 || byte == 7 || byte == 9;
}

void uuid_format(const struct uuid *uuid, char text[UUID_TEXT_SIZE])
{
    for (int i = 0; i < UUID_SIZE; i++) {
        *text++ = hex_digits[uuid->bytes[i] >> 4];
        *text++ = hex_digits[uuid->bytes[i] & 15];
        if (dash_follows(i)) {
            *text++ = '-';
        }
    }
    *text = '\0';
}

static int hex_value(char c)
{
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    c = (char)(c | 0x20);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

bool uuid_parse(struct slice text, struct uuid *ret_uuid)
{
    if (text.size != UUID_TEXT_SIZE - 1) {
        return false;
    }
    struct uuid uuid;
    const char *at = text.data;
    for (int i = 0; i < UUID_SIZE; i++) {
        int high = hex_value(*at++);
        int low = hex_value(*at++);
        if (high < 0 || low < 0 || (dash_follows(i) && *at++ != '-')) {
            return false;
        }
        uuid.bytes[i] = (uint8_t)(high << 4 | low);
    }
    *ret_uuid = uuid;
    return true;
}

bool uuid_from_bytes(struct slice bytes, struct uuid *ret_uuid)
{
    if (bytes.size != UUID_SIZE) {
        return false;
    }
    memcpy(ret_uuid->bytes, bytes.data, UUID_SIZE);
    return true;
}
